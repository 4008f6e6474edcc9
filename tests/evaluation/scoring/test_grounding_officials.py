"""The official scores of grounding benchmarks, each against its definition followed step by step."""

from __future__ import annotations

import numpy as np
import pytest

from videomind.evaluation.sample import Prediction, Sample, Span
from videomind.evaluation.scoring import DIDEMO, EGO4D_NLQ, LITA_RTL, REXTIME, TWO_D_TAN, VIDEOMIND

from .cases import cases


def hull_iou(span: Span, true: Span) -> float:
    shared = max(0.0, min(span[1], true[1]) - max(span[0], true[0]))
    hull = max(span[1], true[1]) - min(span[0], true[0])
    return shared / hull if hull > 0 else 0.0


def last(samples: list[Sample], predictions: list[Prediction]) -> list[tuple[Sample, Prediction | None]]:
    found = {row.id: row for row in predictions}
    rows = [(sample, found.get(sample.id)) for sample in samples]
    return [(sample, None if row is None or row.failed else row) for sample, row in rows]


def printed(metrics: dict[str, float]) -> dict[str, str]:
    return {name: f"{value:.2f}" for name, value in metrics.items()}


@pytest.mark.parametrize("seed", range(4))
def test_2d_tan(seed: int) -> None:
    samples, predictions = cases(seed, several=False)
    rows = [
        [hull_iou(span, sample.spans[0]) for span in row.spans or ()] if row else []
        for sample, row in last(samples, predictions)
    ]
    expected = {
        f"R{k}@{t}": float(np.mean([any(iou > t for iou in row[:k]) for row in rows])) * 100
        for k in (1, 5)
        for t in (0.1, 0.3, 0.5, 0.7)
    }
    expected["mIoU"] = float(np.mean([row[0] if row else 0 for row in rows])) * 100
    assert printed(TWO_D_TAN.measure(samples, predictions).metrics) == printed(expected)


def test_2d_tan_and_ego4d_want_more_than_the_threshold() -> None:
    sample = Sample("a", ("v",), "?", spans=((0, 10),))
    for span, beyond in (((0, 5), 0), ((0, 5.01), 100)):
        row = Prediction("a", (span,), (1.0,))
        assert TWO_D_TAN.measure([sample], [row]).metrics["R1@0.5"] == beyond
        assert EGO4D_NLQ.measure([sample], [row]).metrics["R1@0.5"] == beyond
        assert VIDEOMIND.measure([sample], [row]).metrics["R1@0.5"] == 100


@pytest.mark.parametrize("seed", range(4))
def test_ego4d_counts_every_row(seed: int) -> None:
    samples, predictions = cases(seed, several=False)
    known = {sample.id: sample for sample in samples}
    rows = [
        [hull_iou(span, known[row.id].spans[0]) for span in row.spans]
        for row in predictions
        if row.id in known and row.spans is not None and not row.failed
    ]
    expected = {
        f"R{k}@{t}": float(np.mean([any(iou > t for iou in row[:k]) for row in rows])) * 100
        for k in (1, 3, 5)
        for t in (0.3, 0.5, 0.7)
    }
    expected["mIoU"] = float(np.mean([row[0] for row in rows])) * 100
    assert printed(EGO4D_NLQ.measure(samples, predictions).metrics) == printed(expected)


@pytest.mark.parametrize("seed", range(4))
def test_rextime(seed: int) -> None:
    samples, predictions = cases(seed, several=False)
    letters = {"A": "A", "B) Clap": "B", "(C)": "C", "c.": "C", "D Crawl": "D", "the answer is B": "B"}
    letters |= {"(A) Lay on floor": "A"}
    rows = [(sample, row) for sample, row in last(samples, predictions) if row is not None]
    grounded = [(s, row, hull_iou(row.spans[0], s.spans[0])) for s, row in rows if row.spans]
    asked = [letters.get(row.response) == s.answer for s, row in rows if row.response is not None]
    found = REXTIME.measure(samples, predictions).metrics
    ious = np.array([iou for *_, iou in grounded])
    assert printed({name: found[name] for name in found if name.startswith("MR")}) == printed(
        {
            "MR-full-mIoU": float(ious.mean()) * 100,
            "MR-full-R1@0.3": float((ious >= 0.3).mean()) * 100,
            "MR-full-R1@0.5": float((ious >= 0.5).mean()) * 100,
        }
    )
    right = [iou >= 0.5 and letters.get(row.response) == s.answer for s, row, iou in grounded]
    assert found["GQA@0.5"] == sum(right) / len(right)
    assert found["vqa_acc"] == sum(asked) / len(asked)


