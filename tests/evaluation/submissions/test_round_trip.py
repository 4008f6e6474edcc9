"""A submission scores as the predictions that it was written from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from videomind.evaluation.predictions import read_predictions
from videomind.evaluation.sample import Prediction, Sample, Span
from videomind.evaluation.scoring.score import score
from videomind.evaluation.submissions import SUBMISSIONS
from videomind.evaluation.tasks import TASKS


def written(task: str, samples: Sequence[Sample], said: Sequence[Prediction], out: Path) -> Path:
    """Where the submission is."""
    files = SUBMISSIONS[task].files(samples, {one.id: one for one in said})
    for name, text in files.items():
        (out / (name.format(split="test") or "submission.jsonl")).write_text(text)
    return out if len(files) > 1 else out / "submission.jsonl"


def spans(draw: Random, count: int) -> tuple[Span, ...]:
    starts = [draw.choice((0.0, 2.0, 7.5, 40.0)) for _ in range(count)]
    return tuple((start, start + draw.choice((0.0, 2.0, 10.0, 35.25))) for start in starts)


@pytest.mark.parametrize("complete", [True, False])
def test_nextgqa(complete: bool, tmp_path: Path) -> None:
    draw = Random(1)
    options = ("a cup", "a dog", "a hat", "a car", "a sea")
    samples = [
        Sample(
            f"{video}_{number}",
            (f"{video}.mp4",),
            "what?",
            options=options,
            answer=draw.choice("ABCDE"),
            spans=spans(draw, draw.choice((1, 2))),
            duration=80.0,
            groups=(("task", draw.choice(("CW", "TN", "TP"))),),
        )
        for video in range(20)
        for number in range(3)
    ]
    said = [
        Prediction(
            one.id,
            spans=one.spans[:1] if draw.random() < 0.4 else spans(draw, 1),
            scores=(1.0,),
            response=f"({one.answer}) " if draw.random() < 0.5 else draw.choice((*options, "hard to say")),
        )
        for one in samples
        if complete or draw.random() < 0.8
    ]
    path = written("nextgqa", samples, said, tmp_path)
    variants = TASKS["nextgqa"].variants
    before = score(variants, samples, said)
    after = score(variants, samples, read_predictions(path, samples))
    for variant in ("official", "fixed"):  # "videomind" reads replies, of which the pair keeps the option alone
        assert after.variants[variant] == before.variants[variant]
    assert (after.n, after.missing, after.unparsed) == (before.n, before.missing, before.unparsed)
    assert (before.missing == 0) is complete
    assert before.unparsed > 0
    assert 20 < before.variants["official"].metrics["Acc@GQA"] < 80


def highlights(draw: Random) -> tuple[list[Sample], list[Prediction]]:
    samples = [
        Sample(
            str(qid),
            (f"video{qid // 2}",),
            f"query {qid}",
            spans=tuple((float(at), float(at + 2 * draw.randint(1, 20))) for at in (0, 60)[: draw.randint(1, 2)]),
            duration=150.0,
            notes={
                "vid": f"video{qid // 2}",
                "relevant_clip_ids": [0, 1],
                "saliency_scores": [[4, 3, 4], [1, draw.randint(0, 4), 2]],
            },
        )
        for qid in range(40, 80)
    ]
    said = [
        Prediction(
            one.id,
            spans=(*spans(draw, draw.randint(0, 12)), *one.spans),
            saliency=tuple(draw.random() for _ in range(75)),
        )
        for one in samples
    ]
    return samples, [
        Prediction(one.id, one.spans, tuple(draw.random() for _ in one.spans or ()), saliency=one.saliency)
        for one in said
    ]


def test_qvhighlights(tmp_path: Path) -> None:
    draw = Random(2)
    samples, said = highlights(draw)
    path = written("qvhighlights", samples, said, tmp_path)
    variants = TASKS["qvhighlights"].variants
    before, after = (score(variants, samples, one) for one in (said, read_predictions(path, samples)))
    assert after == before
    assert 5 < before.variants["official"].metrics["MR-full-mAP"] < 95


def test_qvhighlights_without_scores_keeps_the_order(tmp_path: Path) -> None:
    draw = Random(3)
    samples, scored = highlights(draw)
    said = [Prediction(one.id, one.spans) for one in scored]
    path = written("qvhighlights", samples, said, tmp_path)
    variants = TASKS["qvhighlights"].variants
    before, after = (score(variants, samples, one) for one in (said, read_predictions(path, samples)))
    assert after.variants["official"].metrics == before.variants["official"].metrics


def test_a_query_without_prediction_is_wrong_in_the_submission(tmp_path: Path) -> None:
    samples, said = highlights(Random(4))
    path = written("qvhighlights", samples, said[1:], tmp_path)
    found = score(TASKS["qvhighlights"].variants, samples, read_predictions(path, samples))
    assert found.missing == 0
    assert found.n == len(samples)
    first = [one for one in read_predictions(path, samples) if one.id == said[0].id]
    assert first[0].spans == ((0.0, 0.0),)


def test_rextime(tmp_path: Path) -> None:
    draw = Random(6)
    samples = [
        Sample(
            f"q{n}", (f"{n // 2}",), "?", options=("a", "b", "c", "d"), answer=draw.choice("ABCD"), spans=spans(draw, 1)
        )
        for n in range(40)
    ]
    said = [Prediction(one.id, spans=(*spans(draw, 1), *one.spans), response=draw.choice("ABCD")) for one in samples]
    path = written("rextime", samples, said, tmp_path)
    before, after = (score(TASKS["rextime"].variants, samples, one) for one in (said, read_predictions(path, samples)))
    assert after.variants["official"] == before.variants["official"]
