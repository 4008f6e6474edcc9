"""Which candidates are moments: the best alone or every one that matches, or none because it is not in the video."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
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
    all that the grounder is confident of (`CONFIDENT`); what is not in the video is then not noticed. With it there is
    no moment where the presence rule says so; else it is the first of the candidates as `group` ranks them, or with
    `every` the first of each group in which the moment rule accepts a candidate, or of the first group.

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
    groups, presence = group(calibration.rate(found), calibration.nms_iou), calibration.presence(found)
    candidates = tuple(candidate for members in groups for candidate in members)
    rules = calibration.rules_for(found)
    if presence < rules.presence.threshold:
        return Verdict(candidates, (), presence)
    if not every:
        return Verdict(candidates, candidates[:1], presence)
    accepted = [members[0] for members in groups if (members[0].probability or 0.0) >= rules.moment.threshold]
    return Verdict(candidates, distinct(accepted, calibration.nms_iou) or candidates[:1], presence)


def group(rated: Sequence[Candidate], nms_iou: float) -> list[list[Candidate]]:
    """Candidates that mean the same moment together, the most probable moment first.

    Which moment it is, is said best by grounder and verifier together; where it begins and ends, by the grounder. So
    groups go by their most probable member, around which they are: the others overlap it by more than `nms_iou`.
    Within a group the grounder's confidence decides, and the first has the probability of the most probable: it stands
    for what that was asked about. Candidates without a probability come last, each by itself.
    """
    rest = sorted((c for c in rated if c.probability is not None), key=lambda c: -(c.probability or 0.0))
    groups = []
    while rest:
        best = (rest[0].start, rest[0].end)
        same = [c for c in rest[1:] if temporal_iou((c.start, c.end), best) > nms_iou]
        first, *others = sorted([rest[0], *same], key=lambda c: -c.confidence)
        groups.append([replace(first, probability=rest[0].probability), *others])
        rest = [c for c in rest[1:] if c not in same]
    return groups + [[c] for c in rated if c.probability is None]


def distinct(ranked: Iterable[Candidate], nms_iou: float) -> tuple[Candidate, ...]:
    """The candidates (best first) without those whose IoU with a better one is above `nms_iou`."""
    kept: list[Candidate] = []
    for candidate in ranked:
        if all(temporal_iou((candidate.start, candidate.end), (k.start, k.end)) <= nms_iou for k in kept):
            kept.append(candidate)
    return tuple(kept)
