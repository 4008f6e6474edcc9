"""Results and events survive the way over the wire."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from videomind.agent import Agent
from videomind.errors import EngineError
from videomind.events import AnswerToken, Done, Event, Grounded, PlanReady, Verified
from videomind.synth.video import write_video
from videomind.wire import event_from_json, event_to_json, result_from_json, result_to_json


@pytest.fixture(scope="module")
def events(tiny_agent: Agent, frames: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    video = write_video(frames, tmp_path_factory.mktemp("wire") / "video.mp4", fps=8.0)
    return list(tiny_agent.stream(video, "What happens?", options=["this", "that"]))


def over_the_wire(data: dict[str, Any]) -> dict[str, Any]:
    received: dict[str, Any] = json.loads(json.dumps(data))
    return received


def test_every_event_comes_back(events: list[Event]) -> None:
    assert {PlanReady, Grounded, Verified, AnswerToken, Done} <= {type(event) for event in events}
    for event in events:
        sent = event_to_json(event)
        assert event_to_json(event_from_json(over_the_wire(sent))) == sent
        assert type(event_from_json(sent)) is type(event)


def test_a_result_comes_back_with_its_trace(events: list[Event], tmp_path: Path) -> None:
    assert isinstance(events[-1], Done)
    result = events[-1].result
    sent = result_to_json(result)
    back = result_from_json(over_the_wire(sent))
    assert back.to_json() == result.to_json()
    assert back.trace.to_json() == result.trace.to_json()
    assert back.trace.calls == result.trace.calls
    assert back.reuse == result.reuse


def test_what_a_later_version_adds_is_left_out(events: list[Event]) -> None:
    assert event_from_json(event_to_json(events[0]) | {"mood": "good"}) == events[0]


@pytest.mark.parametrize("data", [{}, {"event": "grown"}, {"event": "grounded"}, {"event": "answer_token", "text": 3}])
def test_what_is_no_event_is_an_error(data: dict[str, Any]) -> None:
    with pytest.raises(EngineError, match="the server sent"):
        event_from_json(data)


def test_what_is_no_result_is_an_error() -> None:
    with pytest.raises(EngineError, match="no Result: video"):
        result_from_json({"question": "?"})
