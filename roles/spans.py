"""Arithmetic on spans of a video (seconds)."""

from __future__ import annotations


def clamp_span(start: float, end: float, duration: float) -> tuple[float, float]:
    """The span cut to [0, duration], its smaller number first."""
    start, end = min(duration, max(0.0, start)), min(duration, max(0.0, end))
    return min(start, end), max(start, end)


def widen_span(start: float, end: float, duration: float, minimum: float) -> tuple[float, float]:
    """The span at least `minimum` long: centred on its middle, moved inwards at the ends of the video.

    Args:
        start: seconds; may lie outside the video or after `end`.
        end: seconds.
        duration: length of the video in seconds.
        minimum: shortest span to return, in seconds; a shorter video is returned whole.
    """
    start, end = clamp_span(start, end, duration)
    if end - start >= minimum:
        return start, end
    half = minimum / 2
    centre = min(duration - half, max(half, (start + end) / 2))
    return clamp_span(centre - half, centre + half, duration)


def temporal_iou(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Intersection over union of two spans; 0 where both are empty."""
    shared = max(0.0, min(first[1], second[1]) - max(first[0], second[0]))
    union = (first[1] - first[0]) + (second[1] - second[0]) - shared
    return shared / union if union > 0 else 0.0
