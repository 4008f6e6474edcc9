"""What the fitted rules say about confidences and scores, and what a manifest may hold of them."""

import json
import math
from dataclasses import asdict, replace
from typing import Any

import pytest
from pydantic import ValidationError

from videomind.results import Candidate, percent
from videomind.roles.calibration import Calibration, Rule, Rules, presence_evidence
from videomind.roles.calibration_file import CalibrationFile
from videomind.roles.verifier import score

CONFIDENCE_ALONE, SCORE_ALONE = Rule(0.0, 1.0, 0.0, 0.5), Rule(0.0, 0.0, 1.0, 0.5)
CALIBRATION = Calibration(
    grounded=Rules(CONFIDENCE_ALONE, CONFIDENCE_ALONE),
    verified=Rules(SCORE_ALONE, SCORE_ALONE),
    nms_iou=0.5,
    fitted_on="nothing",
    queries=1,
)


def test_a_rule_of_weight_one_gives_back_what_it_reads() -> None:
    assert CONFIDENCE_ALONE.probability(0.83) == pytest.approx(0.83)
    assert SCORE_ALONE.probability(0.83, score(0.7, 0.1)) == pytest.approx(score(0.7, 0.1))


def test_the_score_counts_as_the_difference_of_yes_and_no() -> None:
    rule = Rule(bias=-0.5, confidence=2.0, verified=3.0, threshold=0.5)
    log_odds = -0.5 + 2.0 * math.log(0.8 / 0.2) + 3.0 * (0.7 - 0.1)
    assert rule.probability(0.8, score(0.7, 0.1)) == pytest.approx(1 / (1 + math.exp(-log_odds)))
    assert rule.probability(0.8) == pytest.approx(1 / (1 + math.exp(0.5 - 2.0 * math.log(4))))


def test_the_more_views_the_stronger_the_evidence_must_be() -> None:
    nine, candidates = CALIBRATION.over(9), (Candidate(0, 1, 0.8),)
    assert CALIBRATION.over(1) == CALIBRATION
    assert nine.presence(candidates) == pytest.approx(1 / (1 + 3 * 0.2 / 0.8))
    assert nine.rate(candidates)[0].probability == pytest.approx(nine.presence(candidates))
    verified = (Candidate(0, 1, 0.8, verified=score(0.9, 0.0)),)
    assert nine.presence(verified) == pytest.approx(1 / (1 + 3 * math.exp(-0.9)))
    grounder_alone = replace(CALIBRATION, verified=None)
    assert grounder_alone.over(9).verified is None


@pytest.mark.parametrize(("confidence", "taken_as"), [(0.0, 1e-4), (1e-9, 1e-4), (1.0, 1 - 1e-4)])
def test_no_confidence_is_taken_as_certain(confidence: float, taken_as: float) -> None:
    assert CONFIDENCE_ALONE.probability(confidence) == pytest.approx(taken_as)


def test_extreme_weights_do_not_overflow() -> None:
    rule = Rule(1000.0, 1000.0, 0.0, 0.5)
    assert rule.probability(1.0) == 1.0
    assert replace(rule, bias=-1000.0).probability(0.0) == 0.0


def test_verified_candidates_are_rated_by_the_rules_with_a_verifier_and_the_others_not_at_all() -> None:
    rated = CALIBRATION.rate([Candidate(0, 1, 0.9, verified=0.6), Candidate(2, 3, 0.8)])
    assert [c.probability for c in rated] == [pytest.approx(0.6), None]


def test_where_nobody_verified_all_are_rated_by_their_confidence() -> None:
    rated = CALIBRATION.rate([Candidate(0, 1, 0.9), Candidate(2, 3, 0.8)])
    assert [c.probability for c in rated] == pytest.approx([0.9, 0.8])


def test_a_model_fitted_without_verifier_goes_by_the_confidence_alone() -> None:
    calibration = replace(CALIBRATION, verified=None)
    rated = calibration.rate([Candidate(0, 1, 0.9, verified=0.6), Candidate(2, 3, 0.8)])
    assert [c.probability for c in rated] == pytest.approx([0.9, 0.8])


def test_presence_reads_the_first_confidence_and_the_best_of_the_first_five_scores() -> None:
    scores = [0.4, 0.5, 0.6, 0.3, 0.3, 0.7, 0.71]
    candidates = [Candidate(0, 1, 0.9 - 0.1 * i, verified=s) for i, s in enumerate(scores)]
    assert presence_evidence(candidates) == (0.9, 0.6)
    assert CALIBRATION.presence(candidates) == pytest.approx(0.6)
    assert presence_evidence([Candidate(0, 1, 0.9)]) == (0.9, None)


def test_what_a_manifest_holds_comes_back_as_it_was() -> None:
    text = CalibrationFile.of(CALIBRATION).model_dump_json()
    assert CalibrationFile.model_validate_json(text).to_calibration() == CALIBRATION
    alone = replace(CALIBRATION, verified=None)
    assert CalibrationFile.of(alone).to_calibration() == alone


def changed(path: str, value: object) -> dict[str, Any]:
    data = asdict(CALIBRATION)
    *way, last = path.split(".")
    place = data
    for key in way:
        place = place[key]
    place[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("grounded.presence.bias", math.nan),
        ("grounded.presence.bias", math.inf),
        ("verified.moment.verified", 10_001.0),
        ("verified.moment.confidence", "1"),
        ("grounded.moment.threshold", 1.01),
        ("grounded.moment.threshold", -0.01),
        ("nms_iou", 1.5),
        ("queries", 0),
        ("fitted_on", ""),
        ("fitted_on", "x" * 501),
        ("grounded.presence.colour", 1.0),
        ("grounded", None),
    ],
)
def test_numbers_that_make_no_sense_are_refused(path: str, value: object) -> None:
    with pytest.raises(ValidationError):
        CalibrationFile.model_validate_json(json.dumps(changed(path, value)))


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.04, "4 %"), (0.0, "0 %"), (1.0, "100 %"), (0.004, "< 1 %"), (0.999, "> 99 %"), (0.99, "99 %"), (0.5, "50 %")],
)
def test_what_is_not_certain_never_reads_as_if_it_were(probability: float, text: str) -> None:
    assert percent(probability) == text
