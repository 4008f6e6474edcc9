"""Reading and writing records as JSON Lines (docs/training-data.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from videomind.annotations.files import MAX_LINE, numbered_lines
from videomind.annotations.problems import problem
from videomind.errors import DataError
from videomind.training.record_set import MALFORMED, MISSING, Placed, RecordSet, Skip, collect
from videomind.training.records import RECORDS, Record
from videomind.whole_file import replacing


def read_records(path: Path, role: str, videos: Path | None = None) -> RecordSet:
    """The records of a JSONL file. Malformed lines and those whose video is missing are reported and skipped.

    Args:
        path: the file.
        role: whose records they are, a key of `RECORDS`.
        videos: the folder that the records' paths start from; None = the file's own.

    Raises:
        DataError: the file cannot be read, more than half of it is malformed, or nothing remains.
    """
    root = check_folder(videos) if videos is not None else path.parent
    return collect(str(path), role, root, _read(path, role, root))


def write_records(path: Path, records: Iterable[Record]) -> int:
    """Writes one record a line, whole or not at all, and says how many.

    Raises:
        DataError: the disk refuses.
    """
    lines = [record.model_dump_json(exclude_defaults=True) + "\n" for record in records]
    try:
        with replacing(path) as partial:
            partial.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from None
    return len(lines)


def check_folder(folder: Path) -> Path:
    """The folder itself, if it is one.

    Raises:
        DataError: it is none.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder: give the folder that holds the videos")
    return folder


def _read(path: Path, role: str, root: Path) -> Iterator[Placed | Skip]:
    there: dict[str, bool] = {}
    for place, line in numbered_lines(path):
        if line is None:
            yield Skip(place, MALFORMED, f"it is longer than {MAX_LINE:,} bytes")
            continue
        try:
            record = RECORDS[role].model_validate_json(line)
        except ValidationError as error:
            yield Skip(place, MALFORMED, problem(error))
            continue
        video = root / record.video
        if record.video not in there:
            there[record.video] = video.exists()
        yield Placed(place, record) if there[record.video] else Skip(place, MISSING, f"there is no {video}")
