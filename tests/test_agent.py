"""The chain end to end on a tiny random model: order of events, switched-off roles, evidence kept."""

import asyncio
import json

import numpy as np
import pytest

from tests.near import near
from videomind.agent import Agent
from videomind.cancellable import Cancel
from videomind.errors import Cancelled, InputError, VideoError
from videomind.events import AnswerToken, Done, Event, Grounded, PlanReady, Verified
from videomind.vision.subtitles import Cue

KEYS = [
    "video", "question", "query", "plan", "candidates", "moments", "answer", "timings", "model", "engine", "presence",
    "moment", "reuse",
]  # fmt: skip


def kinds(events: list[Event]) -> list[type[Event]]:
    return list(dict.fromkeys(map(type, events)))


def test_events_come_in_the_order_of_the_chain(tiny_agent: Agent, frames: np.ndarray) -> None:
    events = list(tiny_agent.stream(frames, "What happens?"))
    assert kinds(events) == [PlanReady, Grounded, Verified, AnswerToken, Done]
    done = events[-1]
    assert isinstance(done, Done)
    answer = "".join(e.text for e in events if isinstance(e, AnswerToken))
    assert done.result.answer is not None
    assert done.result.answer.text == answer.strip()


def test_result_is_json_with_the_promised_keys(tiny_agent: Agent, frames: np.ndarray) -> None:
    result = tiny_agent.ask(frames, "What happens?", options=["one", "two"])
    data = json.loads(json.dumps(result.to_json()))
    assert list(data) == KEYS
    assert data["video"] == {"path": "array", "duration": 24.0, "fps": 1.0, "width": 84, "height": 84}
    assert data["moment"] == data["candidates"][0]
    assert data["moments"] == [data["moment"]]
    assert set(data["moment"]) == {"start", "end", "confidence", "verified", "probability"}
    assert set(data["answer"]) == {"text", "option"}
    assert data["plan"]["roles"] == ["grounder", "verifier", "answerer"]
    assert {"decode", "planner", "grounder", "verifier", "answerer", "total"} <= set(data["timings"])


def test_trace_holds_every_call(tiny_agent: Agent, frames: np.ndarray) -> None:
    trace = tiny_agent.ask(frames, "What happens?").trace
    assert [call.role for call in trace.calls] == ["planner", "grounder", *["verifier"] * 5, "answerer"]
    planner, grounder, verifier = trace.calls[0], trace.calls[1], trace.calls[2]
    assert planner.prompt == "As the planner: What happens?"
    assert grounder.prompt == "As the grounder: What happens?"
    assert len(planner.frames) == 16
    assert verifier.score is not None
    assert verifier.span[1] - verifier.span[0] <= 16
    assert len(trace.grounded) == 5
    json.dumps(trace.to_json())


def test_the_same_span_has_the_same_seconds_in_result_and_trace(tiny_agent: Agent, frames: np.ndarray) -> None:
    result = tiny_agent.ask(frames[:23], "What happens?")
    found, grounded = result.to_json()["candidates"], result.trace.to_json()["grounded"]
    assert {(one["start"], one["end"]) for one in found} == {(one["start"], one["end"]) for one in grounded}


def test_candidates_are_ordered_by_the_verifier(tiny_agent: Agent, frames: np.ndarray) -> None:
    scores = [c.verified for c in tiny_agent.ask(frames, "What happens?").candidates]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ({"grounder", "verifier"}, [PlanReady, Grounded, Verified, Done]),
        ({"grounder"}, [PlanReady, Grounded, Done]),
        ({"answerer"}, [PlanReady, AnswerToken, Done]),
        ({"planner", "grounder"}, [PlanReady, Grounded, Done]),
        ({"planner", "grounder", "answerer"}, [PlanReady, Grounded, AnswerToken, Done]),
    ],
)
def test_roles_can_be_switched_off(
    tiny_agent: Agent, frames: np.ndarray, roles: set[str], expected: list[type[Event]]
) -> None:
    assert kinds(list(tiny_agent.stream(frames, "What happens?", roles=roles))) == expected


