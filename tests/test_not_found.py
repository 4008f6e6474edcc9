"""The chain with a calibration: what is not in the video, and what is there several times."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests import finder
from tests.near import near
from videomind.agent import Agent
from videomind.cancellable import Cancel
from videomind.engines.base import RoleRequest
from videomind.engines.torch_engine import TorchEngine
from videomind.events import AnswerToken, Done, Grounded, Judged, PlanReady, Verified
from videomind.lora_switch.bundle import load_bundle
from videomind.results import Result
from videomind.roles.answerer import NOT_IN_VIDEO
from videomind.roles.calibration import Calibration, Rule
from videomind.roles.calibration_file import CalibrationFile
from videomind.roles.spans import temporal_iou

THERE, ABSENT = 0.97, 0.04
OPTIONS = ["it fades", "it glows"]


@pytest.fixture(scope="module")
def engine(finder_bundle: Path) -> Iterator[TorchEngine]:
    engine = TorchEngine(load_bundle(finder_bundle), device="cpu")
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def plain(finder_bundle: Path, engine: TorchEngine) -> Agent:
    """The model without calibration."""
    return Agent(load_bundle(finder_bundle), engine)


def with_rules(plain: Agent, rules: Calibration, compat: bool = False) -> Agent:
    manifest = plain.bundle.manifest.model_copy(update={"calibration": CalibrationFile.of(rules)})
    return Agent(replace(plain.bundle, manifest=manifest), plain.engine, compat)


def test_an_open_question_about_what_is_not_there_is_answered_without_the_answerer(
    plain: Agent, frames: np.ndarray
) -> None:
    result = with_rules(plain, finder.calibration(ABSENT)).ask(frames, "What barks?")
    assert result.answer is not None
    assert (result.answer.text, result.answer.option) == (NOT_IN_VIDEO, None)
    assert "answerer" not in {call.role for call in result.trace.calls}
    assert (result.moment, result.moments, result.absent, result.found) == (None, (), True, False)
    assert result.presence == pytest.approx(ABSENT)
    assert scores(result) == near(scores(plain.ask(frames, "What barks?")))


def test_a_choice_is_forced_and_so_answered_all_the_same(plain: Agent, frames: np.ndarray) -> None:
    result = with_rules(plain, finder.calibration(ABSENT)).ask(frames, "What happens?", options=OPTIONS)
    nearest, (start, end) = result.candidates[0], result.trace.calls[-1].span
    assert start <= nearest.start < nearest.end <= end
    assert result.answer is not None
    assert result.answer.text
    assert (result.moment, result.absent) == (None, True)


def test_only_an_option_counts_as_an_answer_about_what_is_not_there(plain: Agent, frames: np.ndarray) -> None:
    result = with_rules(plain, finder.calibration(ABSENT)).ask(frames, "What happens?", options=OPTIONS)
    assert result.answer is not None
    assert replace(result, answer=replace(result.answer, option="A")).found
    assert not replace(result, answer=replace(result.answer, text="hm", option=None)).found


def scores(result: Result) -> list[float]:
    return sorted(candidate.verified for candidate in result.candidates if candidate.verified is not None)


def test_what_is_there_is_found_among_the_same_candidates(plain: Agent, frames: np.ndarray) -> None:
    result = with_rules(plain, finder.calibration(THERE)).ask(frames, "What barks?")
    expected = plain.ask(frames, "What barks?")
    assert result.moments == (result.moment,)
    assert result.moment is not None
    assert result.moment.probability is not None
    assert result.moment == result.candidates[0]
    assert scores(result) == near(scores(expected))
    assert (result.found, result.absent) == (True, False)
    assert result.presence == pytest.approx(THERE)
    assert (expected.presence, expected.found) == (None, True)


def test_the_verdict_comes_before_the_answer(plain: Agent, frames: np.ndarray) -> None:
    events = list(with_rules(plain, finder.calibration(ABSENT)).stream(frames, "What barks?"))
    assert [type(event) for event in events] == [PlanReady, Grounded, Verified, Judged, AnswerToken, Done]
    judged, token = events[3], events[4]
    assert isinstance(judged, Judged)
    assert (judged.presence, judged.moments) == (pytest.approx(ABSENT), ())
    assert token == AnswerToken(NOT_IN_VIDEO)


def test_a_question_that_needs_no_moment_is_not_judged(plain: Agent, frames: np.ndarray) -> None:
    agent = with_rules(plain, finder.calibration(ABSENT))
    result = agent.ask(frames, "What happens?", roles={"answerer"})
    assert result.answer == plain.ask(frames, "What happens?", roles={"answerer"}).answer
    assert (result.presence, result.absent) == (None, False)


def test_compat_takes_the_best_candidate_in_any_video(plain: Agent, frames: np.ndarray) -> None:
    result = with_rules(plain, finder.calibration(ABSENT), compat=True).find(frames, "a dog")
    assert (result.presence, result.moment) == (None, result.candidates[0])
    assert result.candidates[0].probability is None


def test_without_verifier_the_confidence_decides(plain: Agent, frames: np.ndarray) -> None:
    by_confidence = Rule(0.0, 1.0, 0.0, 0.5)
    rules = finder.calibration(ABSENT)
    rules = replace(rules, grounded=replace(rules.grounded, presence=by_confidence))
    agent = with_rules(plain, rules)
    assert agent.find(frames, "a dog").absent
    alone = agent.ask(frames, "a dog", roles={"grounder"})
    assert alone.presence == pytest.approx(alone.candidates[0].confidence)
    assert alone.moment == alone.candidates[0]
    assert [c.probability for c in alone.candidates] == pytest.approx([c.confidence for c in alone.candidates])


def test_every_moment_is_found_with_one_batch_of_twelve(
    plain: Agent, frames: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    choose = plain.engine.choose

    def counted(
        requests: Sequence[RoleRequest], choices: Sequence[str], cancel: Cancel | None = None
    ) -> list[tuple[float, ...]]:
        batches.append(len(requests))
        return choose(requests, choices, cancel)

    monkeypatch.setattr(plain.engine, "choose", counted)
    result = with_rules(plain, finder.calibration(THERE, moment=0.0)).find(frames, "a dog", top_k=2, every=True)
    assert batches == [12]
    assert len(result.candidates) == 2
    assert len(result.moments) > 2
    spans = [(m.start, m.end) for m in result.moments]
    assert max(temporal_iou(a, b) for i, a in enumerate(spans) for b in spans[:i]) <= 0.3
    probabilities = [m.probability or 0.0 for m in result.moments]
    assert probabilities == sorted(probabilities, reverse=True)
    assert result.to_json()["moment"] == result.to_json()["moments"][0]


def test_every_moment_is_above_the_threshold(plain: Agent, frames: np.ndarray) -> None:
    all_of_them = with_rules(plain, finder.calibration(THERE, moment=0.0)).find(frames, "a dog", every=True).moments
    between = ((all_of_them[0].probability or 0.0) + (all_of_them[1].probability or 0.0)) / 2
    best = with_rules(plain, finder.calibration(THERE, moment=between)).find(frames, "a dog", every=True).moments
    assert [(m.start, m.end) for m in best] == [(all_of_them[0].start, all_of_them[0].end)]


def test_one_or_every_moment_the_verdict_is_the_same(plain: Agent, frames: np.ndarray) -> None:
    by_score = Rule(0.0, 0.0, 100.0, 0.5)  # more candidates are verified for every moment: a better one must not count
    rules = finder.calibration(THERE)
    assert rules.verified is not None
    agent = with_rules(plain, replace(rules, verified=replace(rules.verified, presence=by_score)))
    one, every = agent.find(frames, "a dog"), agent.find(frames, "a dog", every=True)
    assert one.presence == pytest.approx(every.presence, abs=1e-4)


def test_nothing_of_every_moment_where_the_thing_is_not_there(plain: Agent, frames: np.ndarray) -> None:
    result = with_rules(plain, finder.calibration(ABSENT, moment=0.0)).find(frames, "a dog", every=True)
    assert (result.moments, result.found) == ((), False)
    data = json.loads(json.dumps(result.to_json()))
    assert (data["moment"], data["moments"], data["presence"]) == (None, [], pytest.approx(ABSENT))


def test_without_calibration_every_moment_is_each_of_confidence(plain: Agent, frames: np.ndarray) -> None:
    result = plain.find(frames, "a dog", top_k=100, every=True)
    assert result.moments
    assert all(m.confidence >= 0.5 for m in result.moments)
    assert min(c.confidence for c in result.candidates) < 0.5
    assert result.presence is None


def test_the_async_twin_finds_every_moment_too(plain: Agent, frames: np.ndarray) -> None:
    agent = with_rules(plain, finder.calibration(THERE, moment=0.0))
    result = asyncio.run(agent.afind(frames, "a dog", every=True))
    assert result.moments == near(agent.find(frames, "a dog", every=True).moments)
