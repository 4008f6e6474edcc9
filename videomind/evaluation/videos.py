"""Finding the videos of a task's samples."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from videomind.annotations.videos import SUFFIXES, VideoFolder
from videomind.errors import DataError
from videomind.evaluation.sample import Sample


@dataclass(frozen=True, slots=True)
class Found:
    """Where the videos are.

    Attributes:
        paths: id of a sample → its video: a file, or a folder of frames.
        missing: (likeliest name of a video, how many samples are about it), in the samples' order.
        folders: where they were looked for; those that do not exist too.
    """

    paths: dict[str, Path]
    missing: tuple[tuple[str, int], ...]
    folders: tuple[Path, ...]


def find_videos(samples: Iterable[Sample], folders: Sequence[Path]) -> Found:
    """Looks for each sample's video in the folders, the first first.

    A name that has folders in it ("0101/2909445186") is looked for there; any name, with or without suffix, also
    directly in a folder and in its sub-folders of one level.

    Raises:
        DataError: a folder is there but cannot be read.
    """
    there = [_Folder(folder) for folder in folders if folder.is_dir()]
    known: dict[tuple[str, ...], Path | None] = {}
    paths: dict[str, Path] = {}
    missing: Counter[str] = Counter()
    for sample in samples:
        if sample.video not in known:
            found = (path for folder in there if (path := folder.find(sample.video)) is not None)
            known[sample.video] = next(found, None)
        path = known[sample.video]
        if path is None:
            missing[sample.video[0]] += 1
        else:
            paths[sample.id] = path
    return Found(paths, tuple(missing.items()), tuple(folders))


class _Folder:
    """A folder of videos; what is in it is listed once, and its sub-folders only where they are asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listed: dict[PurePosixPath, dict[str, str]] = {}
        self._deep: VideoFolder | None = None

    def find(self, names: Sequence[str]) -> Path | None:
        tried = list(dict.fromkeys(name for given in names for name in _with_and_without_suffix(given)))
        for name in tried:
            path = PurePosixPath(name)
            if path.name in (listed := self._list(path.parent)):
                return self._root / path.parent / listed[path.name]
        if self._deep is None:
            self._deep = VideoFolder(self._root)
        deep = self._deep.find(tried)
        return None if deep is None else self._root / deep

    def _list(self, folder: PurePosixPath) -> dict[str, str]:
        """Name, with and without suffix → entry; a video comes before a folder of that name."""
        if folder not in self._listed:
            videos: dict[str, str] = {}
            folders: dict[str, str] = {}
            for entry in _entries(self._root / folder):
                if entry.is_dir():
                    folders[entry.name] = entry.name
                elif PurePosixPath(entry.name).suffix.lower() in SUFFIXES:
                    videos.setdefault(entry.name, entry.name)
                    videos.setdefault(PurePosixPath(entry.name).stem, entry.name)
            self._listed[folder] = folders | videos
        return self._listed[folder]


def _with_and_without_suffix(name: str) -> Iterator[str]:
    yield name
    path = PurePosixPath(name)
    if path.suffix.lower() in SUFFIXES:
        yield str(path.with_suffix(""))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise DataError(f"cannot read the folder {folder}: {error.strerror or error}") from None
