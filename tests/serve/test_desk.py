"""One question from the queue to the stored turn, however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from tests.serve.conftest import open_state
from videomind.agent import Agent
from videomind.errors import InputError
from videomind.events import AnswerToken, Done, PlanReady
from videomind.serve.adapter_store import AdapterStore
from videomind.serve.asked import Ask
from videomind.serve.caller import Caller
from videomind.serve.desk import Desk, Started, Step, Waiting
from videomind.serve.errors import Refused
from videomind.serve.state import State
from videomind.serve.store.conversations import Turn, TurnState
from videomind.serve.store.library import VideoFile
from videomind.synth.video import write_video
from videomind.wire import result_from_json

ADA, BOB = Caller("key:ada", "key:ada"), Caller("key:bob", "key:bob")


@pytest.fixture
def here(tmp_path: Path, tiny_agent: Agent) -> Iterator[State]:
    """A server with a tiny model that answers nonsense, one question at a time, two in line."""
    with open_state(tmp_path / "data", waiting=2, per_client=2) as state:
        adapters = AdapterStore(tmp_path / "adapters")
        state.serve(tiny_agent, adapters)
        yield state
        adapters.close()


@pytest.fixture
def desk(here: State) -> Desk:
    return here.running.desk


@pytest.fixture
def video(here: State, tmp_path: Path, frames: np.ndarray) -> VideoFile:
    file = write_video(frames, tmp_path / "video.mp4", fps=8.0)

    async def chunks():
        yield file.read_bytes()

    return asyncio.run(here.services.media.receive(ADA.owner, "holiday.mp4", chunks()))


async def steps_of(desk: Desk, video: VideoFile, ask: Ask, caller: Caller = ADA) -> list[Step]:
    return [step async for step in desk.ask(caller, video, ask)]


def turn_of(here: State, turn_id: str) -> Turn:
    return here.services.conversations.turn(ADA.owner, turn_id)


def test_a_question_is_answered_and_stored_whole(here: State, desk: Desk, video: VideoFile) -> None:
    ask = Ask("What happens?", options=("this", "that"), top_k=2)
    steps = asyncio.run(steps_of(desk, video, ask))
    assert [type(step) for step in steps[:2]] == [Started, PlanReady]
    assert isinstance(steps[-1], Done)
    result = steps[-1].result
    assert (result.video.path, len(result.candidates)) == ("holiday.mp4", 2)
    turn = turn_of(here, steps[0].turn)
    assert (turn.state, Ask.from_json(turn.asked), turn.error) == (TurnState.ANSWERED, ask, None)
    assert turn.result is not None
    assert result_from_json(turn.result).trace.calls == result.trace.calls


def test_a_part_of_a_video_goes_to_the_answerer_alone(here: State, desk: Desk, video: VideoFile) -> None:
    cues = "1\n00:00:00,000 --> 00:00:00,900\nearly\n\n2\n00:00:01,500 --> 00:00:02,000\nlate\n"
    steps = asyncio.run(steps_of(desk, video, Ask("What is it?", span=(1.0, 2.5), subtitles=cues)))
    result = steps[-1].result
    assert [call.role for call in result.trace.calls] == ["answerer"]
    assert result.video.duration == 1.5
    assert "late" in result.trace.calls[0].prompt
    assert "early" not in result.trace.calls[0].prompt


@pytest.mark.parametrize(
    ("ask", "problem"),
    [
        (Ask(""), "question"),
        (Ask("?", span=(2.0, 1.0)), "span 2 to 1 s: give a start before an end"),
        (Ask("?", span=(50.0, 60.0)), "no frame lies between"),
        (Ask("?", roles=("cook",)), "no role cook"),
        (Ask("?", answerer="sports"), "no answerer adapter 'sports'"),
        (Ask("?", subtitles="no subtitles"), "no subtitle in it"),
    ],
)
def test_what_cannot_be_asked_is_kept_with_its_reason(
    here: State, desk: Desk, video: VideoFile, ask: Ask, problem: str
) -> None:
    started: list[Step] = []

    async def fail() -> None:
        async for step in desk.ask(ADA, video, ask):
            started.append(step)

    with pytest.raises(InputError, match=problem):
        asyncio.run(fail())
    turn = turn_of(here, started[0].turn)
    assert turn.state is TurnState.FAILED
    assert problem in (turn.error or "")
    assert here.running.queue.running == 0


def test_who_leaves_early_frees_the_place(here: State, desk: Desk, video: VideoFile) -> None:
    async def leave() -> str:
        async with aclosing(desk.ask(ADA, video, Ask("What happens?"))) as steps:
            first = await anext(steps)
            assert isinstance(await anext(steps), PlanReady)
            assert here.running.queue.running == 1
        assert here.running.queue.running == 0
        return first.turn

    assert turn_of(here, asyncio.run(leave())).state is TurnState.CANCELLED


def test_others_wait_and_see_how_far_they_are(here: State, desk: Desk, video: VideoFile) -> None:
    async def three() -> list[list[Step]]:
        callers = (ADA, BOB, ADA)
        return await asyncio.gather(*(steps_of(desk, video, Ask(f"Question {n}?"), c) for n, c in enumerate(callers)))

    waits = [[step.position for step in steps if isinstance(step, Waiting)] for steps in asyncio.run(three())]
    assert waits == [[], [1], [2, 1]]


def test_beyond_the_line_nothing_is_taken_or_stored(here: State, desk: Desk, video: VideoFile) -> None:
    async def ask_thrice() -> Refused:
        first, second = desk.ask(ADA, video, Ask("1?")), desk.ask(ADA, video, Ask("2?"))
        async with aclosing(first), aclosing(second):
            await anext(first), await anext(second)
            with pytest.raises(Refused) as refused:
                await anext(desk.ask(ADA, video, Ask("3?")))
            return refused.value

    refused = asyncio.run(ask_thrice())
    assert (refused.status, refused.retry_after is not None) == (429, True)
    assert here.running.queue.waiting == here.running.queue.running == 0


def test_the_time_limit_counts_waiting_too(here: State, tiny_agent: Agent, video: VideoFile) -> None:
    services, queue = here.services, here.running.queue
    hasty = Desk(tiny_agent, queue, services.videos, services.conversations, limit=0.05)

    async def wait_in_vain() -> str:
        first = here.running.desk.ask(ADA, video, Ask("1?"))
        async with aclosing(first), aclosing(hasty.ask(BOB, video, Ask("2?"))) as steps:
            await anext(first)
            started = await anext(steps)
            assert await anext(steps) == Waiting(1)
            with pytest.raises(Refused, match=r"no answer within 0\.05 s") as refused:
                await anext(steps)
            assert refused.value.status == 504
            return started.turn

    turn = services.conversations.turn(BOB.owner, asyncio.run(wait_in_vain()))
    assert turn.state is TurnState.FAILED


def test_the_answer_comes_in_pieces(desk: Desk, video: VideoFile) -> None:
    steps = asyncio.run(steps_of(desk, video, Ask("What happens?")))
    said = "".join(step.text for step in steps if isinstance(step, AnswerToken))
    assert steps[-1].result.answer.text == said.strip()
