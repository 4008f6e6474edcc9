"""docs/security.md names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "security.md").read_text()


def test_every_claim_names_tests_that_exist() -> None:
    claims = [row.rsplit("|", 2)[1] for row in re.findall(r"^\| .*tests/.*\|$", DOCS, flags=re.MULTILINE)]
    named = [re.findall(r"`(tests/[\w/]+\.py)`", claim) for claim in claims]
    assert len(named) > 15
    assert all(named)
    missing = {path for paths in named for path in paths if "def test_" not in _text(ROOT / path)}
    assert missing == set()


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def test_links_lead_somewhere() -> None:
    for document in (ROOT / "docs").glob("*.md"):
        for link in re.findall(r"\]\(([\w-]+\.md)\)", document.read_text()):
            assert (document.parent / link).is_file(), f"{document.name}: {link}"
