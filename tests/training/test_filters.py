"""Filters leave out records by lengths, and count them."""

from pathlib import Path

import pytest

from videomind.errors import DataError
from videomind.training.filters import Filters
from videomind.training.record_set import Placed, RecordSet
from videomind.training.records import GroundingRecord, PlanningRecord, Record, VerifyingRecord


def record_set(*records: Record) -> RecordSet:
    placed = tuple(Placed(f"line {number}", record) for number, record in enumerate(records, start=1))
    return RecordSet("grounding.jsonl", "grounder", Path(), placed)


def grounding(duration: float | None, query: str = "a dog") -> GroundingRecord:
    return GroundingRecord(video="a.mp4", duration=duration, query=query, spans=())


def test_bounds_are_inclusive_and_what_is_out_counts_as_skipped() -> None:
    records = record_set(grounding(9.9), grounding(10), grounding(None), grounding(20), grounding(20.1))
    kept = Filters(min_duration=10, max_duration=20).apply(records)
    assert [placed.place for placed in kept.placed] == ["line 2", "line 3", "line 4"]
    assert [(skip.place, skip.reason) for skip in kept.skipped] == [
        ("line 1", "video too short"),
        ("line 5", "video too long"),
    ]


def test_words_of_queries_and_questions_are_counted() -> None:
    records = record_set(
        grounding(1, "dog"),
        grounding(1, "a  big dog"),
        PlanningRecord(video="a.mp4", question="Where is it?", route="answer"),
        VerifyingRecord(video="a.mp4", query="a very big black dog", candidate=(0, 1), label=True),
    )
    kept = Filters(min_words=2, max_words=4).apply(records)
    assert [placed.place for placed in kept.placed] == ["line 2", "line 3"]
    assert [skip.reason for skip in kept.skipped] == ["too few words", "too many words"]


def test_without_bounds_everything_stays() -> None:
    records = record_set(grounding(1), grounding(1e5, "a " * 100))
    assert Filters().apply(records) == records


def test_filters_that_leave_nothing_are_refused() -> None:
    with pytest.raises(DataError, match=r"no record passes the filters \(2 video too short\): widen them"):
        Filters(min_duration=100).apply(record_set(grounding(1), grounding(2)))
