"""What large bodies hold, and for how long: the app by itself, without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from videomind.serve import bodies
from videomind.serve.bodies import Bodies, Limit

HALF = b"x" * 600
PATIENCE_S = 10.0
Talk = Callable[[Receive, Send], Any]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies from 500 bytes on are large, and two halves of one all that there is room for."""
    monkeypatch.setattr(bodies, "LARGE", 500)
    monkeypatch.setattr(bodies, "HELD", 2 * len(HALF))


def app(talk: Talk) -> ASGIApp:
    async def talking(scope: Scope, receive: Receive, send: Send) -> None:
        await talk(receive, send)

    return talking


def request(parts: Sequence[bytes], declared: int | None = None, path: str = "/v1/x") -> tuple[Scope, Receive]:
    """A request whose body comes in parts, and whose client then goes away."""
    headers = [] if declared is None else [(b"content-length", str(declared).encode())]
    messages: list[Message] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages[-1]["more_body"] = False
    messages.append({"type": "http.disconnect"})

    async def receive() -> Message:
        return messages.pop(0)

    return {"type": "http", "path": path, "headers": headers}, receive


async def unheard(message: Message) -> None:
    """Nobody listens."""


async def read(receive: Receive) -> None:
    while (await receive()).get("more_body"):
        pass


def ask(guarded: Bodies, *parts: bytes) -> None:
    asyncio.run(guarded(*request(parts), unheard))


def test_all_large_bodies_together_have_so_much_room() -> None:
    async def talk(receive: Receive, send: Send) -> None:
        await read(receive)
        await guarded(*request([HALF]), unheard) if nested.pop() else None

    guarded, nested = Bodies(app(talk), PATIENCE_S), [False, True]
    ask(guarded, HALF)
    nested[:] = [False, True]
    with pytest.raises(HTTPException, match="as many large requests") as refused:
        ask(guarded, HALF, HALF)
    assert refused.value.status_code == 429


def test_what_is_answered_or_fails_holds_nothing_any_more() -> None:
    async def answer(receive: Receive, send: Send) -> None:
        await read(receive)
        await send({"type": "http.response.start"})
        assert (await receive())["type"] == "http.disconnect"
        await inner(*request([HALF, HALF]), unheard)  # while this one has not ended

    async def fail(receive: Receive, send: Send) -> None:
        await read(receive)
        raise ZeroDivisionError

    async def only_read(receive: Receive, send: Send) -> None:
        await read(receive)

    talks: list[Talk] = [fail, answer, only_read, only_read]

    async def next_talk(receive: Receive, send: Send) -> None:
        await talks.pop(0)(receive, send)

    inner = Bodies(app(next_talk), PATIENCE_S)
    with pytest.raises(ZeroDivisionError):
        ask(inner, HALF, HALF)
    ask(inner, HALF, HALF)
    ask(inner, HALF, HALF)
    assert talks == []


def test_a_body_declared_too_large_is_not_even_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(receive: Receive, send: Send) -> None:
        raise AssertionError

    told: list[Message] = []

    async def hear(message: Message) -> None:
        told.append(message)

    monkeypatch.setitem(bodies.LIMITS, "/v1/", Limit(3 << 20, advice=": send less"))
    asyncio.run(Bodies(app(never), PATIENCE_S)(*request([b""], declared=(3 << 20) + 1), hear))
    assert told[0]["status"] == 413
    assert b"a request may have 3 MiB at most: send less" in told[1]["body"]
