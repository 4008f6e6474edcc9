"""CG-Bench's own definition: unions of intervals, and how replies are read."""

from __future__ import annotations

import pytest

from videomind.evaluation.sample import Prediction, Sample, Span
from videomind.evaluation.scoring import CG_BENCH
from videomind.evaluation.scoring.cg_bench import right_reply

from .cases import cases
from .test_grounding_officials import last


def merged(spans: list[Span]) -> list[list[float]]:
    result: list[list[float]] = []
    for start, end in sorted(spans, key=lambda span: span[0]):
        if result and start <= result[-1][1]:
            result[-1][1] = max(result[-1][1], end)
        else:
            result.append([start, end])
    return result


def union_iou(first: list[Span], second: list[Span]) -> float:
    one, other = merged(first), merged(second)
    shared = sum(max(0, min(a[1], b[1]) - max(a[0], b[0])) for a in one for b in other)
    union = sum(end - start for start, end in one) + sum(end - start for start, end in other) - shared
    return shared / union if union > 0 else 0


@pytest.mark.parametrize("seed", range(4))
def test_it_equals_the_definition(seed: int) -> None:
    samples, predictions = cases(seed)
    rows = [(s, row) for s, row in last(samples, predictions) if row is not None]
    ious = [union_iou(list(row.spans[:1]), list(s.spans)) if row.spans else 0.0 for s, row in rows]
    right = [row.response is not None and right_reply(row.response, s.answer or "") for s, row in rows]
    grounded = [iou for (_, row), iou in zip(rows, ious, strict=True) if row.spans]
    asked = [i for i, (_, row) in enumerate(rows) if row.response is not None]
    times = (0.1, 0.2, 0.3, 0.4, 0.5)
    expected = {
        "long-acc": sum(right) / len(asked) * 100,
        "mIoU": sum(grounded) / len(grounded) * 100,
        "rec@IoU": sum(sum(iou >= t for iou in grounded) / len(grounded) for t in times) / 5 * 100,
        "acc@IoU": sum(sum(right[i] and ious[i] >= t for i in asked) / len(asked) for t in times) / 5 * 100,
    }
    found = CG_BENCH.measure(samples, predictions).metrics
    assert {k: f"{v:.2f}" for k, v in found.items()} == {k: f"{v:.2f}" for k, v in expected.items()}


def test_clues_that_overlap_or_touch_count_once() -> None:
    sample = Sample("a", ("v",), "?", spans=((5, 10), (0, 6), (10, 12)))
    found = CG_BENCH.measure([sample], [Prediction("a", ((0, 12), (50, 60)))]).metrics
    assert found == {"mIoU": 100, "rec@IoU": 100}


@pytest.mark.parametrize(
    ("reply", "right"),
    [
        ('```json\n{"result": "C"}\n```', True),
        ('```json\n{"result": C}\n```', True),
        ('```json\n{"result": "B"}\n``` or C', False),
        ("```json\nnonsense\n``` C", True),
        ("C) White", True),
        ("A or B or C", True),
        ("c", False),
        ("Cat", False),
        ("", False),
    ],
)
def test_replies(reply: str, right: bool) -> None:
    assert right_reply(reply, "C") is right
