"""Files stay open between questions, within limits, and never longer than they are the same file."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from videomind.vision.array_backend import ArrayReader
from videomind.vision.base import VideoReader
from videomind.vision.open_videos import OpenVideos


class Log:
    """Opens anything, and remembers what was opened and closed."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.closed: list[str] = []

    def __call__(self, path: Path) -> VideoReader:
        log, name = self, path.name

        class Reader(ArrayReader):
            def close(self) -> None:
                super().close()
                log.closed.append(name)

        self.opened.append(name)
        return Reader(np.zeros((4, 28, 28, 3), np.uint8), 1.0)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    for name in "abc":
        (tmp_path / name).write_text(name)
    return [tmp_path / name for name in "abc"]


def test_a_file_is_opened_once(files: list[Path]) -> None:
    log, videos = Log(), OpenVideos(2)
    for _ in range(3):
        with videos.reader(files[0], log) as reader:
            assert reader.num_frames == 4
    assert (log.opened, log.closed) == (["a"], [])
    videos.clear()
    assert log.closed == ["a"]


def test_the_longest_unused_is_closed(files: list[Path]) -> None:
    log, videos = Log(), OpenVideos(2)
    for file in (files[0], files[1], files[0], files[2]):
        with videos.reader(file, log):
            pass
    assert (log.opened, log.closed) == (["a", "b", "c"], ["b"])


def test_what_is_in_use_is_closed_afterwards(files: list[Path]) -> None:
    log, videos = Log(), OpenVideos(1)
    with videos.reader(files[0], log):
        with videos.reader(files[1], log):
            assert log.closed == []
        videos.clear()
        assert log.closed == ["b"]
    assert log.closed == ["b", "a"]


def test_a_file_that_changed_is_opened_anew(files: list[Path]) -> None:
    log, videos = Log(), OpenVideos(2)
    with videos.reader(files[0], log):
        pass
    os.utime(files[0], ns=(1, 1))
    with videos.reader(files[0], log):
        pass
    assert log.opened == ["a", "a"]


def test_threads_share_one_reader(files: list[Path]) -> None:
    log, videos = Log(), OpenVideos(1)
    seen: list[VideoReader] = []

    def look() -> None:
        with videos.reader(files[0], log) as reader:
            seen.append(reader)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.opened == ["a"]
    assert len({id(reader) for reader in seen}) == 1


def test_a_file_that_opens_slowly_holds_up_no_other(files: list[Path]) -> None:
    log, videos = Log(), OpenVideos(2)
    opening, may_open = threading.Event(), threading.Event()

    def slow(path: Path) -> VideoReader:
        opening.set()
        assert may_open.wait(10)
        return log(path)

    def read() -> None:
        with videos.reader(files[0], slow) as reader:
            assert reader.num_frames == 4

    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in readers:
        thread.start()
    assert opening.wait(10)
    with videos.reader(files[1], log):
        pass
    assert log.opened == ["b"]
    may_open.set()
    for thread in readers:
        thread.join()
    assert log.opened == ["b", "a"]


def test_what_could_not_be_opened_is_tried_again(files: list[Path]) -> None:
    log, videos = Log(), OpenVideos(2)

    def fail(path: Path) -> VideoReader:
        raise ValueError(path.name)

    with pytest.raises(ValueError, match="a"), videos.reader(files[0], fail):
        pass
    with videos.reader(files[0], log) as reader:
        assert reader.num_frames == 4
    videos.clear()
    assert log.closed == ["a"]
