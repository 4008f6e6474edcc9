"""Fitting a model's calibration to what it said about queries whose moments are known, and how well that holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from videomind.errors import InputError
from videomind.evaluation.metrics.roc import roc_auc
from videomind.results import Candidate
from videomind.roles.calibration import (
    NMS_IOU,
    Calibration,
    Rule,
    Rules,
    features,
    is_verified,
    presence_evidence,
)
from videomind.training.logistic import Floats, Labels, choose_threshold, fit_line, score
from videomind.training.records import overlaps

Name = Literal["presence", "moment"]
CRITERIA: dict[Name, Literal["balanced", "f1"]] = {"presence": "balanced", "moment": "f1"}
"""What the threshold of each rule makes best."""
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a model said about one query.

    Attributes:
        video: queries about the same video stay together in cross-validation.
        spans: the true moments in seconds; () = it never happens.
        candidates: at least one, in the order of the grounder, with the scores of those that were verified.
    """

    video: str
    spans: tuple[tuple[float, float], ...]
    candidates: tuple[Candidate, ...]


class Table(NamedTuple):
    """What one rule is fitted on: features [N, 2], labels [N], and the video [N] that each row comes from."""

    features: Floats
    labels: Labels
    videos: list[str]


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a rule does on videos it was not fitted on (cross-validation).

    Attributes:
        rows: how many queries (presence) or candidates (moment) were judged.
        positive: how many of them are true.
        auc: area under the ROC curve of the probability.
        accuracy: share judged right with the threshold.
        balanced: mean of the shares judged right of the true and of the others.
        f1: harmonic mean of precision and recall.
    """

    rows: int
    positive: int
    auc: float
    accuracy: float
    balanced: float
    f1: float


def fit_calibration(measurements: Sequence[Measurement], fitted_on: str, nms_iou: float = NMS_IOU) -> Calibration:
    """The rules that fit these queries best; those with a verifier only where one was at work.

    Args:
        measurements: of queries that happen and of queries that never do.
        fitted_on: what they are, in words, for the manifest.
        nms_iou: of two moments that overlap more, the less probable will be dropped.

    Raises:
        InputError: only queries that happen, or only others; or no candidate, or every one, is a true moment.
    """
    verified = any(is_verified(one.candidates) for one in measurements)
    return Calibration(
        grounded=_fit_rules(measurements, verified=False),
        verified=_fit_rules(measurements, verified=True) if verified else None,
        nms_iou=nms_iou,
        fitted_on=fitted_on,
        queries=len(measurements),
    )


def assess(measurements: Sequence[Measurement], name: Name, verified: bool, folds: int = FOLDS) -> Quality:
    """How well one of the rules does on videos it was not fitted on.

    Raises:
        InputError: as `fit_calibration`, for the part of the queries that a fold leaves; or all are about one video.
    """
    table = tabulate(measurements, name, verified)
    fold_N = _folds(table.videos, folds)
    probabilities, said = np.zeros(len(fold_N)), np.zeros(len(fold_N), dtype=bool)
    for fold in range(fold_N.max() + 1):
        out = fold_N == fold
        line = fit_line(table.features[~out], table.labels[~out])
        known = line.probabilities(table.features[~out])
        threshold = choose_threshold(known, table.labels[~out], CRITERIA[name])
        probabilities[out] = line.probabilities(table.features[out])
        said[out] = probabilities[out] >= threshold
    labels = table.labels
    return Quality(
        rows=len(labels),
        positive=int(labels.sum()),
        auc=roc_auc(probabilities[labels], probabilities[~labels]),
        accuracy=score(said, labels, "accuracy"),
        balanced=score(said, labels, "balanced"),
        f1=score(said, labels, "f1"),
    )


def tabulate(measurements: Sequence[Measurement], name: Name, verified: bool) -> Table:
    """The rows of one rule: a query each (presence) or a candidate each (moment).

    Candidates of confidence 0 are no rows: they are copies of better ones, or guesses where nothing was localised.

    Args:
        measurements: what the model said.
        name: which rule.
        verified: whether the verifier's scores are features; what was not verified is then no row.
    """
    rows: list[tuple[float, float]] = []
    labels: list[bool] = []
    videos: list[str] = []
    for one in measurements:
        if verified and not is_verified(one.candidates):
            continue
        if name == "presence":
            confidence, best = presence_evidence(one.candidates)
            rows.append(features(confidence, best if verified else None))
            labels.append(bool(one.spans))
            videos.append(one.video)
            continue
        for candidate in one.candidates:
            if candidate.confidence > 0 and not (verified and candidate.verified is None):
                rows.append(features(candidate.confidence, candidate.verified if verified else None))
                labels.append(overlaps((candidate.start, candidate.end), one.spans))
                videos.append(one.video)
    return Table(np.array(rows, dtype=np.float64).reshape(-1, 2), np.array(labels, dtype=bool), videos)


def _fit_rules(measurements: Sequence[Measurement], verified: bool) -> Rules:
    return Rules(*(_fit_rule(tabulate(measurements, name, verified), name) for name in CRITERIA))


def _fit_rule(table: Table, name: Name) -> Rule:
    try:
        line = fit_line(table.features, table.labels)
    except InputError as error:
        needed = {
            "presence": "give queries that happen in their video and queries that never do (spans: [])",
            "moment": "the grounder must hit some of the moments and miss others",
        }[name]
        raise InputError(f"the {name} rule cannot be fitted: {error}; {needed}") from None
    threshold = choose_threshold(line.probabilities(table.features), table.labels, CRITERIA[name])
    return Rule(line.bias, float(line.weights[0]), float(line.weights[1]), threshold)


def _folds(videos: Sequence[str], folds: int) -> np.ndarray:
    """The fold [N] of each row: videos are dealt out in a fixed shuffled order."""
    distinct = list(dict.fromkeys(videos))
    if len(distinct) < 2:
        raise InputError("all queries are about one video: cross-validation needs at least two")
    order = np.random.default_rng(0).permutation(len(distinct))
    fold_of = {distinct[video]: place % folds for place, video in enumerate(order)}
    return np.array([fold_of[video] for video in videos])
