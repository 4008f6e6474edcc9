"""Every sample counts once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring import FIXED, VIDEOMIND
from videomind.evaluation.scoring.base import Metrics

from .cases import OPTIONS, cases

SAMPLE = Sample("a", ("v",), "?", OPTIONS, "B", ((0, 10),))
RIGHT = Prediction("a", ((0, 10),), (1.0,), response="B")


def measure(samples: list[Sample], predictions: list[Prediction]) -> Metrics:
    return FIXED.measure(samples, predictions).metrics


def named(*ids: str) -> list[Sample]:
    return [replace(SAMPLE, id=name) for name in ids]


def test_what_is_missing_failed_or_unreadable_is_wrong() -> None:
    failed = replace(RIGHT, id="b", failed=True)
    found = measure(named("a", "b", "c", "d"), [RIGHT, failed, replace(RIGHT, id="d", response="I cannot say")])
    assert (found["Acc"], found["mIoU"], found["Acc@IoU"]) == (25, 50, 25)


def test_it_is_videominds_where_each_sample_has_one_prediction() -> None:
    samples, predictions = cases(0)
    once = {
        row.id: row for row in predictions if not row.failed and row.spans and row.response in ("A", "B) Clap", "c.")
    }
    samples = [sample for sample in samples if sample.id in once]
    assert len(samples) > 20
    theirs = VIDEOMIND.measure(samples, list(once.values()))
    ours = FIXED.measure(samples, list(once.values()))
    assert ours.metrics == pytest.approx(theirs.metrics, abs=1e-9)
    assert ours.groups["task"]["one"] == pytest.approx(theirs.groups["task"]["one"], abs=1e-9)


def test_of_several_predictions_the_last_counts() -> None:
    assert measure([SAMPLE], [replace(RIGHT, spans=((20, 30),)), RIGHT])["mIoU"] == 100
    assert measure([SAMPLE], [RIGHT, replace(RIGHT, failed=True)])["mIoU"] == 0


def test_a_reply_is_read_by_its_meaning() -> None:
    for reply in ("(B)", "The answer is B", "Clap", "Best Option: (B) Clap"):
        assert measure([SAMPLE], [replace(RIGHT, response=reply)])["Acc"] == 100


def test_samples_without_spans_or_options_are_left_out_of_what_needs_them() -> None:
    samples = [SAMPLE, replace(SAMPLE, id="b", spans=()), replace(SAMPLE, id="c", options=(), answer=None)]
    found = measure(samples, [RIGHT])
    assert (found["mIoU"], found["Acc"]) == (50, 50)


def test_a_question_without_right_option_is_wrong_whatever_is_said() -> None:
    assert measure([SAMPLE, replace(SAMPLE, id="b", answer=None)], [RIGHT, replace(RIGHT, id="b")])["Acc"] == 50


def test_answers_are_grounded_only_where_there_are_moments() -> None:
    assert measure([replace(SAMPLE, spans=())], [RIGHT]) == {"Acc": 100}


def test_what_no_prediction_attempts_is_not_measured() -> None:
    assert "Acc" not in measure([SAMPLE], [replace(RIGHT, response=None)])
    assert "mIoU" not in measure([SAMPLE], [replace(RIGHT, spans=None)])
    nothing = measure([SAMPLE], [])
    assert (nothing["mIoU"], nothing["Acc"]) == (0, 0)


def test_saying_that_something_is_absent() -> None:
    absent = Sample("x", ("v",), "?", absent=True)
    samples = [SAMPLE, replace(SAMPLE, id="b"), absent, replace(absent, id="y"), replace(absent, id="z")]
    rows = [replace(RIGHT, absent=False), Prediction("b", absent=True), Prediction("x", absent=True)]
    found = measure(samples, [*rows, Prediction("y", absent=False)])
    assert found["found"] == 50
    assert found["not-found"] == pytest.approx(100 / 3)
    assert "found" not in measure(samples, [RIGHT])


def test_a_split_without_answers_is_not_asked() -> None:
    assert "Acc" not in measure([replace(SAMPLE, answer=None)], [RIGHT])


def test_all_kinds_of_labels_get_their_numbers() -> None:
    samples = [
        replace(SAMPLE, groups=(("task", "CW"), ("duration", "long"))),
        replace(SAMPLE, id="b", groups=(("task", "CH"), ("duration", "long"))),
    ]
    groups = FIXED.measure(samples, [RIGHT]).groups
    assert {kind: {label: m["Acc"] for label, m in labels.items()} for kind, labels in groups.items()} == {
        "task": {"CH": 0, "CW": 100},
        "duration": {"long": 50},
    }
