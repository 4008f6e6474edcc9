"""Logistic regression and the choice of a threshold, in plain numpy."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from videomind.errors import InputError

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]
RIDGE = 1e-2
"""Penalty on the weights: what can be told apart does not run away, and what hardly differs counts for little."""
STEPS, TOLERANCE = 100, 1e-10


class Line(NamedTuple):
    """A fitted log-odds: bias + features·weights."""

    bias: float
    weights: Floats

    def probabilities(self, features_NF: Floats) -> Floats:
        """[N], of being true."""
        return _sigmoid(self.bias + features_NF @ self.weights)


def fit_line(features_NF: Floats, labels_N: Labels, ridge: float = RIDGE) -> Line:
    """The log-odds that make the labels most likely, by Newton's method in float64.

    Minimises −Σ log p(label) + ridge/2·Σ weight²; the bias is free.

    Raises:
        InputError: all labels are the same, or a feature is not finite.
    """
    if not 0 < labels_N.sum() < len(labels_N):
        raise InputError(f"{int(labels_N.sum())} of {len(labels_N)} labels are true: to fit a rule, give both kinds")
    if not np.isfinite(features_NF).all():
        raise InputError("a feature is not a finite number")
    mean = features_NF.mean(0)
    design = np.column_stack([np.ones(len(labels_N)), features_NF - mean])
    theta = _newton(design, labels_N.astype(np.float64), np.array([0.0, *[ridge] * len(mean)]))
    return Line(float(theta[0] - theta[1:] @ mean), theta[1:])


def choose_threshold(probabilities: Floats, labels: Labels, by: Literal["balanced", "f1"]) -> float:
    """The threshold (yes from it on) with the best balanced accuracy or F1 on these.

    It lies midway between two neighbouring probabilities; of several that are as good, the middle one is taken.

    Raises:
        InputError: all labels are the same.
    """
    if not 0 < labels.sum() < len(labels):
        raise InputError(
            f"{int(labels.sum())} of {len(labels)} labels are true: to choose a threshold, give both kinds"
        )
    distinct = np.unique(probabilities)
    cuts = (np.concatenate([[0.0], distinct[:-1]]) + distinct) / 2
    worth = np.array([score(probabilities >= cut, labels, by) for cut in cuts])
    best = np.flatnonzero(worth >= worth.max() - 1e-12)
    return float(cuts[best[(len(best) - 1) // 2]])


def score(said: Labels, labels: Labels, by: Literal["balanced", "f1", "accuracy"]) -> float:
    """Balanced accuracy, F1 or accuracy of yes and no."""
    if by == "accuracy":
        return float((said == labels).mean())
    hits = float((said & labels).sum())
    if by == "f1":
        return 2 * hits / float(said.sum() + labels.sum())
    return (hits / float(labels.sum()) + float((~said & ~labels).sum()) / float((~labels).sum())) / 2


def _newton(design: Floats, labels: Floats, ridge: Floats) -> Floats:
    """Minimises the penalised loss, halving a step that would make it worse."""
    theta = np.zeros(design.shape[1])
    best = _loss(theta, design, labels, ridge)
    for _ in range(STEPS):
        p = _sigmoid(design @ theta)
        gradient = design.T @ (p - labels) + ridge * theta
        hessian = (design.T * np.maximum(p * (1 - p), 1e-12)) @ design + np.diag(ridge)
        step = np.linalg.lstsq(hessian, gradient, rcond=None)[0]
        while (loss := _loss(theta - step, design, labels, ridge)) > best and abs(step).max() > TOLERANCE:
            step = step / 2
        theta, best = theta - step, loss
        if abs(step).max() <= TOLERANCE:
            break
    return theta


def _loss(theta: Floats, design: Floats, labels: Floats, ridge: Floats) -> float:
    z = design @ theta
    return float((np.logaddexp(0, z) - labels * z).sum() + 0.5 * (ridge * theta**2).sum())


def _sigmoid(z: Floats) -> Floats:
    return 0.5 * (1 + np.tanh(0.5 * z))
