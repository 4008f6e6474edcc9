"""Many questions about several videos at once: each gets what it would get alone, and finds what others left."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from videomind.agent import Agent, Video
from videomind.asking import Question
from videomind.cancellable import Cancel
from videomind.engines.base import Service
from videomind.errors import Cancelled, InputError, VideoError
from videomind.evaluation.tasks import synth
from videomind.results import Candidate, Protocol, Result
from videomind.vision.ahead import decode_ahead
from videomind.vision.array_backend import ArrayReader
from videomind.vision.cache import FrameKey
from videomind.vision.reader import open_video
from videomind.vision.subtitles import Cue

Asked = list[tuple[Video, Question]]


@pytest.fixture(scope="module")
def benchmark(synth_data: Path) -> Asked:
    """Questions about two videos, those of one together, as a benchmark asks them."""
    samples = list(synth.read(synth_data, "test"))[: synth.PER_VIDEO + 4]
    folder = synth_data / synth.FOLDER
    return [(folder / sample.video[0], Question(sample.question, sample.options)) for sample in samples]


@pytest.fixture(scope="module")
def answered(nano_agent: Agent, benchmark: Asked) -> list[Result]:
    return together(nano_agent, benchmark)


@pytest.fixture(scope="module")
def several(frames: np.ndarray) -> Asked:
    """Questions of every kind about three videos, not in order."""
    videos = [ArrayReader(frames, 1.0), ArrayReader(frames[:9], 1.0), ArrayReader(frames[4:20], 0.5)]
    cues = (Cue(1.0, 3.0, "hello"),)
    return [
        (videos[0], Question("What happens?")),
        (videos[1], Question("What is this? " * 20, options=("one", "two", "three"))),
        (videos[2], Question("Who speaks?", subtitles=cues, roles=frozenset({"answerer"}))),
        (videos[0], Question("the end", roles=frozenset({"grounder", "verifier"}))),
        (videos[2], Question("everything", roles=frozenset({"grounder", "verifier"}), every=True)),
        (videos[1], Question("What else?", protocol=Protocol(unit=2.0, min_crop=4.0))),
        (videos[0], Question("Which?", options=("a", " b", "", "a"))),
    ]


@pytest.fixture(scope="module", params=[("tiny", False), ("finder", False), ("finder", True)])
def model(request: pytest.FixtureRequest, tiny_bundle: Path, finder_bundle: Path) -> Iterator[Agent]:
    name, compat = request.param
    folder = {"tiny": tiny_bundle, "finder": finder_bundle}[name]
    with Agent.from_pretrained(folder, device="cpu", compat=compat) as agent:
        yield agent


def alone(agent: Agent, asked: Asked) -> list[Result]:
    """Each question by itself, with nothing kept from the ones before."""
    found = []
    for video, question in asked:
        agent.forget()
        ((_, result),) = agent.ask_many([(video, question)])
        assert isinstance(result, Result)
        found.append(result)
    return found


def together(agent: Agent, asked: Asked, at_once: int = 32) -> list[Result]:
    agent.forget()
    found = dict(agent.ask_many(asked, at_once=at_once))
    assert sorted(found) == list(range(len(asked)))
    results = [found[place] for place in range(len(asked))]
    assert all(isinstance(result, Result) for result in results)
    return results


def numbers(candidates: tuple[Candidate, ...]) -> list[tuple[float, ...]]:
    nothing = float("nan")
    return [
        (
            c.confidence,
            nothing if c.verified is None else c.verified,
            nothing if c.probability is None else c.probability,
        )
        for c in candidates
    ]


def assert_same(one: Result, other: Result) -> None:
    assert (one.question, one.query, one.plan, one.answer) == (other.question, other.query, other.plan, other.answer)
    assert [call.reply for call in one.trace.calls] == [call.reply for call in other.trace.calls]
    assert [call.frames for call in one.trace.calls] == [call.frames for call in other.trace.calls]
    for mine, theirs in ((one.candidates, other.candidates), (one.moments, other.moments)):
        assert len(mine) == len(theirs)
        if mine:
            spans = [[(c.start, c.end) for c in candidates] for candidates in (mine, theirs)]
            np.testing.assert_allclose(spans[0], spans[1], atol=1e-3)
            np.testing.assert_allclose(numbers(mine), numbers(theirs), atol=1e-5)
    assert (one.presence is None) == (other.presence is None)
    if one.presence is not None:
        assert one.presence == pytest.approx(other.presence, abs=1e-5)


def test_the_embedded_model_answers_a_benchmark_as_it_answers_each_question(
    nano_agent: Agent, benchmark: Asked, answered: list[Result]
) -> None:
    for (video, question), one in zip(benchmark, answered, strict=True):
        nano_agent.forget()
        assert_same(one, nano_agent.ask(video, question.text, options=question.options or None))
    assert len({one.answer.text for one in answered if one.answer is not None}) > 5
    assert sum(one.presence is not None for one in answered) > 3


def test_questions_of_every_kind_get_what_each_gets_alone(model: Agent, several: Asked) -> None:
    expected = alone(model, several)
    for at_once in (32, 3):
        for one, other in zip(together(model, several, at_once), expected, strict=True):
            assert_same(one, other)


def test_one_question_is_what_ask_gives(tiny_agent: Agent, frames: np.ndarray) -> None:
    tiny_agent.forget()
    (one,) = together(tiny_agent, [(frames, Question("What happens?", options=("one", "two")))])
    tiny_agent.forget()
    assert_same(one, tiny_agent.ask(frames, "What happens?", options=["one", "two"]))


def test_two_runs_give_the_same_bits(model: Agent, several: Asked) -> None:
    def run() -> list[object]:
        return [(one.candidates, one.moments, one.answer, one.presence) for one in together(model, several)]

    assert run() == run()


def test_questions_find_what_others_left(nano_agent: Agent, benchmark: Asked, answered: list[Result]) -> None:
    assert answered[0].reuse["visual_calls"] > 0
    for one in answered[1 : synth.PER_VIDEO]:  # the same video, so the planner's view is there
        planner = one.trace.calls[0]
        assert (planner.usage.encoded, planner.usage.cached_tokens > 0) == (False, True)
        assert one.reuse["cached_tokens"] >= planner.usage.cached_tokens
    assert answered[synth.PER_VIDEO].trace.calls[0].usage.cached_tokens == 0  # another video

    video, question = benchmark[0]
    for _ in range(2):
        nano_agent.forget()
        first, again = (nano_agent.ask(video, question.text, options=question.options) for _ in range(2))
        assert first.trace.calls[0].usage.cached_tokens == 0
        assert first.reuse["visual_calls"] > 0 == again.reuse["visual_calls"]
        assert again.reuse["cached_tokens"] > first.reuse["cached_tokens"]


def test_a_benchmark_says_how_it_is_asked(finder_bundle: Path, frames: np.ndarray) -> None:
    coarse = Question("What?", options=("a", "b"), protocol=Protocol(unit=2.0, min_crop=20.0))
    with Agent.from_pretrained(finder_bundle, device="cpu") as agent:
        (one,) = together(agent, [(frames, coarse)])
    assert all(c.start % 2 == 0 == c.end % 2 for c in one.candidates)
    start, end = one.trace.calls[-1].span
    assert end - start == pytest.approx(20.0)


def test_what_cannot_be_asked_ends_alone(tiny_agent: Agent, frames: np.ndarray, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(b"no video at all")
    asked: Asked = [
        (frames, Question("What happens?")),
        (tmp_path / "missing.mp4", Question("What happens?")),
        (frames, Question("  ")),
        (damaged, Question("What happens?")),
        (frames, Question("What?", options=("only one",))),
        (frames, Question("What?", roles=frozenset({"critic"}))),
        (frames, Question("é" * 5000)),  # longer than the model's context
        (frames, Question("And then?")),
    ]
    found = dict(tiny_agent.ask_many(asked))
    problems = {place: outcome for place, outcome in found.items() if isinstance(outcome, Exception)}
    assert {place: type(problem) for place, problem in problems.items()} == {
        1: VideoError,
        2: InputError,
        3: VideoError,
        4: InputError,
        5: InputError,
        6: InputError,
    }
    assert "too long" in str(problems[6])
    good = [found[place] for place in (0, 7)]
    for one, other in zip(good, alone(tiny_agent, [asked[0], asked[7]]), strict=True):
        assert isinstance(one, Result)
        assert_same(one, other)


def test_the_next_video_is_decoded_meanwhile(nano_agent: Agent, benchmark: Asked, frames: np.ndarray) -> None:
    (first, question), (second, _) = benchmark[0], benchmark[-1]
    assert first != second
    nano_agent.forget()
    asked: Asked = [(first, question), (frames, question), (second, question)]
    found = nano_agent.ask_many(asked, at_once=2)
    results = [next(found), next(found)]
    for ahead in list(nano_agent._prefetcher._reserved):
        ahead.settle()
    held = {key.content for key in nano_agent._frames._frames}
    results.append(next(found))
    assert results[2][1].video.path == str(second)
    with open_video(second) as reader:
        assert reader.content_hash in held
    assert list(found) == []
    assert not nano_agent._prefetcher._reserved


def test_who_stops_waiting_wants_no_more_videos(nano_agent: Agent, benchmark: Asked) -> None:
    found = nano_agent.ask_many([benchmark[0], benchmark[-1]], at_once=1)
    next(found)
    found.close()
    assert not nano_agent._prefetcher._reserved


def test_nothing_asked_is_nothing_found(tiny_agent: Agent) -> None:
    assert list(tiny_agent.ask_many([])) == []


@pytest.mark.parametrize("at_once", [0, -1])
def test_at_least_one_has_to_be_asked_at_once(tiny_agent: Agent, frames: np.ndarray, at_once: int) -> None:
    with pytest.raises(InputError, match="at_once"):
        list(tiny_agent.ask_many([(frames, Question("What?"))], at_once=at_once))


def test_an_adapter_that_is_not_there_is_refused(tiny_agent: Agent, frames: np.ndarray) -> None:
    with pytest.raises(InputError, match="no answerer adapter 'x'"):
        list(tiny_agent.ask_many([(frames, Question("What?"))], service=Service(answerer="x")))


def test_all_can_be_cancelled(tiny_agent: Agent, frames: np.ndarray) -> None:
    cancel = Cancel()
    asked: Asked = [(frames, Question("What?"))] * 2
    outcomes = tiny_agent.ask_many(asked, at_once=1, cancel=cancel)
    next(outcomes)
    cancel.set()
    with pytest.raises(Cancelled):
        next(outcomes)


def test_views_are_those_of_the_roles(nano_agent: Agent) -> None:
    views = nano_agent.views()
    assert len(set(views)) == len(views)
    assert set(views) == {role.spec.view for role in nano_agent.bundle.roles.values()}


def test_frames_decoded_elsewhere_are_at_hand(nano_agent: Agent, benchmark: Asked, tmp_path: Path) -> None:
    video, question = benchmark[0]
    assert isinstance(video, Path)
    nano_agent.forget()
    expected = nano_agent.ask(video, question.text, options=question.options)
    nano_agent.forget()
    frames: list[tuple[FrameKey, np.ndarray]] = decode_ahead(video, nano_agent.views())
    nano_agent.remember(frames)
    kept = len(nano_agent._frames)
    assert_same(nano_agent.ask(video, question.text, options=question.options), expected)
    assert len(nano_agent._frames) == kept  # none was missing
