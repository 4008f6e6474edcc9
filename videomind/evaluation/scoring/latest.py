"""Which prediction of a sample counts, where only one can."""

from __future__ import annotations

from collections.abc import Sequence

from videomind.evaluation.sample import Prediction, Sample


def latest(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> list[Prediction | None]:
    """The last prediction of each sample; None where there is none, or where it failed."""
    last = {prediction.id: prediction for prediction in predictions}
    found = (last.get(sample.id) for sample in samples)
    return [None if prediction is None or prediction.failed else prediction for prediction in found]


def both(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> tuple[list[Sample], list[Prediction]]:
    """The samples that have a prediction which did not fail, and beside them the last of each."""
    found = zip(samples, latest(samples, predictions), strict=True)
    pairs = [(sample, prediction) for sample, prediction in found if prediction is not None]
    return [sample for sample, _ in pairs], [prediction for _, prediction in pairs]
