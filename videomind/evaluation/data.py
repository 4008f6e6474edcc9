"""Whether a task's annotations and videos are there: found out before the first sample is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from videomind.errors import DataError, InputError
from videomind.evaluation.sample import Sample
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.videos import Found, find_videos

NAMED = 5
"""So many of the missing videos are named."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A task that can be run: its samples, and their videos. Samples without a video are in `samples` all the same."""

    samples: tuple[Sample, ...]
    found: Found


def check_data(
    task: Task,
    data: Path,
    annotations: Path | None = None,
    videos: Path | None = None,
    *,
    split: str | None = None,
    limit: int | None = None,
    skip_missing: bool = False,
) -> Ready:
    """The samples of a split and their videos.

    Args:
        task: the benchmark.
        data: the data folder, in which both are looked for where nothing else is said.
        annotations: the annotation file, or the folder that holds it.
        videos: the folder of the videos.
        split: None = the default one.
        limit: as many samples, the first ones; None = all.
        skip_missing: go on where some, though not all, videos are missing.

    Raises:
        InputError: the task has no such split.
        DataError: annotations or videos are missing (which, where expected, where to get them), or malformed.
    """
    samples = load_samples(task, data, annotations, split)[:limit]
    found = find_videos(samples, _folders(task, data, annotations, videos))
    if found.missing and not (skip_missing and found.paths):
        raise DataError(_missing(task, samples, found))
    return Ready(samples, found)


def load_samples(
    task: Task, data: Path, annotations: Path | None = None, split: str | None = None
) -> tuple[Sample, ...]:
    """The samples of a split, in the order of its file. Arguments and errors as in `check_data`."""
    chosen = task.split if split is None else split
    if chosen not in task.annotations:
        raise InputError(f"{task.title} has no split {chosen!r}: choose from {', '.join(task.annotations)}")
    try:
        samples = tuple(task.read(data if annotations is None else annotations, chosen))
    except DataError as error:
        expected = (data / task.annotations[chosen]).absolute()
        raise DataError(
            f"{task.title}, split {chosen}: {error}. The annotations are expected at {expected}. "
            f"Get them: {task.source}. "
            "If they are elsewhere: --annotations PATH, or --data DIR for the folder of all data"
        ) from None
    if not samples:
        raise DataError(f"{task.title}, split {chosen}: the annotations hold no sample; give them as published")
    return samples


def _folders(task: Task, data: Path, annotations: Path | None, videos: Path | None) -> tuple[Path, ...]:
    """The one that is given; else the usual ones, and the one the given annotations lie in."""
    if videos is not None:
        return (videos.absolute(),)
    usual = [(data / folder).absolute() for folder in task.videos]
    if annotations is not None:
        usual.append((annotations if annotations.is_dir() else annotations.parent).absolute())
    return tuple(dict.fromkeys(usual))


def _missing(task: Task, samples: Sequence[Sample], found: Found) -> str:
    lost = sum(count for _, count in found.missing)
    names = ", ".join(name for name, _ in found.missing[:NAMED]) + (", …" if len(found.missing) > NAMED else "")
    looked = ", ".join(str(folder) for folder in found.folders)
    go_on = ". To go on without them: --skip-missing (they then count as wrong)" if found.paths else ""
    return (
        f"{task.title}: missing videos: {len(found.missing)} (needed by {lost} of {len(samples)} samples): "
        f"{names}. Looked for them in {looked}. Get them: {task.source}. "
        f"If they are elsewhere: --videos DIR, or --data DIR for the folder of all data{go_on}"
    )
