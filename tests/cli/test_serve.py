"""`videomind serve` as a user runs it: started, killed, started again; nothing that was stored is lost."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from tests.cli.conftest import Videomind, heed_interrupts
from tests.cli.test_errors import assert_refused
from videomind.synth.video import write_video

END_S = 20


@contextmanager
def serving(data: Path) -> Iterator[tuple[subprocess.Popen[str], httpx2.Client]]:
    """A server on the embedded model and a client of it; killed at the end if it still lives."""
    command = [sys.executable, "-m", "videomind.cli", "serve", "--engine", "torch", "--port", "0", "--data", str(data)]
    process = subprocess.Popen(
        [*command, "--no-page", "--device", "cpu"], stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.fullmatch(r"nano on (http://127\.0\.0\.1:\d+) \(torch\)\n", line)
        assert found, line
        with httpx2.Client(base_url=found[1], timeout=60) as client:
            yield process, client
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory, frames: Any) -> Path:
    return write_video(frames, tmp_path_factory.mktemp("videos") / "holiday.mp4", fps=8.0)


def upload(client: httpx2.Client, video: Path) -> str:
    with video.open("rb") as file:
        answer = client.post("/v1/files", files={"file": (video.name, file)}, data={"purpose": "vision"})
    return str(answer.raise_for_status().json()["id"])


def question(file_id: str, **more: object) -> dict[str, object]:
    content = [{"type": "video_url", "video_url": {"url": file_id}}, {"type": "text", "text": "What happens?"}]
    return {"model": "videomind", "messages": [{"role": "user", "content": content}], **more}


def begin_upload(client: httpx2.Client) -> socket.socket:
    """Send the beginning of a video and leave it at that."""
    connection = socket.create_connection((client.base_url.host, client.base_url.port or 80))
    head = "POST /v1/files?name=half.mp4 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: video/mp4\r\n"
    connection.sendall(f"{head}Content-Length: 1000000\r\n\r\n".encode())
    connection.sendall(b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + bytes(100_000))
    return connection


@pytest.mark.slow
def test_killed_amid_an_upload_and_an_answer_it_starts_again_with_all_that_was_there(
    tmp_path: Path, video: Path
) -> None:
    with serving(tmp_path) as (process, client):
        file_id = upload(client, video)
        answered = client.post("/v1/chat/completions", json=question(file_id)).raise_for_status().json()
        half = begin_upload(client)
        with client.stream("POST", "/v1/chat/completions", json=question(file_id, stream=True)) as stream:
            lines = stream.iter_lines()  # dropped, it would close the connection
            first = json.loads(next(lines).removeprefix("data: "))
            assert list((tmp_path / "incoming").iterdir())
            process.kill()
            process.wait()
        half.close()
        broken_off = first["videomind"]["id"]

    with serving(tmp_path) as (process, client):
        files = client.get("/v1/files").raise_for_status().json()["data"]
        assert [(file["id"], file["filename"]) for file in files] == [(file_id, "holiday.mp4")]
        assert list((tmp_path / "incoming").iterdir()) == []
        kept = client.get(f"/v1/results/{answered['videomind']['id']}").raise_for_status().json()
        assert kept["result"]["candidates"] == answered["videomind"]["candidates"]
        assert client.get(f"/v1/results/{broken_off}").json()["status"] == "interrupted"
        assert client.post("/v1/chat/completions", json=question(file_id)).status_code == 200
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_S) == 0
        alive = psutil.wait_procs(children, timeout=END_S)[1]
        assert [child for child in alive if child.status() != psutil.STATUS_ZOMBIE] == []


def test_keys_are_shown_once_and_listed_by_name(videomind: Videomind, tmp_path: Path) -> None:
    code, key, _ = videomind("keys", "add", "ada", "--data", tmp_path)
    assert (code, key.startswith("vm-")) == (0, True)
    listed = json.loads(videomind("keys", "list", "--data", tmp_path)[1])["keys"]
    assert [(one["name"], one["used"]) for one in listed] == [("ada", None)]
    assert not any(key.strip().encode() in file.read_bytes() for file in tmp_path.glob("videomind.db*"))
    assert_refused(videomind("keys", "add", "ada", "--data", tmp_path), "there is a key 'ada' already")
    assert videomind("keys", "remove", "ada", "--data", tmp_path)[0] == 0
    assert_refused(videomind("keys", "remove", "ada", "--data", tmp_path), "there is no key 'ada'")


def test_settings_that_cannot_be_used_are_one_line(videomind: Videomind, tmp_path: Path) -> None:
    (tmp_path / "serve.toml").write_text("waiting = -1\n")
    refused = videomind("serve", "--config", tmp_path / "serve.toml", "--data", tmp_path)
    assert_refused(refused, "setting waiting: Input should be greater than or equal to 0")
    (tmp_path / "file").touch()
    assert_refused(videomind("serve", "--data", tmp_path / "file"), "cannot keep data in")
    refused = videomind("serve", "--data", tmp_path, "--database", "postgresql://me:hush@127.0.0.1:9/x")
    assert_refused(refused, "cannot use the database")
    assert "hush" not in refused[2]
