"""Multiple choice: how each benchmark reads replies, and what it averages over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring import LONGVIDEOBENCH, LVBENCH, MLVU, MVBENCH, VIDEO_MME, VIDEOMIND
from videomind.evaluation.scoring.choice import (
    longvideobench_letter,
    lvbench_letter,
    mlvu_letter,
    mvbench_right,
    video_mme_letter,
)

from .cases import OPTIONS


def questions(*tasks: str, answer: str | None = "B") -> list[Sample]:
    return [Sample(str(n), ("v",), "?", OPTIONS, answer, groups=(("task", t),)) for n, t in enumerate(tasks)]


def replies(*texts: str | None) -> list[Prediction]:
    return [Prediction(str(n), response=text) for n, text in enumerate(texts) if text is not None]


def test_mlvu_averages_over_tasks_and_videomind_over_questions() -> None:
    samples = questions("count", "count", "count", "order")
    given = replies("A", "A", "A", "B")
    found = MLVU.measure(samples, given)
    assert found.metrics == {"M-Avg": 50}
    assert found.groups == {"task": {"count": {"Acc": 0}, "order": {"Acc": 100}}}
    assert VIDEOMIND.measure(samples, given).metrics["Acc"] == 25


def test_what_the_original_asks_all_counts_though_it_is_missing_or_has_no_right_option() -> None:
    samples = [*questions("a", "a"), Sample("x", ("v",), "?", OPTIONS, None, groups=(("task", "a"),))]
    given = [*replies("B", None), Prediction("x", response="")]
    assert MLVU.measure(samples, given).metrics["M-Avg"] == pytest.approx(100 / 3)
    assert MVBENCH.measure(samples, given).metrics["Avg"] == pytest.approx(100 / 3)
    assert LONGVIDEOBENCH.measure(samples, given).metrics["lvb_acc"] == pytest.approx(1 / 3)


def test_what_the_original_skips_is_left_out() -> None:
    samples = questions("a", "b", "c", "d")
    given = replies("B", None, "no letter", "C")
    assert LVBENCH.measure(samples, given).metrics == {"acc": pytest.approx(1 / 3)}
    assert VIDEO_MME.measure(samples, given).metrics == {"Overall": 50}


def test_lvbench_counts_a_question_under_each_of_its_tasks() -> None:
    samples = [Sample("1", ("v",), "?", OPTIONS, "B", groups=(("task", "KIR"), ("task", "ER"), ("type", "sport")))]
    samples += questions("ER")
    found = LVBENCH.measure(samples, [Prediction("1", response="B"), Prediction("0", response="A")])
    assert found.groups == {"task": {"ER": {"acc": 0.5}, "KIR": {"acc": 1}}}
    assert found.metrics == {"acc": 0.5}


def test_a_split_without_answers_has_no_score() -> None:
    for variant in (MLVU, MVBENCH, LVBENCH, VIDEO_MME, LONGVIDEOBENCH):
        assert variant.measure(questions("a", answer=None), replies("A")).metrics == {}


@pytest.mark.parametrize(
    ("reply", "mlvu", "lvbench", "video_mme", "longvideobench"),
    [
        ("B", "B", "B", "B", "B"),
        ("B) Clap", "B", "B", "B", "B"),
        ("(B) Clap", "(B", "B", "B", "B"),
        ("B. Clap", "B. Clap", "B", "B", "B"),
        ("b", "b", "b", "", ""),
        ("The answer is B", "The answer is B", "T", "B", "B"),
        ("Best answer: B", "Best answer: B", "B", "B", "B"),
        ("The best option is: C", "The best option is: C", "T", "C", "C"),
        ("E", "E", "E", "", "E"),
        ("", "", "", "", ""),
    ],
)
def test_letters(reply: str, mlvu: str, lvbench: str, video_mme: str, longvideobench: str) -> None:
    read = (mlvu_letter, lvbench_letter, video_mme_letter, longvideobench_letter)
    assert tuple(letter(reply) for letter in read) == (mlvu, lvbench, video_mme, longvideobench)


def test_of_equal_options_mlvu_takes_the_last_for_right() -> None:
    (sample,) = questions("a")
    sample = replace(sample, options=("Wall", "Clap", "Sofa", "Clap"))
    assert MLVU.measure([sample], replies("D")).metrics["M-Avg"] == 100
    assert MLVU.measure([sample], replies("B")).metrics["M-Avg"] == 0
    assert VIDEOMIND.measure([sample], replies("B")).metrics["Acc"] == 100


@pytest.mark.parametrize(
    ("reply", "right"),
    [
        ("B", True),
        ("B) Clap", True),
        ("(b)", True),
        ("(b", False),
        ("(", False),
        ("B. Clap\nC", True),
        ("C", False),
        ("Because", False),
        ("", True),
    ],
)
def test_mvbench(reply: str, right: bool) -> None:
    assert mvbench_right(reply, "B") is right
