"""Scoring in several variants at once, its counts, its JSON, and that it is fast."""

from __future__ import annotations

import json
import time

import pytest

from benchmarks.scoring import made_up
from videomind.evaluation import scoring
from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring import FIXED, NEXT_GQA, VIDEOMIND, score
from videomind.evaluation.scoring.base import Variant

from .cases import OPTIONS, cases

VARIANTS = [found for name in scoring.__all__ if isinstance(found := getattr(scoring, name), Variant)]


def test_it_counts_what_is_wrong_with_the_predictions() -> None:
    samples = [Sample(name, ("v",), "?", OPTIONS, "B") for name in "abcde"]
    predictions = [
        Prediction("a", response="B"),
        Prediction("b", failed=True),
        Prediction("c", failed=True),
        Prediction("c", response="who knows"),
        Prediction("x", response="B"),
        Prediction("x", response="B"),
    ]
    found = score([FIXED], samples, predictions)
    assert (found.n, found.missing, found.failed, found.unparsed, found.unknown) == (5, 2, 1, 1, 2)


def test_json_holds_each_variant_at_the_top_and_full_precision() -> None:
    samples, predictions = cases(0, 60)
    text = json.dumps(score([NEXT_GQA, VIDEOMIND, FIXED], samples, predictions).to_json(), allow_nan=False)
    found = json.loads(text)
    assert set(found) == {
        *("official", "videomind", "fixed", "n", "missing", "failed", "unparsed", "unknown", "groups", "intervals")
    }
    assert found["official"] == NEXT_GQA.measure(samples, predictions).metrics
    assert set(found["groups"]["videomind"]["task"]) == {"one", "two", "three"}
    low, high = found["intervals"]["fixed"]["mIoU"]
    assert low < found["fixed"]["mIoU"] < high


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: v.source)
def test_every_variant_copes_with_nothing_and_with_anything(variant: Variant) -> None:
    samples, predictions = cases(2, 40)
    assert variant.measure([], predictions).metrics == {}
    variant.measure(samples, [])
    bare = [Prediction(sample.id) for sample in samples]
    empty = [Prediction(sample.id, (), (), response="") for sample in samples]
    for rows in (bare, empty, [*bare, *predictions]):
        json.dumps(score([variant], samples, rows).to_json(), allow_nan=False)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: v.source)
def test_the_order_of_samples_and_of_predictions_does_not_matter(variant: Variant) -> None:
    samples, predictions = cases(3, 80, several=False)
    once = list({row.id: row for row in predictions}.values())
    one, other = variant.measure(samples, once), variant.measure(samples[::-1], once[::-1])
    assert one.metrics == pytest.approx(other.metrics, abs=1e-9)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: v.source)
def test_100_000_predictions_take_less_than_5_seconds(variant: Variant) -> None:
    samples, predictions = made_up(10_000, clips=0)
    begin = time.process_time()
    score([variant], samples, predictions)
    assert time.process_time() - begin < 1.5  # a tenth of them; on a busy machine
