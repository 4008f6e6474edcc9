"""Which candidates are moments: the best alone or every one that matches, or none because it is not in the video."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from videomind.results import Candidate
from videomind.roles.calibration import NMS_IOU, Calibration
from videomind.roles.spans import temporal_iou
from videomind.roles.verifier import best_first

CONFIDENT = 0.5
"""From this confidence on a candidate counts as a moment where a model has no calibration."""


class Verdict(NamedTuple):
    """Candidates and moments, best first, and the probability that there is a moment (None: no calibration)."""

    candidates: tuple[Candidate, ...]
    moments: tuple[Candidate, ...]
    presence: float | None = None

    @property
    def absent(self) -> bool:
        """Whether the presence rule says no."""
        return self.presence is not None and not self.moments


def judge(found: tuple[Candidate, ...], calibration: Calibration | None, every: bool = False) -> Verdict:
    """Decides on the candidates of one query.

    Without calibration the verifier's order holds (as published), and the best candidate is the moment, or with `every`
    all that the grounder is confident of (`CONFIDENT`); what is not in the video is then not noticed. With it, the most
    probable candidate is the best: what the grounder saw counts too, not the verifier's score alone. There is no moment
    where the presence rule says so; else it is the best candidate, or with `every` the candidates that the moment
    rule accepts, and where it accepts none, the best. Of several that overlap, the best is kept.

    Args:
        found: candidates in the order of the grounder, with the scores of those that were verified.
        calibration: of the model, if any.
        every: whether every moment is wanted.
    """
    if calibration is None:
        candidates = best_first(found)
        confident = (c for c in candidates if c.confidence >= CONFIDENT)
        return Verdict(candidates, distinct(confident, NMS_IOU) if every else candidates[:1])
    if not found:
        return Verdict((), ())
    candidates, presence = most_probable_first(calibration.rate(found)), calibration.presence(found)
    rules = calibration.rules_for(found)
    if presence < rules.presence.threshold:
        return Verdict(candidates, (), presence)
    if not every:
        return Verdict(candidates, candidates[:1], presence)
    accepted = [c for c in candidates if c.probability is not None and c.probability >= rules.moment.threshold]
    return Verdict(candidates, distinct(accepted or candidates[:1], calibration.nms_iou), presence)


def most_probable_first(rated: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The candidates by their probability; then those without one, as they were."""
    return tuple(sorted(rated, key=lambda c: 0.0 if c.probability is None else -1.0 - c.probability))


def distinct(ranked: Iterable[Candidate], nms_iou: float) -> tuple[Candidate, ...]:
    """The candidates (best first) without those whose IoU with a better one is above `nms_iou`."""
    kept: list[Candidate] = []
    for candidate in ranked:
        if all(temporal_iou((candidate.start, candidate.end), (k.start, k.end)) <= nms_iou for k in kept):
            kept.append(candidate)
    return tuple(kept)
