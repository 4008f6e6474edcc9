"""Verifying records from a grounder's predictions."""

import pytest

from videomind.training.records import GroundingRecord
from videomind.training.verifying import verifying_records

DOG = GroundingRecord(video="a.mp4", duration=20, query="a dog", spans=((2, 4), (10, 14)))


def test_the_best_predictions_become_candidates_labelled_by_overlap() -> None:
    predicted = [
        (2.0, 4.0, 0.9),
        (5.0, 8.0, 0.8),
        (10.0, 12.0, 0.7),
        (10.0, 11.9, 0.6),
        (12.0, 14.5, 0.5),
        (2.0, 4.0, 0.1),
    ]
    made = verifying_records([DOG], [predicted])
    assert [(record.candidate, record.is_shown) for record in made] == [
        ((2.0, 4.0), True),
        ((5.0, 8.0), False),
        ((10.0, 12.0), True),
        ((10.0, 11.9), False),
        ((12.0, 14.5), False),
    ]
    assert {(record.video, record.duration, record.query) for record in made} == {("a.mp4", 20, "a dog")}


@pytest.mark.parametrize(("threshold", "shown"), [(0.75, True), (0.76, False)])
def test_the_threshold_is_reached_by_equality(threshold: float, shown: bool) -> None:
    (record,) = verifying_records([DOG], [[(10.0, 13.0, 1.0)]], threshold=threshold)
    assert record.is_shown == shown


def test_top_limits_each_record_and_what_takes_no_time_is_passed_over() -> None:
    predicted = [(3.0, 3.0, 0.9), (-1.0, -0.5, 0.9), (9.0, 8.0, 0.8), (1.0, 2.0, 0.7), (2.0, 4.0, 0.6)]
    made = verifying_records([DOG, DOG], [predicted, []], top=2)
    assert [record.candidate for record in made] == [(8.0, 9.0), (1.0, 2.0)]


def test_nothing_is_right_about_what_never_happens() -> None:
    never = GroundingRecord(video="a.mp4", query="a cat", spans=())
    assert [record.is_shown for record in verifying_records([never], [[(0.0, 20.0, 1.0)]])] == [False]
