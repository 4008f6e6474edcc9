"""Which questions go through the chain together: those of one video, and of as many videos as fill a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from videomind.agent import AT_ONCE
from videomind.evaluation.sample import Sample


@dataclass(frozen=True, slots=True)
class Asked:
    """A sample that will be asked.

    Attributes:
        task: name of its task.
        sample: the question.
        video: its video.
        name: path of the video, relative to the folder of the task's videos.
    """

    task: str
    sample: Sample
    video: Path
    name: str

    @property
    def key(self) -> tuple[str, str]:
        """Task and id."""
        return self.task, self.sample.id


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples that are asked together.

    Attributes:
        asked: all of them, those of one video one after another.
        attempt: 1, or 2 for the repetition of what failed.
    """

    asked: tuple[Asked, ...]
    attempt: int = 1


def plan_batches(asked: Sequence[Asked], done: Set[tuple[str, str]]) -> list[Batch]:
    """The batches in which something is not done yet, whole.

    A batch depends on the samples of the run alone. One that was interrupted is asked again as a whole, because what
    is in a batch has an influence on the last bits of its numbers: so a run that went on ends with the very
    predictions of one that was never interrupted.

    Args:
        asked: all samples of the run, in order.
        done: keys of those that are finished.
    """
    return [Batch(tuple(batch)) for batch in _filled(asked) if any(one.key not in done for one in batch)]


def again(asked: Sequence[Asked]) -> list[Batch]:
    """What failed once more, each sample by itself."""
    return [Batch((one,), attempt=2) for one in asked]


def _filled(asked: Sequence[Asked]) -> Iterator[list[Asked]]:
    batch: list[Asked] = []
    for together in _by_video(asked):
        if batch and len(batch) + len(together) > AT_ONCE:
            yield batch
            batch = []
        batch = [*batch, *together]
    if batch:
        yield batch


def _by_video(asked: Sequence[Asked]) -> list[list[Asked]]:
    """The samples of each video, videos in the order in which they come first."""
    videos: dict[Path, list[Asked]] = {}
    for one in asked:
        videos.setdefault(one.video, []).append(one)
    return list(videos.values())
