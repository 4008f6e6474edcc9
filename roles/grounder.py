"""The grounder: its query, and the candidate spans read off the timestamp decoder."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from videomind.results import Candidate
from videomind.roles.spans import clamp_span

FALLBACK_WINDOWS = 5


def clean_query(query: str) -> str:
    """The query with white space folded and no dots or white space around it."""
    return re.sub(r"\s+", " ", query).strip().strip(".").strip()


def spans_from_decoder(
    rows: Iterable[tuple[float, float, float]], duration: float, unit: float = 0.001, compat: bool = False
) -> tuple[Candidate, ...]:
    """Candidates in seconds, in the order of the rows.

    Args:
        rows: (start, end, score) per span, start and end relative to the duration. A span with a number that
            is not finite is left out.
        duration: length of the video in seconds.
        unit: times are rounded to multiples of this many seconds.
        compat: treat reversed spans as the published code does. One alone is put right; several are mixed up,
            because all their numbers are rolled by one as a single row.
    """
    finite = [row for row in rows if all(map(math.isfinite, row))]
    spans = _to_unit([row[:2] for row in finite], duration, unit)
    spans = _roll_reversed(spans) if compat else [clamp_span(*span, duration=math.inf) for span in spans]
    return tuple(Candidate(*span, confidence=row[2]) for span, row in zip(spans, finite, strict=True))


def fallback_candidates(duration: float, verifier_follows: bool) -> tuple[Candidate, ...]:
    """Candidates of a reply without a moment: overlapping thirds if a verifier follows, else everything."""
    if not verifier_follows:
        return (Candidate(0.0, duration, confidence=0.0),)
    parts = FALLBACK_WINDOWS + 1
    windows = ((i * duration / parts, (i + 2) * duration / parts) for i in range(FALLBACK_WINDOWS))
    return tuple(Candidate(start, end, confidence=0.0) for start, end in windows)


def _to_unit(relative: Sequence[tuple[float, float]], duration: float, unit: float) -> list[tuple[float, float]]:
    """Spans in seconds, as multiples of the unit, in the float32 arithmetic of published decoders.

    The last bits matter: a candidate well inside its video takes exactly the middle half of its crop, and on
    half-way cases the segment tokens fall on the side that exact quarters fall on.
    """
    import numpy as np  # not needed to describe a role

    whole, step = np.float32(duration), np.float32(unit)
    with np.errstate(over="ignore"):
        seconds = np.asarray(relative, dtype=np.float32).reshape(-1, 2) * whole
    spans: list[list[float]] = (np.rint(np.clip(seconds, 0, whole) / step) * step).tolist()
    return [(start, end) for start, end in spans]


def _roll_reversed(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    reversed_at = [i for i, (start, end) in enumerate(spans) if end < start]
    numbers = [number for i in reversed_at for number in spans[i]]
    rolled = iter(numbers[-1:] + numbers[:-1])
    return [(next(rolled), next(rolled)) if i in reversed_at else span for i, span in enumerate(spans)]
