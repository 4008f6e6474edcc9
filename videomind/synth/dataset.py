"""A data set of synthetic videos on disk, in the format that roles are trained on (docs/training-data.md).

OUT/videos/000000.mp4 …, one JSONL file per role, and OUT/dataset.json, which says how it was made. The same seed
gives the same data set, to the byte where libraries and kind of processor are the same; seeds share no scene, so
another seed is a held-out set.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

from videomind.child_process import end_with_parent
from videomind.errors import InputError
from videomind.synth.records import answering_records, grounding_records, planning_records, verifying_records
from videomind.synth.video import write_scene
from videomind.synth.world import Scene, sample_scene
from videomind.training.jsonl import write_records
from videomind.training.records import Record
from videomind.whole_file import replacing

MARK, VIDEOS = "dataset.json", "videos"
KIND, VERSION = "videomind-synth", 1
OLDER = "that another version of this program made"
MAX_VIDEOS = 1_000_000
"""Scenes of one seed; the next seed's begin after them."""
FILES: dict[str, Callable[[Scene, str, Random], Iterator[Record]]] = {
    "grounding.jsonl": grounding_records,
    "verifying.jsonl": verifying_records,
    "planning.jsonl": planning_records,
    "answering.jsonl": answering_records,
}


@dataclass(frozen=True, slots=True)
class SynthSet:
    """A data set to be.

    Attributes:
        out: its folder.
        videos: how many, at most `MAX_VIDEOS`.
        seed: of the whole set.
        size: side of a frame in pixels, even.
    """

    out: Path
    videos: int
    seed: int
    size: int = 224

    def scene(self, number: int) -> Scene:
        return sample_scene(self.seed * MAX_VIDEOS + number)

    def path(self, number: int) -> Path:
        return self.out / VIDEOS / f"{number:06}.mp4"

    @property
    def missing(self) -> list[int]:
        """Numbers of the videos that are not there yet."""
        return [number for number in range(self.videos) if not self.path(number).exists()]

    def prepare(self) -> None:
        """Makes the folder, or takes up the one that an earlier run with the same settings left.

        Raises:
            InputError: the folder holds something else, or cannot be made.
        """
        known = self._known()
        try:
            (self.out / VIDEOS).mkdir(parents=True, exist_ok=True)
            for left_over in (self.out / VIDEOS).glob(".*.partial.mp4"):
                left_over.unlink()
            if known is None:
                self._mark(counts=None)
        except OSError as error:
            raise InputError(f"cannot make a data set in {self.out}: {error.strerror or error}") from None

    def render(self, workers: int, done: Callable[[], object]) -> None:
        """Writes the missing videos; `done` is called after each.

        Raises:
            InputError: the disk refuses, or a process that renders was ended from outside.
        """
        try:
            for _ in self._rendered(workers):
                done()
        except OSError as error:
            raise InputError(f"cannot write videos into {self.out / VIDEOS}: {error.strerror or error}") from None
        except BrokenExecutor:
            raise InputError(
                "a process that renders was ended from outside, for lack of memory perhaps: run the same command with "
                "fewer --workers; the finished videos are kept"
            ) from None

    def describe(self) -> dict[str, int]:
        """Writes the records of all videos, and says how many each file has.

        Raises:
            DataError: the disk refuses.
        """
        counts: dict[str, int] = {}
        for name, make in FILES.items():
            found = (
                record
                for number in range(self.videos)
                for record in make(
                    self.scene(number), f"{VIDEOS}/{number:06}.mp4", Random(f"{name} {self.seed} {number}")
                )
            )
            counts[name] = write_records(self.out / name, found)
        self._mark(counts)
        return counts

    def _rendered(self, workers: int) -> Iterator[None]:
        tasks = [(self.scene(number), self.path(number), self.size) for number in self.missing]
        if workers == 1 or len(tasks) == 1:
            for task in tasks:
                write_video_of(*task)
                yield
            return
        count = min(workers, max(1, len(tasks)))
        with ProcessPoolExecutor(count, get_context("spawn"), initializer=end_with_parent) as pool:
            try:
                for future in as_completed([pool.submit(write_video_of, *task) for task in tasks]):
                    future.result()
                    yield
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _known(self) -> dict[str, Any] | None:
        """What the folder's mark says, if there is one and it is of this very set."""
        if not self.out.exists():
            return None
        if not self.out.is_dir():
            raise InputError(f"{self.out} is a file: give the name of a new folder")
        mark: object = None
        with suppress(OSError, ValueError, RecursionError):
            mark = json.loads((self.out / MARK).read_bytes())
        if not isinstance(mark, dict) or mark.get("kind") != KIND:
            if any(self.out.iterdir()):
                raise InputError(f"{self.out} holds something that is no synthetic data set: give a new folder")
            return None
        for key, wanted in self._recipe().items():
            if mark.get(key) != wanted:
                what = f"of another {key} ({mark.get(key)}, not {wanted})" if key in ("seed", "size") else OLDER
                raise InputError(f"{self.out} holds a data set {what}: give a new folder")
        if isinstance(held := mark.get("videos"), int) and held > self.videos:
            raise InputError(f"{self.out} holds {held} videos already: ask for as many or more, or give a new folder")
        return mark

    def _recipe(self) -> dict[str, object]:
        """What must be the same for videos of an earlier run to be kept; `world` tells changes of the world itself."""
        world = hashlib.sha256(repr(self.scene(0)).encode()).hexdigest()[:16]
        return {"version": VERSION, "seed": self.seed, "size": self.size, "world": world}

    def _mark(self, counts: dict[str, int] | None) -> None:
        """Says in the folder what it is; without counts it is not finished."""
        content = {"kind": KIND, **self._recipe(), "videos": self.videos, "records": counts}
        with replacing(self.out / MARK) as partial:
            partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def write_video_of(scene: Scene, path: Path, size: int) -> None:
    """Renders a scene to a file that is there whole or not at all."""
    with replacing(path) as partial:
        write_scene(scene, partial, size)
