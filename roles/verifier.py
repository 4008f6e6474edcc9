"""The verifier: the crop around a candidate, where the segment tokens go in it, and how its scores rank."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from videomind.results import Candidate
from videomind.roles.spans import clamp_span, widen_span

YES, NO = "Yes", "No"
"""The first token of its reply: whether the marks enclose what is asked for."""
MAX_CANDIDATES = 5
MAX_OF_EVERY = 12
"""How many candidates are verified where every moment is wanted."""


@dataclass(frozen=True, slots=True)
class VerifierCrop:
    """What the verifier sees of one candidate.

    Attributes:
        span: the part of the video, in seconds: the candidate and half its length on either side.
        start: where the (widened) candidate starts in the crop: 0 = its first frame, 1 = its last.
        end: where it ends.
    """

    span: tuple[float, float]
    start: float
    end: float


class SegmentPositions(NamedTuple):
    """Before which frame pair each segment token goes; the number of pairs = after the last."""

    start: int
    end: int


def crop_for(start: float, end: float, duration: float, min_span: float = 2.0) -> VerifierCrop:
    """The crop that shows the candidate [start, end] (seconds), widened to `min_span` seconds first.

    Raises:
        ValueError: the video has no duration.
    """
    if not duration > 0:
        raise ValueError(f"a video of {duration} s has no moments to verify")
    inner_start, inner_end = widen_span(start, end, duration, min_span)
    margin = (inner_end - inner_start) / 2
    crop_start, crop_end = clamp_span(inner_start - margin, inner_end + margin, duration)
    length = crop_end - crop_start
    return VerifierCrop(
        span=(crop_start, crop_end),
        start=(inner_start - crop_start) / length,
        end=(inner_end - crop_start) / length,
    )


def segment_positions(start: float, end: float, num_pairs: int) -> SegmentPositions:
    """Where the segment tokens go among `num_pairs` frame pairs; `start` and `end` as in a `VerifierCrop`."""
    return SegmentPositions(
        start=min(num_pairs, max(0, round(start * num_pairs))),
        end=min(num_pairs, max(0, round(end * num_pairs))),
    )


def score(p_yes: float, p_no: float) -> float:
    """sigmoid(P(Yes) − P(No)) over the full softmax: from 0.27 to 0.73 (arXiv 2503.13444, sec. 3.3)."""
    return 1 / (1 + math.exp(p_no - p_yes))


def rank(scores: Sequence[float]) -> list[int]:
    """Indices of the scores, best first; equal scores keep their order."""
    return sorted(range(len(scores)), key=lambda i: -scores[i])


def best_first(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates by their scores; then those without a score, as they were."""
    scores = [c.verified for c in candidates if c.verified is not None]
    looked_at = [c for c in candidates if c.verified is not None]
    return (*(looked_at[i] for i in rank(scores)), *(c for c in candidates if c.verified is None))
