"""Videos come in whole, once, and only if they are videos."""

from __future__ import annotations

import asyncio
import base64
import errno
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.serve.media.conftest import in_pieces
from tests.serve.sandbox.bombs import write_playlist, write_zip
from tests.vision.media import cut_tail
from videomind.serve.errors import Refused
from videomind.serve.media.receive import Media, clean_name
from videomind.serve.store.blobs import Incoming
from videomind.serve.store.library import Library


def nothing_remains(library: Library, tmp_path: Path) -> bool:
    kept = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    return not kept and not library.entries("me")


def test_upload(media: Media, library: Library, video: Path) -> None:
    data = video.read_bytes()
    file = asyncio.run(media.receive("me", "holiday.mp4", in_pieces(data)))
    assert (file.name, file.owner, file.bytes, file.info.frames) == ("holiday.mp4", "me", len(data), 10)
    assert library.path(file).read_bytes() == data
    assert library.get("me", file.id) == file


def test_same_content_is_kept_once(media: Media, library: Library, video: Path) -> None:
    async def twice() -> None:
        data = video.read_bytes()
        first = await media.receive("me", "first.mp4", in_pieces(data))
        assert await media.receive("me", "second.mp4", in_pieces(data)) == first
        other = await media.receive("you", "third.mp4", in_pieces(data))
        assert other.id != first.id
        assert other.sha256 == first.sha256

    asyncio.run(twice())
    assert len(library.entries("me")) == 1


def test_too_large(make_media: Callable[..., Media], library: Library, video: Path, tmp_path: Path) -> None:
    size = len(video.read_bytes())
    with pytest.raises(Refused, match="MiB at most") as caught:
        asyncio.run(make_media(max_bytes=size - 1).receive("me", "a.mp4", in_pieces(video.read_bytes())))
    assert caught.value.status == 413
    assert nothing_remains(library, tmp_path)
    asyncio.run(make_media(max_bytes=size).receive("me", "a.mp4", in_pieces(video.read_bytes())))


def test_no_video_is_refused_as_soon_as_it_shows(media: Media, library: Library, tmp_path: Path) -> None:
    came = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal came
        while True:
            came += 1
            yield b"not a video "

    with pytest.raises(Refused, match="no video that is taken") as caught:
        asyncio.run(media.receive("me", "a.mp4", endless()))
    assert caught.value.status == 415
    assert came < 100
    assert nothing_remains(library, tmp_path)


@pytest.mark.parametrize("kind", ["empty", "zip", "playlist", "cut"])
def test_no_video(kind: str, media: Media, library: Library, video: Path, tmp_path: Path) -> None:
    path = tmp_path / "sent.mp4"
    make: dict[str, Callable[[], object]] = {
        "empty": path.touch,
        "zip": lambda: write_zip(path),
        "playlist": lambda: write_playlist(path, video),
        "cut": lambda: cut_tail(video, path, 0.5),
    }
    make[kind]()
    with pytest.raises(Refused) as caught:
        asyncio.run(media.receive("me", "sent.mp4", in_pieces(path.read_bytes())))
    assert caught.value.status == 415
    assert str(tmp_path) not in str(caught.value)
    assert nothing_remains(library, tmp_path)


@pytest.mark.parametrize(("wait", "limits"), [(5.0, {"idle_s": 0.1}), (0.02, {"total_s": 0.2})])
def test_too_slow(
    wait: float,
    limits: dict[str, float],
    make_media: Callable[..., Media],
    library: Library,
    video: Path,
    tmp_path: Path,
) -> None:
    async def slow() -> AsyncIterator[bytes]:
        async for piece in in_pieces(video.read_bytes(), 10):
            yield piece
            await asyncio.sleep(wait)

    with pytest.raises(Refused) as caught:
        asyncio.run(make_media(**limits).receive("me", "a.mp4", slow()))
    assert caught.value.status == 408
    assert nothing_remains(library, tmp_path)


