"""Scoring: predictions of a benchmark in several variants at once, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring.base import Measured, Variant
from videomind.evaluation.scoring.reply import chosen


@dataclass(frozen=True, slots=True)
class Scores:
    """What predictions are worth.

    Attributes:
        variants: by the name of the variant.
        n: samples.
        missing: samples without any prediction.
        failed: samples whose last prediction is a failure.
        unparsed: samples whose last prediction is a reply that chooses none of the options.
        unknown: predictions of ids that the annotations do not have.
    """

    variants: dict[str, Measured]
    n: int
    missing: int
    failed: int
    unparsed: int
    unknown: int

    def to_json(self) -> dict[str, Any]:
        """{variant: {metric: value}, …} at full precision, then the counts, groups and intervals."""
        return {
            **{name: found.metrics for name, found in self.variants.items()},
            "n": self.n,
            "missing": self.missing,
            "failed": self.failed,
            "unparsed": self.unparsed,
            "unknown": self.unknown,
            "groups": {name: found.groups for name, found in self.variants.items()},
            "intervals": {
                name: {metric: list(interval) for metric, interval in found.intervals.items()}
                for name, found in self.variants.items()
            },
        }


def score(variants: Sequence[Variant], samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
    """Scores predictions in each variant.

    Args:
        variants: the definitions; their names differ.
        samples: all of the split, each id once.
        predictions: in any order; of one id there may be several, or none.
    """
    known = {sample.id for sample in samples}
    last = {prediction.id: prediction for prediction in predictions}
    there = [(sample, last[sample.id]) for sample in samples if sample.id in last]
    return Scores(
        variants={variant.name: variant.measure(samples, predictions) for variant in variants},
        n=len(samples),
        missing=len(samples) - len(there),
        failed=sum(one.failed for _, one in there),
        unparsed=sum(_unparsed(sample, one) for sample, one in there),
        unknown=sum(prediction.id not in known for prediction in predictions),
    )


def _unparsed(sample: Sample, found: Prediction) -> bool:
    if found.failed or found.response is None or not sample.options:
        return False
    return chosen(found.response, sample) is None
