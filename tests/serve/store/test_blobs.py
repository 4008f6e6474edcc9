"""Videos on disk: there whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from videomind.errors import InputError
from videomind.serve.store.blobs import MAKING, Blobs

FILM = sha256(b"film").hexdigest()


def keep(blobs: Blobs, content: bytes = b"film") -> Path:
    with blobs.incoming() as incoming:
        incoming.write(content)
        return blobs.keep(incoming)


def test_what_is_received_is_readable_at_once_and_counted(root: Path) -> None:
    with Blobs(root).incoming() as incoming:
        incoming.write(b"fi")
        assert incoming.path.read_bytes() == b"fi"
        incoming.write(b"lm")
        assert (incoming.size, incoming.sha256) == (4, FILM)


def test_it_is_kept_under_its_content(root: Path) -> None:
    blobs = Blobs(root)
    path = keep(blobs)
    assert path == blobs.path(FILM) == root / "videos" / FILM[:2] / FILM
    assert path.read_bytes() == b"film"
    assert list((root / "incoming").iterdir()) == []


def test_nothing_remains_of_what_was_not_kept(root: Path) -> None:
    blobs = Blobs(root)
    with suppress(ConnectionError), blobs.incoming() as incoming:
        incoming.write(b"fi")
        raise ConnectionError
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_what_is_there_already_stays_and_what_is_damaged_is_replaced(root: Path) -> None:
    blobs = Blobs(root)
    path = keep(blobs)
    first = path.stat().st_ino
    keep(blobs)
    assert path.stat().st_ino == first
    path.write_bytes(b"fi")
    assert keep(blobs).read_bytes() == b"film"


def test_a_new_server_removes_what_dead_ones_left_but_nothing_that_is_being_received(root: Path) -> None:
    blobs = Blobs(root)
    abandoned = root / "incoming" / "abandoned"
    abandoned.write_bytes(b"fi")
    with blobs.incoming() as incoming:
        incoming.write(b"film")
        Blobs(root)
        assert not abandoned.exists()
        assert blobs.keep(incoming).read_bytes() == b"film"


def test_only_this_user_can_read_the_videos(root: Path) -> None:
    old = os.umask(0)
    try:
        path = keep(Blobs(root))
    finally:
        os.umask(old)
    assert {oct(folder.stat().st_mode & 0o777) for folder in root.rglob("*") if folder.is_dir()} == {"0o700"}
    assert oct(path.stat().st_mode & 0o777) == "0o600"


def test_everything_derived_goes_with_it_and_nothing_else(root: Path) -> None:
    blobs = Blobs(root)
    keep(blobs)
    neighbour = blobs.path(FILM[:-1] + ("0" if FILM[-1] != "0" else "1"))
    for path in (blobs.derived(FILM, ".play.mp4"), blobs.derived(FILM, ".poster.jpg"), neighbour):
        path.write_bytes(b"made")
    blobs.remove(FILM)
    assert list(blobs.stored()) == [neighbour.name]
    blobs.remove(FILM)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "ab", "AB" * 32, "zz" * 32, "ab" * 32 + "\n"])
def test_only_hashes_name_contents(root: Path, name: str) -> None:
    blobs = Blobs(root)
    for use in (blobs.path, blobs.remove):
        with pytest.raises(ValueError, match="64 hex digits"):
            use(name)


@pytest.mark.parametrize("suffix", ["", "mp4", "/../../x", ".", ".mp4/", ".."])
def test_suffixes_lead_nowhere_else(root: Path, suffix: str) -> None:
    with pytest.raises(ValueError, match="suffix"):
        Blobs(root).derived(FILM, suffix)


def test_a_root_that_cannot_be_used_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="give another folder"):
        Blobs(tmp_path / "file" / "data")


def test_folders_in_which_something_was_being_derived_go_when_they_are_old(root: Path) -> None:
    blobs = Blobs(root)
    keep(blobs)
    left, busy = (blobs.path(FILM).with_name(f"{MAKING}{name}") for name in ("left", "busy"))
    for folder in (left, busy):
        folder.mkdir()
        (folder / "new.mp4").write_bytes(b"half")
    os.utime(left, (1, 1))
    os.utime(left / "new.mp4", (1, 1))
    os.utime(busy, (1, 1))
    blobs.drop_unfinished(before=1000)
    assert (left.exists(), busy.exists(), blobs.path(FILM).exists()) == (False, True, True)
