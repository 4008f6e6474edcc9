"""What a way of scoring is. Each benchmark is scored in two or three ways that differ in definition, not in data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from videomind.evaluation.sample import Prediction, Sample

Metrics = dict[str, float]
"""Metric → value at full precision; percent, unless the original prints a fraction."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one variant says.

    Attributes:
        metrics: over everything, in the order they are shown.
        groups: kind → label → metrics of the samples with that label.
        intervals: 95 % bootstrap intervals (over videos) of metrics that are means over samples.
    """

    metrics: Metrics
    groups: dict[str, dict[str, Metrics]] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Variant:
    """One definition of a benchmark's metrics.

    Attributes:
        name: "official", "videomind" (the published system's evaluation) or "fixed" (every sample counts).
        source: whose definition it is, in words for reports.
        measure: from all samples of the split and all predictions (any order; ids may repeat or be unknown).
    """

    name: str
    source: str
    measure: Callable[[Sequence[Sample], Sequence[Prediction]], Measured]
