"""Verifying records made of a grounder's own predictions (VideoMind, arXiv 2503.13444, sec. 3.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from videomind.roles.verifier import MAX_CANDIDATES
from videomind.training.records import GOOD_IOU, GroundingRecord, VerifyingRecord, overlaps


def verifying_records(
    records: Sequence[GroundingRecord],
    predictions: Sequence[Sequence[tuple[float, float, float]]],
    top: int = MAX_CANDIDATES,
    threshold: float = GOOD_IOU,
) -> list[VerifyingRecord]:
    """For every record its best predictions as candidates, labelled by whether they hit a true span.

    Args:
        records: what was grounded.
        predictions: for each record (start, end, confidence) in seconds, best first. A prediction that takes no
            time is passed over.
        top: at most so many candidates a record.
        threshold: least temporal IoU with a true span of a candidate that is right.
    """
    return [
        VerifyingRecord(
            video=record.video,
            duration=record.duration,
            query=record.query,
            candidate=candidate,
            label=overlaps(candidate, record.spans, threshold),
        )
        for record, predicted in zip(records, predictions, strict=True)
        for candidate in [*_candidates(predicted)][:top]
    ]


def _candidates(predicted: Iterable[tuple[float, float, float]]) -> Iterator[tuple[float, float]]:
    """The spans of the predictions inside time, forwards."""
    for start, end, _ in predicted:
        first, last = sorted((max(0.0, float(start)), max(0.0, float(end))))
        if first < last:
            yield first, last
