"""The steps of a question as OpenAI's completion and as its chunks; both say the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from videomind.events import AnswerToken, Done, Event, Grounded, Judged, PlanReady, Verified
from videomind.results import Answer, Candidate, Plan, Result, RoleCall, Trace, Usage, VideoInfo
from videomind.serve.api.chat_fold import Head, chunks, gather
from videomind.serve.api.chat_response import Completion, PlanBody
from videomind.serve.api.result_body import ResultBody
from videomind.serve.desk import Step, Waiting
from videomind.wire import event_from_json, result_from_json

HEAD = Head("turn-12", "videomind", created=7)
PLAN = Plan(("grounder", "verifier", "answerer"), reply="[...]", parsed=True)
GROUNDED = (Candidate(1.0, 2.0, 0.6), Candidate(5.25, 8.0, 0.5))
VERIFIED = (Candidate(5.25, 8.0, 0.5, 0.9, 0.8), Candidate(1.0, 2.0, 0.6, 0.1, 0.05))


def found(
    moments: Sequence[Candidate] = VERIFIED[:1], answer: str | Answer | None = "A red ball.", **fields: Any
) -> Result:
    call = RoleCall("grounder", "", "", (0, 9), (0,), (1, 1, 1), usage=Usage(prompt_tokens=100, cached_tokens=60))
    known: dict[str, Any] = {
        "video": VideoInfo("film.mp4", 9.0, 25.0, 320, 240),
        "question": "What is red?",
        "query": "something red",
        "plan": PLAN,
        "candidates": VERIFIED,
        "moments": tuple(moments),
        "answer": Answer(answer) if isinstance(answer, str) else answer,
        "timings": {"total": 1.5},
        "model": "nano",
        "engine": "torch",
        "presence": 0.8,
        "trace": Trace((call,), GROUNDED),
    }
    return Result(**known | fields)


def happening(result: Result, *pieces: str) -> list[Step]:
    judged = Judged(result.presence or 0, result.moments)
    answer = [AnswerToken(piece) for piece in pieces]
    return [PlanReady(PLAN, "something red"), Grounded(GROUNDED), Verified(VERIFIED), judged, *answer, Done(result)]


async def in_turn(steps: Sequence[Step]) -> AsyncIterator[Step]:
    for step in steps:
        yield step


def whole(steps: Sequence[Step], head: Head = HEAD) -> Completion:
    return asyncio.run(gather(head, in_turn(steps)))


def streamed(steps: Sequence[Step], with_usage: bool = False, head: Head = HEAD) -> list[dict[str, Any]]:
    async def collect() -> list[dict[str, Any]]:
        return [json.loads(json.dumps(chunk)) async for chunk in chunks(head, in_turn(steps), with_usage)]

    return asyncio.run(collect())


def joined(stream: Sequence[dict[str, Any]], field: str) -> str:
    return "".join(chunk["choices"][0]["delta"].get(field, "") for chunk in stream if chunk["choices"])


def test_the_answer_and_what_the_chain_found() -> None:
    result = found()
    completion = whole(happening(result, "A red", " ball."))
    (choice,) = completion.choices
    assert choice.message.content == "A red ball."
    assert (completion.id, completion.created, completion.model) == ("chatcmpl-12", 7, "videomind")
    assert isinstance(completion.videomind, ResultBody)
    body = json.loads(completion.videomind.model_dump_json())
    assert {key: body[key] for key in result.to_json()} == json.loads(json.dumps(result.to_json()))
    assert body["id"] == "turn-12"
    assert body["links"]["clip"] == "/v1/results/turn-12/clip.mp4"


def test_the_steps_in_words() -> None:
    completion = whole([Waiting(2), *happening(found())])
    assert completion.choices[0].message.reasoning_content.splitlines() == [
        "Waiting: number 2 in line.",
        'Plan: grounder, then verifier, then answerer, looking for "something red".',
        "Grounding: 2 candidates, at first 1.0 s to 2.0 s (confidence 0.60).",
        "Verification: 2 looked at again, best 5.2 s to 8.0 s (score 0.90).",
        "Verdict: in this video (probability 80 %).",
    ]


def test_the_tokens_that_were_used() -> None:
    usage = whole(happening(found(), "A", " red", " ball.")).usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (100, 3, 103)
    assert usage.prompt_tokens_details.cached_tokens == 60


@pytest.mark.parametrize(
    ("result", "content"),
    [
        (found(answer=None), "From 5.2 s to 8.0 s."),
        (found(VERIFIED, None), "1. From 1.0 s to 2.0 s.\n2. From 5.2 s to 8.0 s."),
        (found((), None, presence=0.04), "Not in this video."),
        (found((), "Not in this video.", presence=0.04), "Not in this video."),
        (found((), Answer("B) blue", "B"), presence=0.04), "B) blue"),
        (found((Candidate(0, 9, 0),), None, presence=None), "Nothing found."),
        (found((), "  ", presence=None), "Nothing found."),
    ],
)
def test_the_content_says_what_was_found_or_that_nothing_was(result: Result, content: str) -> None:
    assert whole(happening(result)).choices[0].message.content == content
    assert joined(streamed(happening(result)), "content") == content


def test_what_is_not_there_has_no_moment_and_no_clip() -> None:
    body = whole(happening(found((), "Not in this video.", presence=0.04))).videomind
    assert isinstance(body, ResultBody)
    assert body.moment is None
    assert "clip" not in body.links


def test_a_stream_says_the_same_as_the_whole() -> None:
    steps = [Waiting(2), Waiting(1), *happening(found(), " A red", " ", "ball. ", "\n")]
    stream, message = streamed(steps), whole(steps).choices[0].message
    assert joined(stream, "content") == message.content
    assert joined(stream, "reasoning_content") == message.reasoning_content
    assert stream[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [chunk["choices"][0]["finish_reason"] for chunk in stream] == [None] * (len(stream) - 1) + ["stop"]
    assert {(chunk["id"], chunk["object"], chunk["created"], chunk["model"]) for chunk in stream} == {
        ("chatcmpl-12", "chat.completion.chunk", 7, "videomind")
    }


def test_the_events_of_a_stream_can_be_read_again() -> None:
    result = found()
    steps = happening(result, "A red ball.")
    happened = [chunk["videomind"] for chunk in streamed([Waiting(1), *steps]) if "videomind" in chunk]
    assert happened[:2] == [{"event": "started", "id": "turn-12"}, {"event": "queued", "position": 1}]
    events: list[Event] = [event_from_json(data) for data in happened[2:]]
    assert events[:-1] == steps[:-1]
    assert happened[-1]["event"] == "done"
    assert happened[-1]["links"]["report"] == "/v1/results/turn-12/report.html"
    assert result_from_json(happened[-1]["result"]).moments == result.moments


def test_usage_is_a_last_chunk_where_it_is_asked_for() -> None:
    last = streamed(happening(found(), "A ball."), with_usage=True)[-1]
    assert last["choices"] == []
    assert last["usage"] == {
        "prompt_tokens": 100,
        "completion_tokens": 1,
        "total_tokens": 101,
        "prompt_tokens_details": {"cached_tokens": 60},
    }
    assert not any("usage" in chunk for chunk in streamed(happening(found())))


def test_the_planner_ends_with_the_plan() -> None:
    head = Head("turn-12", "videomind/planner", only_plan=True)
    plan = {"roles": ["grounder", "verifier", "answerer"], "query": "something red", "parsed": True}
    completion = whole(happening(found()), head)
    assert json.loads(completion.choices[0].message.content) == plan
    assert completion.videomind == PlanBody(id="turn-12", plan=PLAN, query="something red")
    stream = streamed(happening(found()), head=head)
    assert json.loads(joined(stream, "content")) == plan
    assert stream[-1]["choices"][0]["finish_reason"] == "stop"
