"""NExT-GQA and DeVE-QA: answers with the moments that they rest on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from videomind.evaluation.sample import Prediction, Sample, Span
from videomind.evaluation.scoring import DEVE_QA, NEXT_GQA
from videomind.roles.answerer import parse_option

from .cases import OPTIONS, cases
from .test_grounding_officials import last


def overlap(true: Span, span: Span) -> tuple[float, float]:
    """IoU and IoP as the benchmark's script has them."""
    if span[0] == span[1]:
        return 0, 1 if true[0] <= span[0] <= true[1] else 0
    hull = (min(true[0], span[0]), max(true[1], span[1]))
    shared = min(true[1], span[1]) - max(true[0], span[0])
    iou = shared / (hull[1] - hull[0]) if hull[1] > hull[0] else 0.0
    iop = shared / (span[1] - span[0]) if span[1] > span[0] else 0.0
    return iou, iop


def reference(samples: list[Sample], predictions: list[Prediction]) -> dict[str, str]:
    names = ("Acc@GQA", "mIoP", "IoP@0.3", "IoP@0.5", "mIoU", "IoU@0.3", "IoU@0.5")
    totals, count, right, asked = dict.fromkeys(names, 0.0), 0, 0, 0
    for sample, row in last(samples, predictions):
        if row is None:
            continue
        correct = row.response is not None and parse_option(row.response, sample.options) == sample.answer
        if row.response is not None:
            asked += 1
            right += correct
        if not row.spans:
            continue
        count += 1
        iou, iop = 0.0, 0.0
        for true in sample.spans:
            one, other = overlap(true, row.spans[0])
            iou, iop = max(iou, one), max(iop, other)
        totals["mIoU"] += iou
        totals["mIoP"] += iop
        for name, value in (("IoU", iou), ("IoP", iop)):
            for threshold in (0.3, 0.5):
                totals[f"{name}@{threshold}"] += value >= threshold
        totals["Acc@GQA"] += iop >= 0.5 and correct
    said = {name: f"{total / count * 100:.2f}" for name, total in totals.items()}
    return said | {"Acc@QA": f"{right * 100.0 / asked:.2f}"}


@pytest.mark.parametrize("seed", range(5))
def test_it_prints_what_the_original_prints(seed: int) -> None:
    samples, predictions = cases(seed)
    found = NEXT_GQA.measure(samples, predictions).metrics
    assert {name: f"{value:.2f}" for name, value in found.items()} == reference(samples, predictions)


def question(number: int, task: str, *spans: Span) -> Sample:
    return Sample(f"1_{number}", ("1",), "?", OPTIONS, "B", spans or ((0, 10),), groups=(("task", task),))


def test_an_empty_span_inside_a_true_one_is_precise_its_ends_included() -> None:
    for span, precise in (((4, 4), 100), ((0, 0), 100), ((10, 10), 100), ((11, 11), 0), ((6, 2), 0)):
        found = NEXT_GQA.measure([question(1, "CW")], [Prediction("1_1", (span,))]).metrics
        assert (found["mIoP"], found["mIoU"]) == (precise, 0)


def test_a_question_without_prediction_leaves_the_denominator() -> None:
    samples = [question(1, "CW"), question(2, "CH")]
    assert NEXT_GQA.measure(samples, [Prediction("1_1", ((0, 10),))]).metrics == {
        "mIoP": 100,
        "IoP@0.3": 100,
        "IoP@0.5": 100,
        "mIoU": 100,
        "IoU@0.3": 100,
        "IoU@0.5": 100,
    }
    assert NEXT_GQA.measure(samples, [Prediction("1_1", response="B")]).metrics == {"Acc@QA": 100}
    assert NEXT_GQA.measure(samples, []).metrics == {}


def test_a_moment_without_answer_is_no_grounded_answer() -> None:
    samples = [question(1, "CW"), question(2, "CH")]
    rows = [Prediction("1_1", ((0, 10),), response="B"), Prediction("1_2", ((0, 10),))]
    assert NEXT_GQA.measure(samples, rows).metrics["Acc@GQA"] == 50


def test_right_is_what_the_file_of_predictions_calls_so() -> None:
    sample = question(1, "CW")
    row = Prediction("1_1", ((0, 10),), response="C", truth=replace(sample, answer="C"))
    assert NEXT_GQA.measure([sample], [row]).metrics["Acc@GQA"] == 100


def test_types_are_named_and_joined_as_in_the_original() -> None:
    samples = [question(n, task) for n, task in enumerate(("CW", "CH", "TN", "TP", "TC"))]
    rows = [Prediction(s.id, response="B" if n % 2 else "A") for n, s in enumerate(samples)]
    types = NEXT_GQA.measure(samples, rows).groups["type"]
    assert {name: metrics["Acc@QA"] for name, metrics in types.items()} == {
        "Acc_C": 50,
        "Acc_T": pytest.approx(100 / 3),
        "Bef&Aft": 50,
        "How": 100,
        "When": 0,
        "Why": 0,
    }


@pytest.mark.parametrize("seed", range(3))
def test_deve_qa_counts_every_question(seed: int) -> None:
    samples, predictions = cases(seed, several=False)
    totals = dict.fromkeys(("Acc@QA", "mIoP", "IoP@0.5", "mIoU", "IoU@0.5", "Acc@GQA"), 0.0)
    for sample, row in last(samples, predictions):
        iou = iop = 0.0
        if row is None:
            continue
        if row.spans:
            start, end = row.spans[0]
            end = max(start, end)
            shared = max(0.0, min(end, sample.spans[0][1]) - max(start, sample.spans[0][0]))
            union = end - start + sample.spans[0][1] - sample.spans[0][0] - shared
            iou, iop = shared / union if union > 0 else 0.0, shared / (end - start) if end > start else 0.0
        correct = row.response is not None and row.response[:1].upper() == sample.answer
        for name, value in (("mIoP", iop), ("mIoU", iou), ("IoP@0.5", iop >= 0.5), ("IoU@0.5", iou >= 0.5)):
            totals[name] += value
        totals["Acc@QA"] += correct
        totals["Acc@GQA"] += correct and iop >= 0.5
    found = DEVE_QA.measure(samples, predictions).metrics
    expected = {name: f"{100 * total / len(samples):.2f}" for name, total in totals.items()}
    assert {name: f"{value:.2f}" for name, value in found.items()} == expected


def test_deve_qa_takes_spans_from_0_on() -> None:
    found = DEVE_QA.measure([question(1, "CW")], [Prediction("1_1", ((-10, 10),), response="b) Clap")]).metrics
    assert (found["mIoU"], found["mIoP"], found["Acc@GQA"]) == (100, 100, 100)
