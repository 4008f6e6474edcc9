"""Decoding: full size and our resize, against decord's own reduced size; decord against PyAV.

    python benchmarks/decode.py [--video FILE] [--frames 16]

Without --video a 1920×1080 H.264 video of 4 s is made (seeded noise textures that move over a gradient). Appends one
line per measurement to benchmarks/results/decode.jsonl and prints it. Times are CPU seconds of the
process, the best of two runs, so other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import decord
import numpy as np
import torch

from videomind.roles.spec import PUBLISHED_VIEWS
from videomind.vision.probe import probe
from videomind.vision.pyav_backend import PyavReader
from videomind.vision.reader import open_video
from videomind.vision.resize import resize_frames
from videomind.vision.sampling import smart_resize

RESULTS = Path(__file__).parent / "results" / "decode.jsonl"
SEED = 0


def make_video(path: Path, seconds: int = 4, fps: int = 25, height: int = 1080, width: int = 1920) -> None:
    """A video with edges and fine texture, which moves two pixels per frame."""
    dice = np.random.default_rng(SEED)
    coarse = np.kron(dice.integers(0, 256, (height // 40, width // 20, 3)), np.ones((40, 40, 1)))
    scene = np.clip(coarse * 0.7 + dice.normal(30, 12, coarse.shape), 0, 255).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "veryfast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for i in range(seconds * fps):
            picture = np.ascontiguousarray(scene[:height, 2 * i % width : 2 * i % width + width])
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def best(work: Callable[[], np.ndarray], runs: int = 2) -> tuple[float, np.ndarray]:
    """The least CPU time of some runs in seconds, and what the last one gave."""
    times = []
    for _ in range(runs):
        begin = time.process_time()
        frames = work()
        times.append(time.process_time() - begin)
    return min(times), frames


def full_size(path: Path, indices: np.ndarray, height: int, width: int) -> np.ndarray:
    with open_video(path) as reader:
        return resize_frames(reader.frames_at(indices), height, width)


def reduced_size(path: Path, indices: np.ndarray, height: int, width: int) -> np.ndarray:
    frames: np.ndarray = decord.VideoReader(str(path), width=width, height=height).get_batch(indices).asnumpy()
    return frames


def pyav_size(path: Path, indices: np.ndarray, height: int, width: int) -> np.ndarray:
    with PyavReader(path, probe(path)) as reader:
        return resize_frames(reader.frames_at(indices), height, width)


def measure(path: Path, count: int) -> list[dict[str, Any]]:
    with open_video(path) as reader:
        info, total = reader.info, reader.num_frames
    indices = np.linspace(0, total - 1, min(count, total)).round().astype(np.int64)
    lines = []
    for role in ("planner", "answerer"):
        view = PUBLISHED_VIEWS[role]
        height, width = smart_resize(info.height, info.width, view.min_pixels, view.max_pixels)
        seconds, exact = best(lambda h=height, w=width: full_size(path, indices, h, w))
        for name, way in (("decord reduced size", reduced_size), ("pyav full size", pyav_size)):
            other, frames = best(lambda h=height, w=width, way=way: way(path, indices, h, w))
            difference = np.abs(frames.astype(int) - exact.astype(int))
            lines.append(
                {
                    "what": name,
                    "against": "decord full size, our resize",
                    "size": f"{info.width}x{info.height} to {width}x{height}",
                    "frames": len(indices),
                    "of_frames": total,
                    "cpu_seconds": round(other, 3),
                    "cpu_seconds_full": round(seconds, 3),
                    "time_ratio": round(other / seconds, 3),
                    "difference_mean": round(float(difference.mean()), 3),
                    "difference_p99": int(np.percentile(difference, 99)),
                    "difference_max": int(difference.max()),
                    "share_beyond_1": round(float((difference > 1).mean()), 4),
                }
            )
    return lines


def setup() -> dict[str, Any]:
    """Where and with what it was measured."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {"decord": decord.__version__, "av": av.__version__, "torch": torch.__version__},
        "threads": torch.get_num_threads(),
        "seed": SEED,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, help="measure this video instead of a made one")
    parser.add_argument("--frames", type=int, default=16, help="frames to read, evenly spaced")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.video or Path(folder) / "made.mp4"
        if given.video is None:
            make_video(path)
        lines = measure(path, given.frames)
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a") as file:
        for line in lines:
            record = {"video": path.name, **line, **setup()}
            print(json.dumps(record))
            file.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
