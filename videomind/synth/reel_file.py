"""Reels as H.264 files: each scene is encoded by itself, and the packets are put one behind the other."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import av

from videomind.child_process import end_with_parent
from videomind.synth.reel import Reel
from videomind.synth.video import write_scene
from videomind.synth.world import Scene


def write_reel(reel: Reel, path: Path, size: int = 112, key_seconds: float = 2.0, workers: int = 1) -> Path:
    """Write the reel as an mp4 file; gives the path back.

    Args:
        reel: at least one scene; all of one frame rate.
        path: the file.
        size: side of a frame in pixels, even.
        key_seconds: a frame that can be decoded alone comes at least this often, as in videos made for streaming.
        workers: processes that render.
    """
    with TemporaryDirectory(prefix="reel-", dir=path.parent) as folder:
        parts = [Path(folder) / f"{number}.mp4" for number in range(len(reel.scenes))]
        jobs = [(scene, part, size, key_seconds) for scene, part in zip(reel.scenes, parts, strict=True)]
        if workers == 1:
            for job in jobs:
                _write_part(job)
        else:
            with ProcessPoolExecutor(workers, get_context("spawn"), initializer=end_with_parent) as pool:
                list(pool.map(_write_part, jobs, chunksize=4))
        return join_videos(parts, path)


def join_videos(parts: Sequence[Path], path: Path) -> Path:
    """One video of several that were encoded with the same settings; nothing is decoded. Gives the path back."""
    with av.open(str(path), "w") as out:
        stream: av.VideoStream | None = None
        begin = 0
        for part in parts:
            with av.open(str(part)) as container:
                source = container.streams.video[0]
                if stream is None:
                    stream = out.add_stream_from_template(source)
                    stream.time_base = source.time_base
                end = begin
                for packet in container.demux(source):
                    if packet.dts is None:
                        continue
                    packet.stream = stream
                    packet.pts, packet.dts = packet.pts + begin, packet.dts + begin
                    end = max(end, packet.pts + packet.duration)
                    out.mux(packet)
                begin = end
    return path


def _write_part(job: tuple[Scene, Path, int, float]) -> None:
    scene, path, size, key_seconds = job
    write_scene(scene, path, size, key_seconds)
