"""What a task is: a benchmark as the evaluation sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring.base import Variant
from videomind.results import STANDARD_PROTOCOL, Protocol


@dataclass(frozen=True, slots=True)
class Task:
    """A benchmark.

    Attributes:
        name: as in `--tasks`.
        title: as people write it.
        annotations: split → its main file, relative to the data folder; files that go with it lie beside it.
        split: the default one, with ground truth.
        videos: folders, relative to the data folder, in which its videos may lie (or in their sub-folders).
        read: the samples of a split, from its main file (or a folder that holds it).
            Raises DataError: a file is missing, or an entry is malformed (which, and why).
        variants: the ways it is scored, the official first.
        protocol: what the published evaluation does differently on it.
        subtitles: folder of its subtitle files, relative to the data folder; None = it has none.
        prepare: makes annotations and videos itself, where it can: from the data folder, the limit of samples and a
            callback for how many videos are there of how many.
        source: where to get annotations and videos.
        licence: of annotations and videos, for the table in docs/evaluation.md.
    """

    name: str
    title: str
    annotations: dict[str, str]
    split: str
    videos: tuple[str, ...]
    read: Callable[[Path, str], Iterable[Sample]]
    variants: tuple[Variant, ...]
    source: str
    licence: str
    protocol: Protocol = STANDARD_PROTOCOL
    subtitles: str | None = None
    prepare: Callable[[Path, int | None, Callable[[int, int], object]], None] | None = None
