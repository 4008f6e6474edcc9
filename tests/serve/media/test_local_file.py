"""`file:` URLs reach what is in the allowed folder, and say nothing about what is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from videomind.serve.errors import Refused
from videomind.serve.media.local_file import open_allowed


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.mp4"
    path.write_bytes(b"secret")
    return path


def refusal(url: str, allowed: Path | None) -> str:
    with pytest.raises(Refused) as caught:
        open_allowed(url, allowed)
    assert caught.value.status == 403
    return str(caught.value)


def test_file_in_the_folder(shelf: Path) -> None:
    (shelf / "a.mp4").write_bytes(b"film")
    path, file = open_allowed(f"file://{shelf}/a.mp4", shelf)
    with file:
        assert (path.name, file.read()) == ("a.mp4", b"film")


def test_no_folder_is_allowed(secret: Path) -> None:
    assert "upload the video" in refusal(f"file://{secret}", None)


@pytest.mark.parametrize(
    "url",
    [
        "file://{shelf}/../secret.mp4",
        "file://{shelf}/%2e%2e/secret.mp4",
        "file://{shelf}/..%2fsecret.mp4",
        "file://{tmp}/secret.mp4",
        "file://{shelf}/link.mp4",
        "file://{shelf}/out/secret.mp4",
        "file://{shelf}/missing.mp4",
        "file://{shelf}/pipe",
        "file://{shelf}/loop",
        "file://{shelf}",
        "file://{shelf}/",
        "file://{shelf}/a.mp4%00.txt",
        "file://{shelf}/a.mp4/b",
        "file://{shelf}/%ff%fe",
        "file://elsewhere{shelf}/a.mp4",
        "file:a.mp4",
        "file:",
        "file:///dev/zero",
        "file:///proc/self/environ",
    ],
)
def test_all_else_is_refused_alike(url: str, shelf: Path, secret: Path, tmp_path: Path) -> None:
    (shelf / "a.mp4").write_bytes(b"film")
    (shelf / "link.mp4").symlink_to(secret)
    (shelf / "out").symlink_to(tmp_path)
    (shelf / "loop").symlink_to(shelf / "loop")
    os.mkfifo(shelf / "pipe")
    text = refusal(url.format(shelf=shelf, tmp=tmp_path), shelf)
    assert text == refusal(f"file://{shelf}/missing.mp4", shelf)
    assert str(tmp_path) not in text
