"""Windows of a long video: the frames each shows, which moments found in one count, and which are worth a closer look.

A window is as many frames as the grounder's view holds, as dense as the view wants them. Windows overlap by half, so a
moment of up to half a window lies whole in one of them; the same moment, cut off, in its neighbour does not count.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import pairwise

import numpy as np

from videomind.results import Candidate
from videomind.roles.spans import clamp_span

Span = tuple[float, float]
SAME_IOU = 0.75
"""Of two spans that overlap more than this, the less confident is dropped, as within one view (`kernels.nms`)."""
KEPT = 100
"""Candidates of one query, as from one view."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a video that is looked at by itself.

    Attributes:
        frames: numbers of the frames that are seen, ascending.
        span: from the first frame to the end of the last, in seconds.
        own: moments whose middle lies from here to there (seconds) are this window's; of all others another window
            sees more.
    """

    frames: tuple[int, ...]
    span: Span
    own: Span

    def seconds(self, place: float) -> float:
        """When something is that lies at this fraction of the frames seen, as far apart as they may be."""
        first, last = self.frames[0], self.frames[-1]
        shown = np.interp(place * (len(self.frames) - 1), range(len(self.frames)), self.frames)
        through = 0.0 if last == first else (float(shown) - first) / (last - first)
        start, end = self.span
        return start + through * (end - start)


def cut(frames: Sequence[int], fps: float, size: int) -> list[Window]:
    """Windows that cover these frames of a video: `size` frames each, every half of that; at least one.

    Args:
        frames: numbers of frames, ascending, at least one.
        fps: frames per second of the video.
        size: frames of a window, at least 2.
    """
    last = max(len(frames) - size, 0)
    begins = [*range(0, last, size // 2), last]
    shown = [tuple(frames[begin : begin + size]) for begin in begins]
    spans = [(numbers[0] / fps, (numbers[-1] + 1) / fps) for numbers in shown]
    between = [(before[1] + after[0]) / 2 for before, after in pairwise(spans)]
    owned = zip([0.0, *between], [*between, math.inf], strict=True)
    return [Window(*parts) for parts in zip(shown, spans, owned, strict=True)]


def found_in(window: Window, rows: Iterable[tuple[float, float, float]], unit: float = 0.001) -> list[Candidate]:
    """The window's own candidates, in seconds of the video.

    Args:
        window: what was looked at.
        rows: (start, end, score) per span as the decoder gives them, start and end relative to the window. Spans with
            a score of 0, which a better one suppressed, and those with a number that is not finite are left out.
        unit: times are rounded to multiples of this many seconds.
    """
    found = []
    for start, end, score in rows:
        if not (score > 0 and math.isfinite(start) and math.isfinite(end)):
            continue
        first, last = clamp_span(start, end, 1.0)
        begins, ends = (round(round(window.seconds(place) / unit) * unit, 6) for place in (first, last))
        if window.own[0] <= (begins + ends) / 2 < window.own[1]:
            found.append(Candidate(begins, ends, score))
    return found


def merge(best: Sequence[Candidate], more: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The `KEPT` best of both, most confident first, without those that mean the same span as a better one.

    The calibrated probability of a candidate that nobody verified grows with its confidence and depends on nothing
    else (`roles.calibration`), so it ranks the candidates of all windows the same.
    """
    ranked = nlargest(2 * KEPT, [*best, *more], key=lambda c: c.confidence)
    starts, ends = np.array([(c.start, c.end) for c in ranked]).reshape(-1, 2).T
    new = np.ones(len(ranked), dtype=bool)
    kept: list[Candidate] = []
    for place, candidate in enumerate(ranked):
        if new[place] and len(kept) < KEPT:
            kept.append(candidate)
            shared = np.minimum(ends, candidate.end) - np.maximum(starts, candidate.start)
            both = (ends - starts) + (candidate.end - candidate.start) - shared
            new &= shared <= SAME_IOU * both
    return tuple(kept)


def promising(candidates: Iterable[Candidate], windows: Sequence[Window], most: int) -> list[Window]:
    """The windows that the best candidates belong to, at most so many; in order of time.

    Args:
        candidates: best first.
        windows: of the whole video, in order of time.
        most: how many windows to choose.
    """
    ends = [window.own[1] for window in windows]
    chosen: set[int] = set()
    for candidate in candidates:
        if len(chosen) == most:
            break
        chosen.add(int(np.searchsorted(ends, (candidate.start + candidate.end) / 2, side="right")))
    return [windows[place] for place in sorted(chosen)]