def test_client_that_goes_away(media: Media, library: Library, video: Path, tmp_path: Path) -> None:
    async def gone() -> None:
        half_sent = asyncio.Event()

        async def half() -> AsyncIterator[bytes]:
            yield video.read_bytes()[:2000]
            half_sent.set()
            await asyncio.sleep(60)

        receiving = asyncio.create_task(media.receive("me", "a.mp4", half()))
        await half_sent.wait()
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving

    asyncio.run(gone())
    assert nothing_remains(library, tmp_path)


def test_full_disk(media: Media, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Incoming, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Incoming, "write", full)
    with pytest.raises(Refused, match="disk is full") as caught:
        asyncio.run(media.receive("me", "a.mp4", in_pieces(video.read_bytes())))
    assert caught.value.status == 507


def test_uploads_side_by_side(media: Media, video: Path) -> None:
    async def several() -> list[str]:
        data = video.read_bytes()
        files = await asyncio.gather(*(media.receive(f"user{i}", "a.mp4", in_pieces(data)) for i in range(6)))
        return [file.owner for file in files]

    assert asyncio.run(several()) == [f"user{i}" for i in range(6)]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("film.mp4", "film.mp4"),
        ("../../etc/passwd", "passwd"),
        (r"C:\films\mine.mp4", "mine.mp4"),
        ("a\r\nb\x00.mp4", "a b .mp4"),
        ("a\u202e4pm.exe", "a 4pm.exe"),
        ("  ..", "video"),
        ("", "video"),
        ("é" * 300 + ".mp4", "é" * 196 + ".mp4"),
    ],
)
def test_names(given: str, shown: str) -> None:
    assert clean_name(given) == shown


def test_id_of_a_file(media: Media, video: Path) -> None:
    file = asyncio.run(media.receive("me", "a.mp4", in_pieces(video.read_bytes())))
    assert asyncio.run(media.resolve("me", file.id)) == file
    for owner, file_id in (("you", file.id), ("me", "file-nothing"), ("me", "file-../../etc")):
        with pytest.raises(Refused) as caught:
            asyncio.run(media.resolve(owner, file_id))
        assert caught.value.status == 404


@pytest.mark.parametrize("start", ["data:video/mp4;base64,", "data:;base64,", "DATA:video/mp4;codecs=avc1;base64,"])
def test_data_url(start: str, media: Media, video: Path) -> None:
    encoded = base64.b64encode(video.read_bytes()).decode()
    assert asyncio.run(media.resolve("me", start + encoded)).bytes == len(video.read_bytes())


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("data:video/mp4,hello", 400),
        ("data:video/mp4;base64,!!!!", 400),
        ("data:video/mp4;base64,AAA", 400),
        ("data:video/mp4;base64,", 415),
        ("data:video/mp4;base64,AAAA", 415),
        ("data:video/mp4;base64," + "A" * 4000, 413),
        ("ftp://example.org/a.mp4", 400),
        ("javascript:alert(1)", 400),
        ("/etc/passwd", 400),
        ("", 400),
        ("http://other.example/a.mp4", 403),
    ],
)
def test_urls_that_are_no_videos(url: str, status: int, make_media: Callable[..., Media]) -> None:
    with pytest.raises(Refused) as caught:
        asyncio.run(make_media(max_bytes=1000).resolve("me", url))
    assert caught.value.status == status


def test_file_url(media: Media, video: Path, shelf: Path) -> None:
    (shelf / "my films").mkdir()
    (shelf / "my films" / "a.mp4").write_bytes(video.read_bytes())
    (shelf / "link.mp4").symlink_to(shelf / "my films" / "a.mp4")
    file = asyncio.run(media.resolve("me", f"file://{shelf}/my%20films/a.mp4"))
    assert (file.name, file.bytes) == ("a.mp4", len(video.read_bytes()))
    assert asyncio.run(media.resolve("me", f"file://localhost{shelf}/link.mp4")) == file