def test_the_planner_also_rephrases_where_nobody_answers(tiny_agent: Agent, frames: np.ndarray) -> None:
    trace = tiny_agent.ask(frames, "What happens?", roles={"planner", "grounder"}).trace
    assert [call.role for call in trace.calls] == ["planner", "grounder"]


def test_without_a_moment_and_without_verifier_the_whole_video_is_taken(tiny_agent: Agent, frames: np.ndarray) -> None:
    moment = tiny_agent.ask(frames, "What happens?", roles={"grounder"}).moment
    assert moment is not None
    assert (moment.start, moment.end, moment.confidence) == (0.0, 24.0, 0.0)


def test_what_was_not_localised_is_not_found(tiny_agent: Agent, frames: np.ndarray) -> None:
    result = tiny_agent.find(frames, "something")
    assert result.moment is not None  # a guess, as in the published system
    assert not result.localized
    assert not result.found


def test_find_grounds_and_verifies_only(tiny_agent: Agent, frames: np.ndarray) -> None:
    result = tiny_agent.find(frames, "something", top_k=3)
    assert result.answer is None
    assert len(result.candidates) == 3
    assert result.plan.reply == ""


def test_a_second_question_reuses_frames_and_visual_tokens(tiny_agent: Agent, frames: np.ndarray) -> None:
    tiny_agent.ask(frames, "What happens?")
    before = tiny_agent.engine._views.pairs.made
    again = tiny_agent.ask(frames, "What else happens?")
    assert tiny_agent.engine._views.pairs.made == before
    assert again.timings["decode"] < 1


def test_bad_questions_are_refused_before_any_work(tiny_agent: Agent, frames: np.ndarray) -> None:
    for question in ("", "x" * 100_000, "see <|video_pad|>"):
        with pytest.raises(InputError):
            tiny_agent.ask(frames, question)
    with pytest.raises(InputError, match="2 to 26"):
        tiny_agent.ask(frames, "which?", options=["only one"])
    with pytest.raises(InputError, match="critic"):
        tiny_agent.ask(frames, "which?", roles={"critic"})
    with pytest.raises(InputError, match="nothing to do"):
        tiny_agent.ask(frames, "which?", roles={"planner"})
    with pytest.raises(InputError, match="top_k"):
        tiny_agent.find(frames, "which", top_k=0)
    with pytest.raises(InputError, match="top_k"):
        asyncio.run(tiny_agent.afind(frames, "which", top_k=0))
    with pytest.raises(VideoError):
        tiny_agent.ask("/no/such/file.mp4", "which?")


def test_a_cancelled_question_stops(tiny_agent: Agent, frames: np.ndarray) -> None:
    cancel = Cancel()
    events = tiny_agent.stream(frames, "What happens?", cancel=cancel)
    next(events)
    cancel.set()
    with pytest.raises(Cancelled):
        list(events)


def test_the_async_twin_gives_the_same(tiny_agent: Agent, frames: np.ndarray) -> None:
    async def ask() -> tuple[object, list[Event], object]:
        result = await tiny_agent.aask(frames, "What happens?")
        events = [event async for event in tiny_agent.astream(frames, "What happens?")]
        return result, events, await tiny_agent.afind(frames, "something", top_k=2)

    result, events, found = asyncio.run(ask())
    expected = tiny_agent.ask(frames, "What happens?")
    assert result.answer == expected.answer
    assert result.candidates == near(expected.candidates)
    assert kinds(events) == [PlanReady, Grounded, Verified, AnswerToken, Done]
    assert len(found.candidates) == 2


def test_the_answerer_reads_the_subtitles_inside_its_crop(tiny_agent: Agent, frames: np.ndarray) -> None:
    cues = [Cue(1.0, 2.5, "hello"), Cue(3.0, 99.0, "beyond the end")]
    prompt = tiny_agent.ask(frames, "Who speaks?", subtitles=cues, roles={"answerer"}).trace.calls[-1].prompt
    assert prompt == "You are given a video with 24.0 seconds long.\nSubtitles:\n1.0s - 2.5s, hello\nWho speaks?"
