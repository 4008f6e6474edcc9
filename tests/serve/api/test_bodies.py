"""Bodies that are too large or come too slowly are given up, whatever they are for; answers may take their time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.serve.live import Live, live_server
from videomind.agent import Agent

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
    video, text = (
        {"type": "video_url", "video_url": {"url": sent}},
        {"type": "text", "text": "What shape is the thing that blinks?"},
    )
    body = {"model": "videomind", "messages": [{"role": "user", "content": [video, text]}]}
    for stream in (False, True):
        answer = httpx2.post(f"{hasty.url}/v1/chat/completions", json=body | {"stream": stream}, timeout=60)
        assert answer.status_code == 200
        assert "square" in answer.text
