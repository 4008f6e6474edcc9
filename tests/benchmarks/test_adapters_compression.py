"""The table of docs/adapters.md, and the tasks it was measured on."""

import json
from pathlib import Path
from statistics import fmean

import pytest

from benchmarks.adapters_compression import BEGIN, END, RESULTS, Row, table
from benchmarks.dialects import PLAIN, WORDS, dialect

DOCS = Path(__file__).parents[2] / "docs" / "adapters.md"


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    lines = [json.loads(line) for line in RESULTS.read_text().splitlines()]
    return [Row(**{field: line[field] for field in Row._fields}) for line in lines]


def test_the_table_is_made_of_the_raw_lines(rows: list[Row]) -> None:
    written = DOCS.read_text().split(BEGIN)[1].split(END)[0].strip()
    assert written == table(rows)


def test_what_the_page_says_of_the_numbers(rows: list[Row]) -> None:
    found = {(row.way, row.rank): row for row in rows}
    mean = {key: fmean(row.accuracies) for key, row in found.items() if row.accuracies}
    kept = {key: value / mean["original", None] for key, value in mean.items()}
    whole = found["original", None].bytes
    assert mean["base", None] < 0.1 < 0.9 < mean["plain", None]
    for said in (
        f"At rank 32, {whole / found['joint', 32].bytes:.1f} times smaller, {kept['joint', 32]:.0%} of the accuracy",
        f"at 48 it is {kept['joint', 48]:.0%}",
        f"answers {mean['joint', 16]:.2f} right, not {mean['cut', 2]:.2f}",
        f"({fmean(found['joint', 16].errors):.2f}, not {fmean(found['cut', 2].errors):.2f})",
        f"at rank 16 it is down to {min(found['joint', 16].accuracies):.2f}",
        f"{whole / found['random', 64].bytes:.1f} times smaller, {fmean(found['random', 64].errors):.0%} of each",
    ):
        assert said.replace("%", " %") in " ".join(DOCS.read_text().split())
    assert found["joint", 16].bytes < found["cut", 2].bytes
    assert found["joint", 64].bytes < whole < found["joint", 96].bytes
    assert found["joint", 32].own <= whole / len(found["joint", 32].errors) / 5


@pytest.mark.parametrize("number", range(24))
def test_no_word_of_a_dialect_means_what_it_does_elsewhere(number: int) -> None:
    words = dialect(number)
    assert list(words) == list(PLAIN)
    assert words == dialect(number)
    for kind in WORDS:
        assert {words[word] for word in kind} == set(kind)
        assert all(words[word] != word for word in kind)
