"""Percent have two decimals, fractions four; which are fractions is what the official scorers give."""

from __future__ import annotations

import pytest

from videomind.evaluation.report.values import FRACTIONS, decimals, printed, printed_interval
from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.tasks import TASKS

PERFECT = Sample(
    "1-1",
    ("a.mp4",),
    "?",
    options=("a", "b", "c"),
    answer="B",
    spans=((0.0, 10.0),),
    duration=30.0,
    groups=(("task", "CW"),),
    notes={"times": [[0, 1]] * 4, "segments": [[0, 1]] * 4, "num_segments": 6},
)


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_what_is_perfect_is_one_or_a_hundred(task) -> None:
    said = Prediction("1-1", spans=((0.0, 10.0),), scores=(1.0,), response="B")
    for variant in task.variants:
        found = variant.measure([PERFECT], [said]).metrics
        assert found
        for metric, value in found.items():
            places = decimals(task.name, variant.name, metric)
            assert value == pytest.approx(1.0 if places == 4 else 100.0), (variant.name, metric)
        if variant.name == "official":
            assert set(FRACTIONS.get(task.name, ())) <= found.keys()


def test_numbers_are_printed_with_their_decimals() -> None:
    assert printed(51.0526, 2) == "51.05"
    assert printed(0.36789, 4) == "0.3679"
    assert printed(None, 2) == "–"
    assert printed_interval((49.96, 52.04), 2) == "50.0 to 52.0"
    assert decimals("didemo", "official", "mIoU") == 4
    assert decimals("didemo", "fixed", "mIoU") == 2
