"""From what a model said about known queries to its calibration."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from videomind.errors import InputError
from videomind.results import Candidate
from videomind.roles.calibration import Rule
from videomind.roles.judge import judge
from videomind.roles.verifier import score
from videomind.training.calibration import FOLDS, Measurement, assess, fit_calibration, tabulate

TRUE, OTHER = (10.0, 20.0), (30.0, 40.0)


def measurements(n: int = 80, seed: int = 0, verified: bool = True) -> Iterator[Measurement]:
    """Confidences that say a little and scores that say more, of a true and a wrong candidate for each query.

    Half of the queries never happen; two in a row are about one video.
    """
    rng = Random(seed)
    for index in range(n):
        happens = bool(index % 2)
        good, bad = rng.gauss(0.65 if happens else 0.5, 0.1), rng.gauss(0.4, 0.1)
        first, second = rng.gauss(0.6 if happens else 0.42, 0.05), rng.gauss(0.4, 0.05)
        candidates = [
            Candidate(*TRUE, good, first if verified else None),
            Candidate(*OTHER, bad, second if verified else None),
        ]
        candidates.sort(key=lambda c: -c.confidence)
        yield Measurement(f"video {index // 2}", (TRUE,) if happens else (), tuple(candidates))


def test_the_fitted_rules_tell_what_is_there_from_what_is_not() -> None:
    calibration = fit_calibration([*measurements()], "drawn numbers")
    unseen = [*measurements(seed=1)]
    right = [judge(one.candidates, calibration).absent != bool(one.spans) for one in unseen]
    assert np.mean(right) > 0.9
    assert (calibration.fitted_on, calibration.queries) == ("drawn numbers", 80)
    found = [judge(one.candidates, calibration, every=True).moments for one in unseen if one.spans]
    assert np.mean([[(m.start, m.end) for m in moments] == [TRUE] for moments in found]) > 0.85


def test_probabilities_are_what_they_say() -> None:
    rng, truth = Random(0), Rule(-0.5, 2.0, 6.0, 0.5)
    drawn = []
    for index in range(3000):
        candidate = Candidate(*TRUE, rng.betavariate(2, 2), score(rng.random(), rng.random()))
        happens = rng.random() < truth.probability(candidate.confidence, candidate.verified)
        drawn.append(Measurement(f"{index}", (TRUE,) if happens else (), (candidate, Candidate(*OTHER, 0.01, 0.3))))
    fitted = fit_calibration(drawn, "drawn numbers").verified
    assert fitted is not None
    assert [fitted.presence.bias, fitted.presence.confidence, fitted.presence.verified] == pytest.approx(
        [truth.bias, truth.confidence, truth.verified], abs=0.5
    )


def test_without_a_verifier_there_are_rules_for_the_grounder_alone() -> None:
    calibration = fit_calibration([*measurements(verified=False)], "drawn numbers")
    assert calibration.verified is None
    assert calibration.grounded.presence.verified == 0
    assert calibration.grounded.presence.confidence > 0


def test_rules_for_the_grounder_alone_are_fitted_beside_those_with_a_verifier() -> None:
    with_verifier = fit_calibration([*measurements()], "drawn numbers")
    alone = fit_calibration([*measurements(verified=False)], "drawn numbers")
    assert with_verifier.grounded == alone.grounded
    assert with_verifier.verified is not None
    assert with_verifier.verified.presence.verified > 0


def test_rows_of_presence_are_queries_and_rows_of_moments_are_candidates() -> None:
    one = Measurement("a", (TRUE,), (Candidate(*TRUE, 0.8, 0.6), Candidate(*OTHER, 0.7, 0.5), Candidate(0, 5, 0.6)))
    never = Measurement("b", (), (Candidate(*TRUE, 0.5, 0.5), Candidate(*OTHER, 0.0, 0.4)))
    presence = tabulate([one, never], "presence", verified=True)
    np.testing.assert_allclose(presence.features[:, 0], [np.log(4), 0])
    np.testing.assert_allclose(presence.features[:, 1], [np.log(1.5), 0])
    assert (presence.labels.tolist(), presence.videos) == ([True, False], ["a", "b"])
    assert tabulate([one, never], "moment", verified=True).labels.tolist() == [True, False, False]
    alone = tabulate([one, never], "moment", verified=False)
    assert (alone.labels.tolist(), alone.videos) == ([True, False, False, False], ["a", "a", "a", "b"])
    assert not alone.features[:, 1].any()


def test_a_candidate_is_true_from_an_overlap_of_half_on() -> None:
    halves = (Candidate(10, 15, 0.8), Candidate(10, 14.9, 0.8), Candidate(33, 38, 0.8))
    assert tabulate([Measurement("a", (TRUE, OTHER), halves)], "moment", verified=False).labels.tolist() == [
        True,
        False,
        True,
    ]


def test_quality_is_measured_on_videos_the_rule_was_not_fitted_on() -> None:
    quality = assess([*measurements()], "presence", verified=True)
    assert (quality.rows, quality.positive) == (80, 40)
    assert quality.auc > 0.95
    assert quality.accuracy == pytest.approx(quality.balanced, abs=1e-9)  # as many of each kind
    alone = assess([*measurements()], "presence", verified=False)
    assert 0.6 < alone.auc < quality.auc


def test_a_rule_is_not_judged_on_what_it_was_fitted_on() -> None:
    """Of few queries whose scores mean nothing, any rule fits its own well and others no better than chance."""
    rng = Random(0)
    areas = []
    for _ in range(20):
        noise = [
            Measurement(
                f"{index}", (TRUE,) if index % 2 else (), (Candidate(*TRUE, rng.random(), score(rng.random(), 0)),)
            )
            for index in range(12)
        ]
        areas.append(assess(noise, "presence", verified=True).auc)
    assert np.mean(areas) < 0.52


def test_queries_about_one_video_stay_together() -> None:
    one_video = [replace(one, video="the same") for one in measurements(10)]
    with pytest.raises(InputError, match="cross-validation needs at least two"):
        assess(one_video, "presence", verified=True)
    few = [replace(one, video=f"{int(one.video.split()[1]) % 2}") for one in measurements(20)]
    assert assess(few, "presence", verified=True).rows == 20
    assert FOLDS > 2


def test_what_is_missing_to_fit_is_said() -> None:
    happening = [one for one in measurements() if one.spans]
    with pytest.raises(InputError, match=r"presence rule cannot be fitted: 40 of 40 .* queries that never do"):
        fit_calibration(happening, "drawn numbers")
    wrong = [replace(one, spans=((50.0, 60.0),) if one.spans else ()) for one in measurements()]
    with pytest.raises(InputError, match=r"moment rule cannot be fitted: 0 of 160 .* hit some"):
        fit_calibration(wrong, "drawn numbers")
