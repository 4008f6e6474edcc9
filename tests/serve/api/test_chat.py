"""The official OpenAI client, unchanged, against a real server."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.near import near
from tests.serve.api.questions import ABSENT, BLINKS, MOVES, about, ask
from tests.serve.live import Live
from tests.waiting import wait_for
from videomind.agent import Agent
from videomind.serve.caller import LOCAL
from videomind.serve.store.conversations import TurnState
from videomind.synth.demo import DemoQuestion
from videomind.wire import result_from_json


def overlaps(moment: dict[str, Any], asked: DemoQuestion) -> bool:
    assert asked.span is not None
    return bool(min(moment["end"], asked.span[1]) - max(moment["start"], asked.span[0]) > 1)


def joined(stream: Iterable[Any], field: str) -> str:
    deltas = [chunk.choices[0].delta for chunk in stream if chunk.choices]
    return "".join(getattr(delta, field, None) or "" for delta in deltas)


def test_an_answer_with_the_moment_that_proves_it(openai_client: openai.OpenAI, demo_id: str) -> None:
    completion = ask(openai_client, demo_id, BLINKS)
    (choice,) = completion.choices
    assert (choice.message.content, choice.finish_reason) == ("square", "stop")
    assert "Verification:" in choice.message.reasoning_content
    assert overlaps(completion.videomind["moment"], BLINKS)
    assert completion.usage.prompt_tokens > 0
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens


def test_what_was_found_has_the_keys_of_the_command_line(
    openai_client: openai.OpenAI, live: Live, demo_id: str, demo_video: Path, nano_agent: Agent
) -> None:
    found = ask(openai_client, demo_id, BLINKS).videomind
    alone = nano_agent.ask(demo_video, BLINKS.text).to_json()
    assert set(found) == {*alone, "id", "links"}
    for same in ("question", "query", "plan", "answer", "model", "engine"):
        assert found[same] == json.loads(json.dumps(alone[same]))
    assert found["video"]["path"] == "demo.mp4"
    stored = live.state.services.conversations.turn(LOCAL, found["id"])
    assert stored.state == TurnState.ANSWERED
    assert stored.result is not None
    assert result_from_json(stored.result).to_json()["moment"] == found["moment"]


def test_a_stream_says_the_same_step_by_step(openai_client: openai.OpenAI, demo_id: str) -> None:
    whole = ask(openai_client, demo_id, BLINKS)
    stream = list(ask(openai_client, demo_id, BLINKS, stream=True, stream_options={"include_usage": True}))
    assert joined(stream, "content") == whole.choices[0].message.content
    assert joined(stream, "reasoning_content") == whole.choices[0].message.reasoning_content
    events = [chunk.videomind for chunk in stream if getattr(chunk, "videomind", None)]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "started"
    assert [kind for kind in dict.fromkeys(kinds) if kind not in ("started", "queued")] == [
        "plan_ready",
        "grounded",
        "verified",
        "judged",
        "answer_token",
        "done",
    ]
    assert events[-1]["result"]["moment"] == near(whole.videomind["moment"])
    assert stream[-1].choices == []
    assert stream[-1].usage.completion_tokens >= 1


def test_the_async_client_streaming_and_not(live: Live, demo_id: str) -> None:
    async def both() -> tuple[Any, Any]:
        async with openai.AsyncOpenAI(base_url=f"{live.url}/v1", api_key="none", max_retries=0) as client:
            question: Any = {"model": "videomind", "messages": about(demo_id, BLINKS.text)}
            whole = await client.chat.completions.create(**question)
            stream = await client.chat.completions.create(**question, stream=True)
            return whole, [chunk async for chunk in stream]

    whole, stream = asyncio.run(both())
    assert whole.choices[0].message.content == joined(stream, "content") == "square"


def test_a_choice_of_options(openai_client: openai.OpenAI, demo_id: str) -> None:
    completion = ask(openai_client, demo_id, MOVES)
    assert completion.videomind["answer"]["option"] == "B"
    assert completion.choices[0].message.content == "B) Moves up"
    stream = ask(openai_client, demo_id, MOVES, stream=True)
    assert joined(stream, "content") == completion.choices[0].message.content


def test_what_is_not_in_the_video(openai_client: openai.OpenAI, demo_id: str) -> None:
    completion = ask(openai_client, demo_id, ABSENT)
    assert completion.choices[0].message.content == "Not in this video."
    assert completion.videomind["moment"] is None
    assert completion.videomind["moments"] == []
    assert completion.videomind["candidates"]


def test_a_later_turn_is_about_the_same_video(openai_client: openai.OpenAI, demo_id: str) -> None:
    messages = about(demo_id, BLINKS.text)
    first: Any = openai_client.chat.completions.create(model="videomind", messages=messages)
    answered: Any = {"role": "assistant", "content": first.choices[0].message.content}
    follow_up: Any = {"role": "user", "content": "What does the yellow triangle do?"}
    second: Any = openai_client.chat.completions.create(model="videomind", messages=[*messages, answered, follow_up])
    assert second.choices[0].message.content == "moves up"
    assert overlaps(second.videomind["moment"], MOVES)


def test_a_video_in_the_request_itself(openai_client: openai.OpenAI, demo_id: str, demo_video: Path) -> None:
    url = "data:video/mp4;base64," + base64.b64encode(demo_video.read_bytes()).decode()
    assert ask(openai_client, url, BLINKS).choices[0].message.content == "square"


def test_the_planner_alone_gives_its_plan(openai_client: openai.OpenAI, live: Live, demo_id: str) -> None:
    completion = ask(openai_client, demo_id, BLINKS, model="videomind/planner")
    plan = json.loads(completion.choices[0].message.content)
    assert plan["roles"] == completion.videomind["plan"]["roles"]
    assert plan["query"] == completion.videomind["query"]
    assert "candidates" not in completion.videomind
    stream = ask(openai_client, demo_id, BLINKS, model="videomind/planner", stream=True)
    assert json.loads(joined(stream, "content")) == plan
    wait_for(lambda: live.state.running.queue.running == 0)


@pytest.mark.parametrize("role", ["grounder", "verifier"])
def test_the_finding_roles_say_where_it_is(openai_client: openai.OpenAI, demo_id: str, role: str) -> None:
    query = DemoQuestion("the blue square blinks", "", BLINKS.span)
    completion = ask(openai_client, demo_id, query, model=f"videomind/{role}")
    moment = completion.videomind["moment"]
    expected = f"From {moment['start']:.1f} s to {moment['end']:.1f} s."
    assert completion.choices[0].message.content == expected
    assert completion.videomind["answer"] is None
    verified = [candidate["verified"] for candidate in completion.videomind["candidates"]]
    assert any(score is not None for score in verified) == (role == "verifier")


def test_the_answerer_alone_looks_at_a_part(openai_client: openai.OpenAI, demo_id: str) -> None:
    settings = {"videomind": {"span": [28, 33]}}
    colour = DemoQuestion("What colour is the thing that grows?", "green", (28.0, 33.0))
    completion = ask(openai_client, demo_id, colour, model="videomind/answerer", extra_body=settings)
    assert completion.choices[0].message.content == "green"
    assert completion.videomind["plan"]["roles"] == ["answerer"]


@pytest.mark.parametrize(
    ("video", "fields", "kind", "message"),
    [
        (None, {"n": 2}, openai.BadRequestError, "body.n: not supported here: there is one answer"),
        (None, {"model": "gpt-4o"}, openai.NotFoundError, "there is no model 'gpt-4o'; there is: videomind, "),
        ("file-" + 24 * "0", {}, openai.NotFoundError, "file-0"),
        ("ftp://example.org/film.mp4", {}, openai.BadRequestError, "video_url: give the id of an uploaded file"),
        ("data:video/mp4;base64,AAAA", {}, openai.APIStatusError, "video"),
        ("file:///etc/passwd", {}, openai.PermissionDeniedError, "file"),
        ("http://127.0.0.1:1/film.mp4", {}, openai.PermissionDeniedError, "127.0.0.1"),
    ],
)
def test_what_is_refused_says_why(
    openai_client: openai.OpenAI,
    demo_id: str,
    video: str | None,
    fields: dict[str, Any],
    kind: type[openai.APIStatusError],
    message: str,
) -> None:
    for stream in (False, True):
        with pytest.raises(kind, match=message) as refused:
            ask(openai_client, video or demo_id, BLINKS, stream=stream, **fields)
        assert refused.value.status_code < 500


def test_a_text_alone_is_told_how_to_send_a_video(openai_client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="there is no video; send it as a part"):
        openai_client.chat.completions.create(model="videomind", messages=[{"role": "user", "content": "What is red?"}])


def test_turns_of_a_stored_conversation(openai_client: openai.OpenAI, live: Live, demo_id: str) -> None:
    services = live.state.services
    conversation = services.conversations.start(LOCAL, services.library.get(LOCAL, demo_id), "blinking")
    settings = {"videomind": {"conversation": conversation.id, "subtitles": "1\n00:00:09,000 --> 00:00:10,000\nHey\n"}}
    completion = ask(openai_client, demo_id, BLINKS, extra_body=settings)
    assert [turn.id for turn in services.conversations.turns(LOCAL, conversation.id)] == [completion.videomind["id"]]
    with pytest.raises(openai.NotFoundError, match="conv-0"):
        ask(openai_client, demo_id, BLINKS, extra_body={"videomind": {"conversation": "conv-" + 24 * "0"}})
