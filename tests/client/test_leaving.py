"""Leaving a server, and servers that leave: cancelling, being busy, breaking off."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.serve.live import Live, live_server
from videomind import Agent, Cancelled, Client, EngineError, InputError, Question
from videomind.client.errors import ServerBusy
from videomind.engines.base import Cancel, Grounding, RoleRequest
from videomind.results import Result

ASKED = "What shape is the thing that blinks?"
LONG = 20.0


class Slow:
    """A grounder that works until it is cancelled."""

    def __init__(self) -> None:
        self.reached, self.freed = threading.Event(), threading.Event()

    def ground(self, requests: Sequence[RoleRequest], cancel: Cancel) -> list[Grounding]:
        self.reached.set()
        assert cancel.wait(LONG)
        self.freed.set()
        raise Cancelled


@pytest.fixture
def slow(nano_agent: Agent, monkeypatch: pytest.MonkeyPatch) -> Slow:
    slow = Slow()
    monkeypatch.setattr(nano_agent.engine, "ground", slow.ground)
    return slow


def idle(live: Live) -> bool:
    until = time.monotonic() + LONG
    while live.state.running.queue.running and time.monotonic() < until:
        time.sleep(0.01)
    return live.state.running.queue.running == 0


def in_thread(call: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, errors


def test_a_set_cancel_event_ends_the_work_here_and_there(
    live: Live, client: Client, demo_video: Path, slow: Slow
) -> None:
    cancel = threading.Event()
    thread, errors = in_thread(lambda: list(client.stream(demo_video, ASKED, cancel=cancel)))
    assert slow.reached.wait(LONG)
    cancel.set()
    thread.join(LONG)
    assert [type(error) for error in errors] == [Cancelled]
    assert slow.freed.wait(LONG)
    assert idle(live)


def test_closing_the_iterator_ends_the_work_there(live: Live, client: Client, demo_video: Path, slow: Slow) -> None:
    events = client.stream(demo_video, ASKED, roles=["planner", "grounder"])
    next(events)
    assert slow.reached.wait(LONG)
    events.close()
    assert slow.freed.wait(LONG)
    assert idle(live)


def test_cancelling_a_task_ends_the_work_there(live: Live, client: Client, demo_video: Path, slow: Slow) -> None:
    async def leave() -> None:
        task = asyncio.create_task(client.aask(demo_video, ASKED))
        assert await asyncio.to_thread(slow.reached.wait, LONG)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(leave())
    assert slow.freed.wait(LONG)
    assert idle(live)


def test_leaving_many_questions_ends_them_all(live: Live, client: Client, demo_video: Path, slow: Slow) -> None:
    cancel = threading.Event()
    questions = [(demo_video, Question(ASKED))] * 3
    thread, errors = in_thread(lambda: list(client.ask_many(questions, cancel=cancel)))
    assert slow.reached.wait(LONG)
    cancel.set()
    thread.join(LONG)
    assert [type(error) for error in errors] == [Cancelled]
    assert idle(live)


def test_a_busy_server_says_so_and_many_questions_wait_for_it(
    nano_agent: Agent, demo_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    generate = nano_agent.engine.generate
    began = threading.Event()

    def wait_first(requests: Sequence[RoleRequest], cancel: Cancel) -> object:
        began.set()
        assert go_on.wait(LONG)
        return generate(requests, cancel)

    monkeypatch.setattr(nano_agent.engine, "generate", wait_first)
    with live_server(tmp_path / "data", nano_agent, per_client=1) as live, Client(live.url) as client:
        thread, errors = in_thread(lambda: client.ask(demo_video, ASKED))
        assert began.wait(LONG)
        with pytest.raises(ServerBusy) as busy:
            client.ask(demo_video, ASKED)
        assert busy.value.retry_after >= 1
        threading.Timer(0.2, go_on.set).start()
        question = Question(ASKED, roles=frozenset({"answerer"}))
        ((place, outcome),) = client.ask_many([(demo_video, question)])
        thread.join(LONG)
    assert (errors, place) == ([], 0)
    assert isinstance(outcome, Result)


@contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """Some program that answers each connection with these bytes, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for answer in answers:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(1 << 16)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join(LONG)


def test_a_server_that_breaks_off(demo_video: Path) -> None:
    chunk = b'data: {"videomind": {"event": "started", "id": "turn-1"}}\n\n'
    begun = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
    cut = begun + b"Content-Length: 1000\r\n\r\n" + chunk
    whole = begun + f"Content-Length: {len(chunk)}\r\n\r\n".encode() + chunk
    with answering(cut, whole) as url, Client(url) as client:
        for words in ("broke off", "broke off before the answer was whole"):
            with pytest.raises(EngineError, match=words):
                client.ask("file-0123456789abcdef01234567", ASKED)


def test_another_program_at_this_address() -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: 6\r\n\r\n<html>"
    with answering(page, page) as url, Client(url) as client:
        with pytest.raises(InputError, match="is no VideoMind server"):
            client.roles  # noqa: B018
        with pytest.raises(InputError, match="is no VideoMind server"):
            client.ask("file-0123456789abcdef01234567", ASKED)


def test_no_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}") as client, pytest.raises(InputError, match="start one: videomind serve"):
        client.roles  # noqa: B018


def test_a_key_is_asked_for_and_sent(nano_agent: Agent, tmp_path: Path) -> None:
    with live_server(tmp_path / "data", nano_agent, api_key="secret") as live:
        with Client(live.url) as nobody, pytest.raises(InputError, match="wants its API key"):
            nobody.roles  # noqa: B018
        with Client(live.url, api_key="secret") as client:
            assert "grounder" in client.roles
