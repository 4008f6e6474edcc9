"""docs/scaling.md says what the raw line of the load benchmark says."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.serve_load_table import BEGIN, END, table
from videomind.serve.identity import COOKIE
from videomind.serve.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "scaling.md").read_text()


def test_the_table_is_that_of_the_last_measurement() -> None:
    assert DOCS.split(BEGIN)[1].split(END)[0] == table()


def test_the_settings_and_names_it_speaks_of_exist() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", DOCS, flags=re.MULTILINE)
    assert set(rows) <= set(Settings.model_fields)
    assert f"$cookie_{COOKIE}" in DOCS


def test_the_tests_it_names_exist() -> None:
    assert all((ROOT / path).is_file() for path in re.findall(r"`(tests/[\w/]+\.py)`", DOCS))
