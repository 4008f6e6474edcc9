"""What the tasks share: finding the annotation file, and making checked samples of its entries."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from string import ascii_uppercase
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, model_validator

from videomind.annotations.fields import RelativePath
from videomind.annotations.files import json_file
from videomind.annotations.problems import NOT_AS_PUBLISHED, problem
from videomind.errors import DataError
from videomind.evaluation.sample import Sample

Number = Annotated[float, Strict()]


class _Checked(BaseModel):
    """What holds for every sample of every benchmark.

    Texts may be empty, options equal, spans reversed, empty or beyond the end: as annotated.
    """

    model_config = ConfigDict(from_attributes=True, allow_inf_nan=False)

    id: Annotated[str, Field(min_length=1, max_length=1000)]
    video: Annotated[tuple[RelativePath, ...], Field(min_length=1)]
    question: str
    options: Annotated[tuple[str, ...], Field(max_length=len(ascii_uppercase))]
    answer: Annotated[str, Field(pattern="^[A-Z]$")] | None
    spans: tuple[tuple[Number, Number], ...]
    absent: bool
    duration: Annotated[Number, Field(gt=0)] | None
    groups: tuple[tuple[str, str], ...]
    subtitles: RelativePath | None
    part: tuple[Number, Number] | None
    notes: dict[str, Any]

    @model_validator(mode="after")
    def _answer_is_an_option(self) -> Self:
        if self.options and self.answer is not None and self.answer not in ascii_uppercase[: len(self.options)]:
            raise ValueError(f"the answer {self.answer} is none of the {len(self.options)} options")
        return self


def main_file(path: Path, *relatives: str) -> Path:
    """The annotation file: the path itself, or where it lies in the folder `path`.

    Args:
        path: the file; or a folder, at any level of the published layout.
        relatives: where it lies below the data folder, the likeliest first.

    Raises:
        DataError: it is not there.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise DataError(f"there is no file or folder {path}")
    split = [PurePosixPath(relative).parts for relative in relatives]
    tails = ["/".join(parts[start:]) for start in range(max(map(len, split))) for parts in split if parts[start:]]
    found = next((path / tail for tail in tails if (path / tail).is_file()), None)
    if found is None:
        names = ", ".join(dict.fromkeys(PurePosixPath(relative).name for relative in relatives))
        raise DataError(f"the folder {path} does not hold {names}")
    return found


def durations(*files: Path) -> dict[str, float]:
    """Video → seconds, from the JSON objects among the files that are there; {} where none is."""
    known: dict[str, float] = {}
    for file in files:
        if file.is_file():
            known |= json_file(file, dict)
    return known


def samples(path: Path, entries: Iterable[tuple[str, Any]], sample: Callable[[Any], Sample]) -> Iterator[Sample]:
    """The samples of a file, in its order.

    Args:
        path: the file, for messages.
        entries: (place in the file, entry).
        sample: what an entry says; may raise `NOT_AS_PUBLISHED`.

    Raises:
        DataError: an entry is malformed: which, and why.
    """
    for place, entry in entries:
        try:
            checked = _Checked.model_validate(sample(entry))
        except NOT_AS_PUBLISHED as error:
            raise DataError(f"{path}, {place}: {problem(error)}") from None
        yield Sample(**dict(checked))


def numbered(samples: Iterable[Sample]) -> Iterator[Sample]:
    """The samples, each id followed by its running number among equal ones: "3MSZA_0", "3MSZA_1", …"""
    count: Counter[str] = Counter()
    for sample in samples:
        yield replace(sample, id=f"{sample.id}_{count[sample.id]}")
        count[sample.id] += 1


def unique(path: Path, samples: Iterable[Sample]) -> Iterator[Sample]:
    """The samples, whose ids are the benchmark's own.

    Raises:
        DataError: two have the same.
    """
    seen: set[str] = set()
    for sample in samples:
        if sample.id in seen:
            raise DataError(f"{path}: two samples have the id {sample.id}")
        seen.add(sample.id)
        yield sample


def as_question(text: str) -> str:
    """A question as the published system asks it: white space folded."""
    return re.sub(r"\s+", " ", text).strip()


def as_query(text: str) -> str:
    """A text to ground as the published system grounds it: white space folded, without outer dots."""
    return as_question(text).strip(".").strip()


def letter(options: Sequence[str], answer: str) -> str | None:
    """The letter of the first option that is the answer; None where none is."""
    return ascii_uppercase[options.index(answer)] if answer in options else None
