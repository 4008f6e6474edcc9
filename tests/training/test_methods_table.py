"""The table of methods in docs/training.md says what is so."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import methods
from videomind.training.methods import METHODS

DOCS = Path(__file__).parents[2] / "docs" / "training.md"


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[methods.Row]:
    with pytest.warns(UserWarning, match="Found missing adapter keys"):  # RandLoRA's, which stand there once for all
        return list(methods.measure(tmp_path_factory.mktemp("methods")))


def test_the_docs_name_every_setting() -> None:
    assert methods.settings() in DOCS.read_text()


@pytest.mark.slow
def test_every_method_trains(rows: list[methods.Row]) -> None:
    assert [row.method for row in rows] == list(METHODS)
    assert all(row.last < 0.95 * row.first and row.numbers > 0 for row in rows)


@pytest.mark.slow
def test_every_method_is_served_as_it_is_or_as_plain_lora(rows: list[methods.Row]) -> None:
    """What the torch engine takes was compared with PEFT on the way; what it does not take becomes LoRA."""
    for row in rows:
        assert row.engine or row.high is not None
        if row.high is not None and row.low is not None:
            assert row.high[1] <= 0.01 + 1e-4
            assert row.low[0] < 1


@pytest.mark.slow
def test_the_docs_say_the_same(rows: list[methods.Row]) -> None:
    text = DOCS.read_text().split(methods.BEGIN)[1].split(methods.END)[0]
    again = "python -m benchmarks.methods --docs docs/training.md makes the table again"
    assert methods.verdicts(text) == methods.verdicts(methods.table(rows)), again
