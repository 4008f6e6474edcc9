"""`videomind.Client` gives what `Agent` gives, from a server that really listens."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.near import near
from tests.serve.live import Live
from tests.test_import import fresh
from videomind import Agent, Client, InputError, Question, SubtitleError, VideoError
from videomind.engines.base import Service
from videomind.results import Protocol, Result
from videomind.serve.media.receive import Media
from videomind.synth.demo import DEMO_QUESTIONS
from videomind.vision.subtitles import Cue
from videomind.wire import event_to_json

BLINKS, MOVES, _, ABSENT = DEMO_QUESTIONS


def settled(value: Any) -> Any:
    """Without what differs from run to run: times, and what was at hand."""
    if isinstance(value, dict):
        return {key: settled(one) for key, one in value.items() if key not in ("timings", "reuse", "seconds", "usage")}
    return [settled(one) for one in value] if isinstance(value, list | tuple) else value


def whole(result: Result) -> Any:
    return settled(result.to_json() | {"trace": result.trace.to_json()})


def test_a_result_is_the_agents_own(client: Client, nano_agent: Agent, demo_video: Path) -> None:
    nano_agent.ask(demo_video, MOVES.text, options=MOVES.options)  # what can be reused is at hand for both
    there = client.ask(demo_video, MOVES.text, options=MOVES.options)
    here = nano_agent.ask(demo_video, MOVES.text, options=MOVES.options)
    assert whole(there) == near(whole(here))
    assert there.video.path == str(demo_video)
    assert there.reuse["prompt_tokens"] == here.reuse["prompt_tokens"] > 0


def test_events_come_in_the_agents_order(client: Client, nano_agent: Agent, demo_video: Path) -> None:
    nano_agent.ask(demo_video, ABSENT.text)  # what can be reused is at hand for both
    there = list(client.stream(str(demo_video), ABSENT.text))
    here = list(nano_agent.stream(demo_video, ABSENT.text))
    assert [type(event) for event in there] == [type(event) for event in here]
    assert [event_to_json(event) for event in there[:-1]] == near([event_to_json(event) for event in here[:-1]])


def test_finding(client: Client, nano_agent: Agent, demo_video: Path) -> None:
    nano_agent.find(demo_video, "the square blinks", every=True)
    there = client.find(demo_video, "the square blinks", top_k=2, every=True)
    assert whole(there) == near(whole(nano_agent.find(demo_video, "the square blinks", top_k=2, every=True)))
    assert client.roles == nano_agent.roles


def test_awaiting(client: Client, demo_video: Path) -> None:
    async def all_three() -> tuple[Result, Result, list[str]]:
        events = client.astream(demo_video, BLINKS.text, roles=["grounder"])
        asked = client.aask(demo_video, BLINKS.text, roles=["answerer"])
        found = client.afind(demo_video, "the square blinks", top_k=1)
        return await asked, await found, [type(event).__name__ async for event in events]

    asked, found, events = asyncio.run(all_three())
    assert asked.answer is not None
    assert len(found.candidates) == 1
    assert events == ["PlanReady", "Grounded", "Judged", "Done"]


def test_a_file_is_sent_once_and_again_when_it_is_gone(
    live: Live, demo_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = live.state.services.library
    path = tmp_path / "twin.mp4"
    path.write_bytes(demo_video.read_bytes())
    with Client(live.url) as first, Client(live.url) as second:
        first.find(demo_video, "the square blinks", top_k=1)
        with monkeypatch.context() as patched:
            patched.delattr(Media, "receive")
            sent = {who.find(path, "the square blinks", top_k=1).video.path for who in (first, second)}
        assert sent == {str(path)}
        (known,) = [video for video in library.entries("local") if video.bytes == path.stat().st_size]
        assert first.find(known.id, "the square blinks", top_k=1).video.path == known.name
        library.remove("local", known.id)
        assert first.find(path, "the square blinks", top_k=1).localized
        with pytest.raises(InputError, match=known.id):
            first.ask(known.id, BLINKS.text)


def test_many_at_once_each_with_its_own_outcome(client: Client, demo_video: Path, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    questions = [
        (demo_video, Question(BLINKS.text, roles=frozenset({"answerer"}))),
        (tmp_path / "text.mp4", Question(BLINKS.text)),
        (demo_video, Question(MOVES.text, MOVES.options, roles=frozenset({"answerer"}))),
        (demo_video, Question(BLINKS.text, protocol=Protocol(unit=1.0))),
        (demo_video, Question(BLINKS.text, long="windows")),
    ]
    outcomes = dict(client.ask_many(questions, at_once=2))
    assert sorted(outcomes) == [0, 1, 2, 3, 4]
    assert isinstance(outcomes[1], VideoError)
    assert isinstance(outcomes[3], InputError)
    assert "leave long at auto" in str(outcomes[4])
    chosen = outcomes[2]
    assert isinstance(chosen, Result)
    assert chosen.answer is not None
    assert chosen.answer.option is not None


@pytest.mark.parametrize("given", ["file", "cues"])
def test_subtitles_are_sent(client: Client, demo_video: Path, tmp_path: Path, given: str) -> None:
    cues = (Cue(1.0, 2.5, "Look there"), Cue(3.0, 4.0, "it\nblinks"))
    file = tmp_path / "demo.vtt"
    file.write_text("WEBVTT\n\n00:01.000 --> 00:02.500\nLook there\n\n00:03.000 --> 00:04.000\nit\nblinks\n")
    result = client.ask(demo_video, BLINKS.text, roles=["answerer"], subtitles=file if given == "file" else cues)
    (call,) = result.trace.calls
    assert "1.0s - 2.5s, Look there\n3.0s - 4.0s, it\nblinks\n" in call.prompt


def test_what_cannot_be_asked_is_refused_as_by_the_agent(client: Client, demo_video: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the question is empty"):
        client.ask(demo_video, " ")
    with pytest.raises(InputError, match="option"):
        client.ask(demo_video, "Which?", options=["one"])
    with pytest.raises(InputError, match="top_k is 0"):
        client.find(demo_video, "it blinks", top_k=0)
    with pytest.raises(InputError, match="at_once is 0"):
        list(client.ask_many([], at_once=0))
    with pytest.raises(InputError, match="no answerer adapter 'news'"):
        client.ask(demo_video, BLINKS.text, service=Service(answerer="news"))
    with pytest.raises(InputError, match="the server's to choose"):
        client.ask(demo_video, BLINKS.text, service=Service(priority=-1))
    with pytest.raises(VideoError, match="No such file"):
        client.ask(tmp_path / "none.mp4", BLINKS.text)
    with pytest.raises(VideoError, match="no video that is taken"):
        client.ask(__file__, BLINKS.text)
    with pytest.raises(SubtitleError, match=r"none\.srt: No such file"):
        client.ask(demo_video, BLINKS.text, subtitles=tmp_path / "none.srt")


def test_frames_cannot_be_sent(client: Client, frames: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a ndarray cannot be sent to a server: give the path of a video file"):
        client.ask(frames, BLINKS.text)
    with pytest.raises(InputError, match="a folder of frames cannot be sent"):
        client.ask(tmp_path, BLINKS.text)


def test_a_url_is_left_to_the_server(client: Client) -> None:
    with pytest.raises(InputError, match="not taken"):
        client.ask("https://example.org/film.mp4", BLINKS.text)


def test_a_client_needs_no_model_libraries() -> None:
    code = "import sys, videomind; videomind.Client('http://127.0.0.1:1').close(); print('torch' in sys.modules)"
    assert fresh(code) == "False"
