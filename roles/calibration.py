"""How sure a grounder's confidence and a verifier's score make us: two fitted logistic rules.

Presence: is the described thing in the video at all? Moment: is this candidate a true moment (IoU of at least 0.5
with a true span)? Both read the same two features: the logit of the confidence, and P(Yes) − P(No), which is the logit
of the verifier's score. Rules for a grounder alone are kept beside those for grounder and verifier.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from videomind.results import Candidate
from videomind.roles.verifier import MAX_CANDIDATES

CLIP = 1e-4
"""Confidences are taken to lie within [CLIP, 1 − CLIP]."""
NMS_IOU = 0.3
"""Of two moments that overlap more than this, the better one is kept. Disjoint moments that both match their candidate
with an IoU of 0.5 cannot make two candidates overlap by more than 1/3."""


@dataclass(frozen=True, slots=True)
class Rule:
    """probability = sigmoid(bias + confidence·x1 + verified·x2); yes from `threshold` on."""

    bias: float
    confidence: float
    verified: float
    threshold: float

    def probability(self, confidence: float, verified: float | None = None) -> float:
        """The probability for a confidence and a verifier's score; without a score x2 is 0."""
        first, second = features(confidence, verified)
        return _sigmoid(self.bias + self.confidence * first + self.verified * second)


@dataclass(frozen=True, slots=True)
class Rules:
    """The two rules for one set of roles."""

    presence: Rule
    moment: Rule

    def over(self, views: float) -> Rules:
        """See `Calibration.over`."""
        less = math.log(views) / 2
        presence, moment = (replace(rule, bias=rule.bias - less) for rule in (self.presence, self.moment))
        return Rules(presence, moment)


@dataclass(frozen=True, slots=True)
class Calibration:
    """The rules of one model.

    Attributes:
        grounded: for candidates that nobody verified.
        verified: for candidates with a verifier's score; None where the model was fitted without verifier.
        nms_iou: of two moments that overlap more than this, the less probable is dropped.
        fitted_on: what the rules were fitted on, in words.
        queries: how many queries that were.
    """

    grounded: Rules
    verified: Rules | None
    nms_iou: float
    fitted_on: str
    queries: int

    def rules_for(self, candidates: Sequence[Candidate]) -> Rules:
        """The rules that hold for these candidates of one query."""
        return self.verified if self.verified and is_verified(candidates) else self.grounded

    def over(self, views: float) -> Calibration:
        """The rules for a video that is so many views long and was looked at in parts.

        They were fitted on videos of one view; the more there is to look at, the better the best of what is not there
        looks. If every part were judged alike, Bayes' rule would take log n off the logits for n parts. But only the
        few best of all candidates are verified, and what the rules read is bounded: half of that keeps false alarms
        down (measured on other videos than those evaluated, docs/long-videos.md).

        Args:
            views: at least 1.
        """
        verified = None if self.verified is None else self.verified.over(views)
        return replace(self, grounded=self.grounded.over(views), verified=verified)

    def rate(self, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
        """The candidates with their probabilities; those that a verifier passed over get none."""
        rules = self.rules_for(candidates)
        return tuple(
            c
            if rules is self.verified and c.verified is None
            else replace(c, probability=rules.moment.probability(c.confidence, c.verified))
            for c in candidates
        )

    def presence(self, candidates: Sequence[Candidate]) -> float:
        """The probability that what the candidates were found for is in the video.

        Args:
            candidates: at least one, in the order of the grounder.
        """
        return self.rules_for(candidates).presence.probability(*presence_evidence(candidates))


def features(confidence: float, verified: float | None) -> tuple[float, float]:
    """What the rules read: the logits of a confidence (clipped) and of a verifier's score (0 without one)."""
    return _logit(min(1 - CLIP, max(CLIP, confidence))), 0.0 if verified is None else _logit(verified)


def presence_evidence(candidates: Sequence[Candidate]) -> tuple[float, float | None]:
    """The grounder's top confidence, and the best verifier score among the few that are verified for any question.

    These are the same however many candidates were verified, so that looking for every moment changes no verdict.

    Args:
        candidates: at least one, in the order of the grounder.
    """
    scores = [c.verified for c in candidates[:MAX_CANDIDATES] if c.verified is not None]
    return candidates[0].confidence, max(scores, default=None)


def is_verified(candidates: Sequence[Candidate]) -> bool:
    """Whether a verifier looked at any of them."""
    return any(c.verified is not None for c in candidates)


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
