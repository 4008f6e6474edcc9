"""What a confined process may do, and what becomes of one that does not keep to the rules."""

from __future__ import annotations

import os
import socket
import time
from contextlib import closing
from pathlib import Path

import pytest

from videomind.errors import VideoError
from videomind.serve.sandbox.forks import Forks
from videomind.serve.sandbox.limits import Limits
from videomind.serve.sandbox.messages import LENGTH, MAX_REPLY, receive
from videomind.serve.sandbox.process import Confined, Done, Facts


def test_readers_write_no_file(video: Path, tmp_path: Path, limits: Limits) -> None:
    with Confined(limits, "video.mp4", video) as process, pytest.raises(VideoError):
        process.ask(Done, "clip", out=str(tmp_path / "clip.mp4"), start=0.5, end=2.0)
    assert not list(tmp_path.iterdir())


def test_writers_write_to_one_folder(video: Path, tmp_path: Path, limits: Limits) -> None:
    (mine := tmp_path / "mine").mkdir()
    (other := tmp_path / "other").mkdir()
    with Confined(limits, "video.mp4", video, mine) as process:
        process.ask(Done, "clip", out=str(mine / "clip.mp4"), start=0.5, end=2.0)
        with pytest.raises(VideoError):
            process.ask(Done, "clip", out=str(other / "clip.mp4"), start=0.5, end=2.0)
    assert not list(other.iterdir())


def test_limits_of_the_process(video: Path, limits: Limits) -> None:
    with Confined(limits, "video.mp4", video) as process:
        process.ask(Facts, "open")
        said = Path(f"/proc/{process.pid}/limits").read_text()
        status = Path(f"/proc/{process.pid}/status").read_text()
    bound = {line[:25].strip(): line[25:].split()[0] for line in said.splitlines()}
    assert bound["Max address space"] == str(limits.memory_bytes)
    assert bound["Max file size"] == bound["Max core file size"] == "0"
    assert int(bound["Max cpu time"]) <= limits.cpu_s + 2
    assert "NoNewPrivs:\t1" in status


def test_secrets_and_open_files_stay_with_the_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIDEOMIND_API_KEY", "vm-secret")
    with (tmp_path / "private").open("wb"), closing(Forks()) as forks:
        pid, connection = forks.start(Limits(), "video.mp4", None)
        with connection:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            opened = [os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir()]
    assert b"PATH=" in environment
    assert b"secret" not in environment
    assert opened
    assert not [name for name in opened if name.startswith(str(tmp_path))]


@pytest.mark.parametrize(
    "reply",
    [
        b"[]",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"error": 1}',
        b'{"kind": "mp4", "codec": "h264"}',
        b'{"kind":"../x","codec":"a","duration":1.0,"fps":1.0,"width":1,"height":1,"frames":1,"playable":true}',
        b'{"kind":"mp4","codec":"a","duration":NaN,"fps":1.0,"width":1,"height":1,"frames":1,"playable":true}',
    ],
)
def test_nonsense_from_a_process_that_was_taken_over(reply: bytes, limits: Limits) -> None:
    with Confined(limits, "video.mp4", Path("video.mp4")) as process:
        ours, theirs = socket.socketpair()
        process._connection.close()
        process._connection = ours
        with ours, theirs:
            theirs.sendall(LENGTH.pack(len(reply)) + reply)
            with pytest.raises(VideoError, match=r"^video\.mp4: its decoder broke down"):
                process.ask(Facts, "open")
    assert not process.alive


def test_endless_messages_are_not_listened_to() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(LENGTH.pack(MAX_REPLY + 1))
        with pytest.raises(ValueError, match="message of"):
            receive(ours)
        theirs.sendall(LENGTH.pack(10) + b"[")
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            receive(ours, wait_s=0.1)
        assert time.monotonic() - began < 1
