"""Leaving out records by the length of their video and of their text."""

from __future__ import annotations

from dataclasses import dataclass, replace

from videomind.errors import DataError
from videomind.training.record_set import RecordSet, Skip, counts_text
from videomind.training.records import GroundingRecord, Record, VerifyingRecord

TOO_SHORT, TOO_LONG = "video too short", "video too long"


@dataclass(frozen=True, slots=True)
class Filters:
    """Bounds, inclusive; None = no bound.

    Attributes:
        min_duration, max_duration: of the video, in seconds. Where a record does not say how long its video is,
            the video is asked when it is opened.
        min_words, max_words: of the query or question.
    """

    min_duration: float | None = None
    max_duration: float | None = None
    min_words: int | None = None
    max_words: int | None = None

    def apply(self, records: RecordSet) -> RecordSet:
        """The set without the records that are out of bounds, which count as skipped.

        Raises:
            DataError: nothing remains.
        """
        reasons = [self._reason(placed.record) for placed in records.placed]
        kept = tuple(p for p, reason in zip(records.placed, reasons, strict=True) if reason is None)
        left_out = [
            Skip(p.place, reason, reason)
            for p, reason in zip(records.placed, reasons, strict=True)
            if reason is not None
        ]
        if not kept:
            raise DataError(f"{records.name}: no record passes the filters ({counts_text(left_out)}): widen them")
        return replace(records, placed=kept, skipped=(*records.skipped, *left_out))

    def of_duration(self, seconds: float) -> str | None:
        """Why a video of this length is left out, or None."""
        return _outside(seconds, self.min_duration, self.max_duration, (TOO_SHORT, TOO_LONG))

    def _reason(self, record: Record) -> str | None:
        words = _outside(
            len(text_of(record).split()), self.min_words, self.max_words, ("too few words", "too many words")
        )
        return words or (None if record.duration is None else self.of_duration(record.duration))


def text_of(record: Record) -> str:
    """The query or question."""
    return record.query if isinstance(record, GroundingRecord | VerifyingRecord) else record.question


def _outside(value: float, least: float | None, most: float | None, reasons: tuple[str, str]) -> str | None:
    if least is not None and value < least:
        return reasons[0]
    return reasons[1] if most is not None and value > most else None
