"""The documented format: its examples hold, and what is outside of it is refused."""

import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from videomind.training.records import RECORDS, VerifyingRecord

DOCUMENT = Path(__file__).parents[2] / "docs" / "training-data.md"
GROUNDING = {"video": "a.mp4", "query": "a dog", "spans": [[1, 2.5]]}
VERIFYING = {"video": "a.mp4", "query": "a dog", "candidate": [0, 4], "label": True}
PLANNING = {"video": "a.mp4", "question": "What?", "route": "ground", "query": "a dog"}
ANSWERING = {"video": "a.mp4", "question": "What?", "answer": "a dog", "options": ["a cat", "a dog"], "span": [1, 2]}


def documented() -> list[tuple[str, str]]:
    """(role, line) of every example in the document."""
    blocks = re.findall(
        r"^### (\w+)\n```json\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return [(role, line) for role, block in blocks for line in block.splitlines()]


@pytest.mark.parametrize(("role", "line"), documented())
def test_the_documented_examples_are_records(role: str, line: str) -> None:
    RECORDS[role].model_validate_json(line)


def test_every_role_is_documented_and_every_field() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert {role for role, _ in documented()} == set(RECORDS) - {"base"}
    fields = {field for record in RECORDS.values() for field in record.model_fields}
    assert {field for field in fields if f"| `{field}` |" not in document} == set()


@pytest.mark.parametrize(
    ("role", "record", "change", "problem"),
    [
        ("grounder", GROUNDING, {"video": "../a.mp4"}, "inside the videos' folder"),
        ("grounder", GROUNDING, {"video": "b/../../a.mp4"}, "inside the videos' folder"),
        ("grounder", GROUNDING, {"video": "..\\a.mp4"}, "inside the videos' folder"),
        ("grounder", GROUNDING, {"video": "/etc/passwd"}, "inside the videos' folder"),
        ("grounder", GROUNDING, {"video": "C:\\a.mp4"}, "inside the videos' folder"),
        ("grounder", GROUNDING, {"video": "https://example.org/a.mp4"}, "inside the videos' folder"),
        ("grounder", GROUNDING, {"video": "a\x00.mp4"}, "must name a file"),
        ("grounder", GROUNDING, {"video": "."}, "must name a file"),
        ("grounder", GROUNDING, {"duration": 0}, "greater than 0"),
        ("grounder", GROUNDING, {"duration": "12"}, "valid number"),
        ("grounder", GROUNDING, {"query": "  "}, "is empty"),
        ("grounder", GROUNDING, {"query": "<|video_pad|>"}, "control token"),
        ("grounder", GROUNDING, {"spans": [[2, 1]]}, "starts before it ends"),
        ("grounder", GROUNDING, {"spans": [[1, 1]]}, "starts before it ends"),
        ("grounder", GROUNDING, {"spans": [[-1, 1]]}, "greater than or equal to 0"),
        ("grounder", GROUNDING, {"spans": [[1, 2, 3]]}, "at most 2"),
        ("grounder", GROUNDING, {"span": [1, 2]}, "Extra inputs"),
        ("verifier", VERIFYING, {"spans": []}, 'either "label" or "spans"'),
        ("verifier", VERIFYING, {"label": None}, 'either "label" or "spans"'),
        ("verifier", VERIFYING, {"label": "yes"}, "valid boolean"),
        ("planner", PLANNING, {"query": None}, 'comes with a "query"'),
        ("planner", PLANNING, {"route": "answer"}, 'comes with a "query"'),
        ("planner", PLANNING, {"route": "verify"}, "'ground' or 'answer'"),
        ("answerer", ANSWERING, {"answer": "a bird"}, "none of the options"),
        ("answerer", ANSWERING, {"options": ["a dog"]}, "2 to 26"),
        ("answerer", ANSWERING, {"options": ["a dog", "A dog"]}, "are the same"),
        ("answerer", ANSWERING, {"subtitles": "../a.srt"}, "inside the videos' folder"),
    ],
)
def test_what_is_no_record_is_refused(role: str, record: dict[str, object], change: object, problem: str) -> None:
    RECORDS[role].model_validate_json(json.dumps(record))
    with pytest.raises(ValidationError, match=re.escape(problem)):
        RECORDS[role].model_validate_json(json.dumps(record | change))


def test_numbers_are_finite() -> None:
    with pytest.raises(ValidationError, match="finite"):
        RECORDS["grounder"].model_validate_json('{"video": "a.mp4", "query": "a", "spans": [[0, NaN]]}')


@pytest.mark.parametrize(
    ("spans", "shown"),
    [((), False), (((0.0, 2.0),), True), (((0.0, 1.9),), False), (((7.0, 9.0), (2.0, 4.0)), True)],
)
def test_a_candidate_is_right_if_it_overlaps_any_true_span_by_half(
    spans: tuple[tuple[float, float], ...], shown: bool
) -> None:
    assert VerifyingRecord(video="a.mp4", query="a", candidate=(0.0, 4.0), spans=spans).is_shown == shown
