"""A sandboxed reader gives what a direct one gives, and survives the end of its process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.vision.media import numbered_frames, numbers_of
from videomind.errors import VideoError
from videomind.serve.sandbox import forks
from videomind.serve.sandbox.limits import Limits
from videomind.serve.sandbox.reader import SandboxedReader
from videomind.vision.reader import open_video


def process_of(reader: SandboxedReader) -> int:
    return reader._process.pid


def is_gone(pid: int) -> bool:
    for _ in range(200):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False


def test_gives_what_a_direct_reader_gives(video: Path, limits: Limits) -> None:
    with SandboxedReader(video, limits) as reader, open_video(video) as direct:
        assert reader.path == "video.mp4"
        assert (reader.num_frames, reader.fps, reader.duration) == (direct.num_frames, direct.fps, direct.duration)
        assert (reader.width, reader.height) == (direct.width, direct.height)
        assert reader.content_hash == direct.content_hash
        np.testing.assert_array_equal(reader.timestamps, direct.timestamps)
        np.testing.assert_array_equal(reader.frames_at([5, 3, 3]), direct.frames_at([5, 3, 3]))
        np.testing.assert_array_equal(reader.frames_at(range(40)), direct.frames_at(range(40)))


def test_name_and_content_may_be_known_already(video: Path, limits: Limits) -> None:
    with SandboxedReader(video, limits, name="My film.mp4", content="ab" * 32) as reader:
        assert reader.info.path == "My film.mp4"
        assert reader.content_hash == "ab" * 32


def test_gif_is_known_by_its_content(tmp_path: Path, limits: Limits) -> None:
    path = tmp_path / "no-suffix"
    pictures = [Image.fromarray(frame) for frame in numbered_frames(5)]
    pictures[0].save(path, "GIF", save_all=True, append_images=pictures[1:], duration=200)
    with SandboxedReader(path, limits) as reader:
        assert reader.fps == pytest.approx(5)
        assert numbers_of(reader.frames_at([0, 4])) == [0, 4]


def test_killed_process_is_replaced(video: Path, limits: Limits) -> None:
    with SandboxedReader(video, limits) as reader:
        os.kill(process_of(reader), signal.SIGKILL)
        with pytest.raises(VideoError, match=r"^video\.mp4: its decoder broke down"):
            reader.frames_at([1])
        assert numbers_of(reader.frames_at([2])) == [2]


def test_killed_fork_server_is_replaced(video: Path, limits: Limits) -> None:
    with SandboxedReader(video, limits) as reader:
        assert forks._forks is not None
        forks._forks._process.kill()
        assert is_gone(process_of(reader))
        with pytest.raises(VideoError):
            reader.frames_at([1])
        assert numbers_of(reader.frames_at([2])) == [2]


def test_file_replaced_under_a_reader(video: Path, limits: Limits, tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(video.read_bytes())
    with SandboxedReader(path, limits) as reader:
        pictures = [Image.fromarray(frame) for frame in numbered_frames(3)]
        pictures[0].save(path, "GIF", save_all=True, append_images=pictures[1:])
        os.kill(process_of(reader), signal.SIGKILL)
        with pytest.raises(VideoError, match="broke down"):
            reader.frames_at([1])
        with pytest.raises(VideoError, match="has changed"):
            reader.frames_at([1])


def test_threads_share_a_reader(video: Path, limits: Limits) -> None:
    with SandboxedReader(video, limits) as reader, ThreadPoolExecutor(4) as pool:
        asked = [[i, (7 * i) % 40] for i in range(40)]
        assert list(pool.map(lambda pair: numbers_of(reader.frames_at(pair)), asked)) == asked


def test_reopening_is_quick(video: Path, limits: Limits) -> None:
    SandboxedReader(video, limits).close()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        SandboxedReader(video, limits).close()
        times.append(time.perf_counter() - began)
    assert min(times) < 0.15, "a process is forked, not started from scratch"


def test_process_ends_with_its_reader(video: Path, limits: Limits) -> None:
    reader = SandboxedReader(video, limits)
    reader.close()
    assert is_gone(process_of(reader))
    dropped = process_of(SandboxedReader(video, limits))
    assert is_gone(dropped)


def test_processes_end_with_a_killed_server(video: Path) -> None:
    script = f"""
import time
from pathlib import Path
from videomind.serve.sandbox.limits import Limits
from videomind.serve.sandbox.reader import SandboxedReader
reader = SandboxedReader(Path({str(video)!r}), Limits())
print(reader._process.pid, flush=True)
time.sleep(60)
"""
    server = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    with closing(server.stdout):
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        server.kill()
        server.wait()
    assert is_gone(pid)