def test_rextime_reads_letters_where_the_annotations_have_no_options() -> None:
    sample = Sample("a", ("v",), "?", answer="C", spans=((0, 28),))
    found = REXTIME.measure([sample], [Prediction("a", ((0, 14),), response="C")]).metrics
    assert (found["GQA@0.5"], found["vqa_acc"], found["MR-full-R1@0.5"]) == (1, 1, 100)


@pytest.mark.parametrize("seed", range(4))
def test_lita(seed: int) -> None:
    samples, predictions = cases(seed, several=False)
    by_video: dict[str, list[float]] = {}
    for sample, row in last(samples, predictions):
        iou = 0.0
        if row is not None:
            span = sorted(min(max(t, 0), 12.0) for t in (row.spans[0] if row.spans else (0, 12.0)))
            true = sorted(min(max(t, 0), 12.0) for t in sample.spans[0])
            shared = max(min(span[1], true[1]) - max(span[0], true[0]), 0)
            union = span[1] - span[0] + true[1] - true[0] - shared
            iou = shared / union if union else 0.0
        by_video.setdefault(sample.video[0], []).append(iou)
    found = LITA_RTL.measure(samples, predictions)
    assert found.metrics["mIoU"] == pytest.approx(np.mean([np.mean(v) for v in by_video.values()]), abs=1e-12)
    hits = [np.mean([iou >= 0.5 for iou in v]) for v in by_video.values()]
    assert found.metrics["P@0.5"] == pytest.approx(np.mean(hits), abs=1e-12)
    low, high = found.intervals["mIoU"]
    assert low < found.metrics["mIoU"] < high


def test_lita_means_are_of_videos_first() -> None:
    rows = [Sample(str(i), (video,), "?", spans=((0, 10),), duration=20) for i, video in enumerate("aab")]
    given = [Prediction("0", ((0, 10),)), Prediction("1", ((10, 0),)), Prediction("2", ((10, 20),))]
    assert LITA_RTL.measure(rows, given).metrics == {"P@0.5": 0.5, "mIoU": 0.5}
    assert LITA_RTL.measure(rows, [Prediction("2", None)]).metrics == {"P@0.5": 0.5, "mIoU": 0.25}
    assert LITA_RTL.measure([], []).metrics == {}


def didemo(times: list[tuple[int, int]]) -> Sample:
    return Sample("a", ("v",), "?", spans=((0, 5),), notes={"times": times})


def test_didemo_ranks_runs_of_segments() -> None:
    sample = didemo([(1, 1), (1, 1), (1, 1), (0, 0)])
    assert DIDEMO.measure([sample], [Prediction("a", ((5, 10),))]).metrics == {"rank@1": 1, "rank@5": 1, "mIoU": 1}
    later = Prediction("a", ((0, 5), (0.4, 4.9), (5.2, 9.8)))
    assert DIDEMO.measure([sample], [later]).metrics == {"rank@1": 0, "rank@5": 1, "mIoU": pytest.approx(1 / 3)}
    longer = Prediction("a", ((0, 10),))
    assert DIDEMO.measure([sample], [longer]).metrics == {"rank@1": 0, "rank@5": 0, "mIoU": 0.5}
    assert DIDEMO.measure([sample], []).metrics == {"rank@1": 0, "rank@5": 0, "mIoU": 0}


def test_didemo_counts_the_three_who_agree_best() -> None:
    sample = didemo([(0, 0), (0, 1), (3, 3), (5, 5)])
    runs = [(0, 5), (0, 10), (15, 20), (25, 30)]
    found = DIDEMO.measure([sample], [Prediction("a", tuple(runs))]).metrics
    assert found == {"rank@1": 0, "rank@5": 1, "mIoU": pytest.approx((1 + 0.5 + 0) / 3)}


@pytest.mark.parametrize("variant", [TWO_D_TAN, EGO4D_NLQ, DIDEMO, REXTIME], ids=lambda v: v.source)
def test_an_unknown_id_changes_nothing(variant) -> None:
    samples, predictions = cases(1, 60, several=False)
    known = [row for row in predictions if row.id != "unknown"]
    assert len(known) < len(predictions)
    assert variant.measure(samples, predictions).metrics == variant.measure(samples, known).metrics
