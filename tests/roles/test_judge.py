"""One moment, several, or none: what is made of the candidates."""

from dataclasses import replace

import pytest

from videomind.results import Candidate
from videomind.roles.calibration import Calibration, Rule, Rules
from videomind.roles.judge import distinct, judge

BY_CONFIDENCE, BY_SCORE = Rule(0.0, 1.0, 0.0, 0.5), Rule(0.0, 0.0, 1.0, 0.5)
RULES = Calibration(Rules(BY_CONFIDENCE, BY_CONFIDENCE), Rules(BY_SCORE, BY_SCORE), 0.5, "nothing", 1)
FOUND = (
    Candidate(0, 4, 0.9, verified=0.55),
    Candidate(10, 14, 0.8, verified=0.7),
    Candidate(20, 24, 0.7, verified=0.4),
    Candidate(30, 34, 0.6),
)


def strict(threshold: float) -> Calibration:
    """The rules with another threshold for presence."""
    rule = replace(BY_SCORE, threshold=threshold)
    return replace(RULES, verified=Rules(rule, BY_SCORE))


def starts(candidates: tuple[Candidate, ...]) -> list[float]:
    return [candidate.start for candidate in candidates]


def test_without_calibration_the_best_candidate_is_the_moment() -> None:
    verdict = judge(FOUND, None)
    assert starts(verdict.candidates) == [10, 0, 20, 30]
    assert verdict.moments == (FOUND[1],)
    assert (verdict.presence, verdict.absent) == (None, False)


def test_without_calibration_every_moment_is_each_that_the_grounder_is_confident_of() -> None:
    unsure = Candidate(40, 44, 0.49)
    verdict = judge((*FOUND, Candidate(40, 44, 0.5), replace(unsure, start=50, end=54)), None, every=True)
    assert starts(verdict.moments) == [10, 0, 20, 30, 40]
    assert judge((unsure,), None, every=True).moments == ()


def test_a_presence_at_the_threshold_is_enough() -> None:
    exactly = judge(FOUND, RULES).presence
    assert exactly == pytest.approx(0.7)
    assert exactly is not None
    assert starts(judge(FOUND, strict(exactly)).moments) == [10]
    absent = judge(FOUND, strict(exactly + 1e-9))
    assert (absent.moments, absent.absent, absent.presence) == ((), True, exactly)


def test_what_is_absent_still_has_candidates() -> None:
    assert starts(judge(FOUND, strict(0.71)).candidates) == [10, 0, 20, 30]
    assert judge(FOUND, strict(0.71), every=True).moments == ()


def test_every_moment_is_each_that_is_probable_enough_most_probable_first() -> None:
    verdict = judge(FOUND, RULES, every=True)
    assert starts(verdict.moments) == [10, 0]
    assert [m.probability for m in verdict.moments] == pytest.approx([0.7, 0.55])


def test_candidates_go_by_probability_where_it_disagrees_with_the_score() -> None:
    by_confidence = replace(RULES, verified=Rules(BY_SCORE, BY_CONFIDENCE))
    verdict = judge(FOUND, by_confidence, every=True)
    assert starts(verdict.candidates) == [0, 10, 20, 30]
    assert starts(judge(FOUND, None).candidates) == [10, 0, 20, 30]
    assert starts(verdict.moments) == [0, 10, 20]  # the last was not verified, so nothing is said of it


def test_where_the_thing_is_there_but_no_candidate_is_probable_the_most_probable_is_taken() -> None:
    picky = replace(RULES, verified=Rules(BY_SCORE, replace(BY_SCORE, threshold=0.9)))
    assert starts(judge(FOUND, picky, every=True).moments) == [10]


def test_the_verifier_says_which_moment_and_the_grounder_where_it_ends() -> None:
    confident = Candidate(10, 13, 0.95, verified=0.65)
    verdict = judge((confident, *FOUND), RULES)
    assert [(c.start, c.end) for c in verdict.candidates] == [(10, 13), (10, 14), (0, 4), (20, 24), (30, 34)]
    assert [(m.start, m.end) for m in verdict.moments] == [(10, 13)]
    apart = replace(RULES, nms_iou=0.75)
    assert [(m.start, m.end) for m in judge((confident, *FOUND), apart).moments] == [(10, 14)]


def test_the_first_of_those_that_mean_the_same_moment_is_as_probable_as_the_most_probable() -> None:
    confident = Candidate(10, 13, 0.95, verified=0.65)
    for every in (False, True):
        candidates, moments, _ = judge((confident, *FOUND), RULES, every)
        assert [c.probability for c in candidates[:3]] == pytest.approx([0.7, 0.7, 0.55])
        assert moments[0] == candidates[0]


def test_of_moments_that_overlap_one_is_given() -> None:
    first, second = Candidate(0, 4, 0.95, verified=0.6), Candidate(3, 9, 0.9, verified=0.65)
    middle = Candidate(1, 6, 0.5, verified=0.7)  # both overlap it, and belong to its group
    spans = [(m.start, m.end) for m in judge((first, second, middle), replace(RULES, nms_iou=0.3), every=True).moments]
    assert spans == [(0, 4)]
    assert len(judge((first, second, middle), replace(RULES, nms_iou=0.9), every=True).moments) == 3


def test_nothing_grounded_is_nothing_judged() -> None:
    assert judge((), RULES) == ((), (), None)
    assert judge((), None, every=True) == ((), (), None)


def test_an_overlap_of_just_the_limit_is_allowed() -> None:
    pair = (Candidate(0, 4, 0.9), Candidate(2, 4, 0.8))
    assert distinct(pair, 0.5) == pair
    assert distinct(pair, 0.49) == pair[:1]
    chain = (Candidate(0, 4, 0.9), Candidate(2, 6, 0.8), Candidate(4, 8, 0.7))
    assert starts(distinct(chain, 0.3)) == [0, 4]  # the second is gone, and so suppresses nothing
