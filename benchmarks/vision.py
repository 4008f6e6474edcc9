"""From the file to patches, the published way and ours: `python -m benchmarks.vision [--runs 5]`.

What one cold question asks of a video (planner, grounder, five crops for the verifier, the answerer), step by step:

- open: decord's reader against ours, which also indexes the packets and decodes the first frame
- decode: the published way opens the file and seeks for every role and candidate, on one thread; ours opens it once
- resize: the same operator on a whole clip at once, against pieces
- patchify: frame by frame in numpy, as in transformers 4.45, against `kernels/patchify.py`

Each step's results must be the same bits. Videos: a synthetic scene of the embedded model (224×224, with its views),
and 60 s of moving noise textures at 640×360 and 1280×720 (with the published views). Times are the least of some
runs, in CPU seconds of the process, which other work on the machine changes little, and by the clock. Appends to
`results/vision.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import decord
import numpy as np
import torch

from benchmarks.decode import make_video, setup
from benchmarks.published import numpy_patches
from videomind.roles.spec import CELL, PUBLISHED_VIEWS, View
from videomind.synth.video import write_scene
from videomind.synth.world import sample_scene
from videomind.vision.patches import patchify
from videomind.vision.reader import open_video
from videomind.vision.resize import resize_frames
from videomind.vision.sampling import sample_indices, smart_resize

RESULTS = Path(__file__).parent / "results" / "vision.jsonl"
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
SCENE_VIEW = View(fps=3.0, max_frames=48, min_pixels=4 * CELL, max_pixels=4 * CELL)
CROPS = ((0.10, 0.25), (0.20, 0.40), (0.35, 0.45), (0.60, 0.85), (0.80, 1.00))
"""Shares of the video at which the verifier looks; the answerer looks at the fourth."""


class Seconds(NamedTuple):
    """The least of some runs."""

    cpu: float
    clock: float


def least(work: Callable[[], Any], runs: int) -> tuple[Seconds, Any]:
    """How long it takes, and what the last run gave."""
    cpu, clock, made = [], [], None
    for _ in range(runs):
        made = None  # before the next one takes memory
        began = time.process_time(), time.perf_counter()
        made = work()
        cpu.append(time.process_time() - began[0])
        clock.append(time.perf_counter() - began[1])
    return Seconds(min(cpu), min(clock)), made


def rounds(views: dict[str, View], count: int, fps: float) -> list[list[list[int]]]:
    """Frame numbers of each clip, in the three rounds of loading that a question makes."""
    seconds = count / fps

    def clip(role: str, share: tuple[float, float] | None = None) -> list[int]:
        span = None if share is None else (share[0] * seconds, share[1] * seconds)
        indices: list[int] = sample_indices(count, fps, views[role], span).tolist()
        return indices

    whole, crops = [clip("planner"), clip("grounder")], [clip("verifier", share) for share in CROPS]
    return [whole, crops, [clip("answerer", CROPS[3])]]


def decode_as_published(path: Path, asked: list[list[list[int]]]) -> list[np.ndarray]:
    clips = (clip for clips in asked for clip in clips)
    return [decord.VideoReader(str(path), num_threads=1).get_batch(clip).asnumpy() for clip in clips]


def decode_ours(path: Path, asked: list[list[list[int]]]) -> list[np.ndarray]:
    clips = []
    with open_video(path) as reader:
        for together in asked:
            numbers = np.unique(np.concatenate(together))
            frames = reader.frames_at(numbers)
            clips += [frames[np.searchsorted(numbers, clip)] for clip in together]
    return clips


def resize_as_published(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    pixels = torch.tensor(frames).permute(0, 3, 1, 2).float()
    resized = torch.nn.functional.interpolate(pixels, (height, width), mode="bicubic", antialias=True)
    levels: np.ndarray = resized.clamp(0, 255).round().permute(0, 2, 3, 1).to(torch.uint8).contiguous().numpy()
    return levels


def line(what: str, theirs: Seconds, ours: Seconds, **more: Any) -> dict[str, Any]:
    return {
        "what": what,
        **more,
        "published_cpu_s": round(theirs.cpu, 5),
        "ours_cpu_s": round(ours.cpu, 5),
        "cpu_ratio": round(theirs.cpu / ours.cpu, 2),
        "published_clock_s": round(theirs.clock, 5),
        "ours_clock_s": round(ours.clock, 5),
        "clock_ratio": round(theirs.clock / ours.clock, 2),
    }


def measure(path: Path, views: dict[str, View], runs: int) -> list[dict[str, Any]]:
    with open_video(path) as reader:
        count, fps, height, width = reader.num_frames, reader.fps, reader.height, reader.width
    asked = rounds(views, count, fps)
    theirs, _ = least(lambda: decord.VideoReader(str(path), num_threads=1), runs)
    ours, _ = least(lambda: open_video(path).close(), runs)
    lines = [line("open", theirs, ours)]

    theirs, expected = least(lambda: decode_as_published(path, asked), runs)
    ours, clips = least(lambda: decode_ours(path, asked), runs)
    assert all(np.array_equal(*pair) for pair in zip(expected, clips, strict=True)), "other pixels"
    lines.append(line("decode", theirs, ours, frames=sum(map(len, clips)), of_frames=count))

    for role, frames in (("planner", clips[0]), ("answerer", clips[-1])):
        size = smart_resize(height, width, views[role].min_pixels, views[role].max_pixels)
        theirs, exact = least(lambda f=frames, s=size: resize_as_published(f, *s), runs)
        ours, small = least(lambda f=frames, s=size: resize_frames(f, *s), runs)
        assert np.array_equal(exact, small), "other levels"
        lines.append(line("resize", theirs, ours, role=role, frames=len(frames), size=f"{size[1]}x{size[0]}"))
        theirs, patches = least(lambda f=small: numpy_patches(f, MEAN, STD), runs)
        ours, cut = least(lambda f=small: patchify(f, MEAN, STD).values, runs)
        assert np.array_equal(patches, cut.numpy()), "other patches"
        lines.append(line("patchify", theirs, ours, role=role, frames=len(frames), size=f"{size[1]}x{size[0]}"))
    return [{"benchmark": "vision", "video": f"{path.stem}, {width}x{height}", **one} for one in lines]


def videos(folder: Path) -> Sequence[tuple[Path, dict[str, View]]]:
    scene = write_scene(sample_scene(7), folder / "scene 7.mp4")
    made = [(scene, dict.fromkeys(PUBLISHED_VIEWS, SCENE_VIEW))]
    for height, width in ((360, 640), (720, 1280)):
        path = folder / f"noise, 60 s, {height} lines.mp4"
        make_video(path, seconds=60, height=height, width=width)
        made.append((path, dict(PUBLISHED_VIEWS)))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, help="of torch")
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as folder, RESULTS.open("a") as file:
        for path, views in videos(Path(folder)):
            for one in measure(path, views, given.runs):
                print(
                    f"{one['video']:42} {one['what']:9} {one.get('role', ''):9} {one['cpu_ratio']:6.2f}x CPU,", end=" "
                )
                print(
                    f"{one['clock_ratio']:6.2f}x clock ({one['published_cpu_s']:.4f} → {one['ours_cpu_s']:.4f} s CPU)"
                )
                file.write(json.dumps(one | setup()) + "\n")


if __name__ == "__main__":
    main()
