"""Bodies that are too large or come too slowly are given up, whatever they are for; answers may take their time."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.serve.api.questions import BLINKS, about
from tests.serve.live import Live, live_server
from tests.waiting import wait_for
from videomind.agent import Agent
from videomind.serve import bodies

PATIENCE = 0.4
FORM = "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="'
PATHS = [
    ("/v1/chat/completions", "application/json", b"{"),
    ("/v1/moments", "application/json", b"{"),
    ("/v1/files", FORM, PART),
    ("/v1/adapters/sports", FORM, PART),
    ("/login", "application/x-www-form-urlencoded", b"key="),
    ("/gradio_api/queue/join", "application/json", b"{"),
]


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory, nano_agent: Agent) -> Iterator[Live]:
    """A server with the page that waits for a body 0.4 s."""
    with live_server(tmp_path_factory.mktemp("hasty") / "data", nano_agent, upload_idle_s=PATIENCE, page=True) as live:
        yield live


@pytest.mark.parametrize("drips", [False, True], ids=["stands still", "drips"])
@pytest.mark.parametrize(("path", "kind", "start"), PATHS)
def test_a_body_that_comes_too_slowly_is_given_up(hasty: Live, path: str, kind: str, start: bytes, drips: bool) -> None:
    address, began = urlsplit(hasty.url), time.monotonic()
    head = f"POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: {kind}\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=0.1) as connection:
        connection.sendall(head.encode() + start)
        answer = b""
        while b"\r\n\r\n" not in answer:
            assert time.monotonic() - began < 20
            try:
                answer += connection.recv(10_000)
            except TimeoutError:
                if drips:
                    connection.sendall(b" ")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began > 0.9 * PATIENCE


@pytest.mark.parametrize(("path", "most"), [("/login", 4 << 10), ("/gradio_api/queue/join", 20 << 20)])
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_is_given_up(hasty: Live, path: str, most: int, declared: bool) -> None:
    block = 1 << 20

    def endless() -> Iterator[bytes]:
        for _ in range(most // block + 2):
            yield block * b" "

    content = (most + 1) * b" " if declared else endless()
    kind = "application/x-www-form-urlencoded" if path == "/login" else "application/json"
    answer = httpx2.post(hasty.url + path, content=content, headers={"Content-Type": kind})
    assert answer.status_code == 413


def test_an_answer_takes_its_time(
    hasty: Live, nano_agent: Agent, demo_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = nano_agent.engine.ground

    def slowly(*args: Any) -> Any:
        time.sleep(2 * PATIENCE)
        return ground(*args)

    monkeypatch.setattr(nano_agent.engine, "ground", slowly)
    sent = httpx2.post(f"{hasty.url}/v1/files?name=demo.mp4", content=demo_video.read_bytes()).json()["id"]
    body = {"model": "videomind", "messages": about(sent, BLINKS.text)}
    for stream in (False, True):
        answer = httpx2.post(f"{hasty.url}/v1/chat/completions", json=body | {"stream": stream}, timeout=60)
        assert answer.status_code == 200
        assert "square" in answer.text


def test_too_large_a_request_is_pointed_to_uploads(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bodies.LIMITS, "/v1/", bodies.LIMITS["/v1/"]._replace(most=1000))
    body = json.dumps({"model": "videomind", "messages": about("data:" + 2000 * "A", "What?")}).encode()
    for content in (body, iter([body])):
        headers = {"Content-Type": "application/json"}
        refused = httpx2.post(f"{live.url}/v1/chat/completions", content=content, headers=headers)
        assert refused.status_code == 413
        assert "POST /v1/files" in refused.json()["error"]["message"]


def test_large_requests_together_stay_within_memory(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LARGE", 100)
    monkeypatch.setattr(bodies, "HELD", 3000)
    body = json.dumps({"model": "videomind", "messages": about("data:" + 2000 * "A", "What?")}).encode()
    half_sent, go_on = threading.Event(), threading.Event()

    def slowly() -> Iterator[bytes]:
        yield body[:-1]
        half_sent.set()
        assert go_on.wait(10)
        yield body[-1:]

    def post(content: bytes | Iterator[bytes]) -> httpx2.Response:
        headers = {"Content-Type": "application/json"}
        return httpx2.post(f"{live.url}/v1/chat/completions", content=content, headers=headers)

    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(post, slowly())
        assert half_sent.wait(10)
        wait_for(lambda: post(body).status_code == 429)
        assert post(b"{}").status_code == 400  # small ones always find room
        go_on.set()
        assert first.result().status_code == 400
    assert post(body).status_code == 400
