"""A wheel that had to travel in pieces: `python -m benchmarks.gpu.pieces PLACE INTO` joins it and prints its path.

The pieces of NAME.whl are NAME.whl.000, NAME.whl.001 and so on, as `split -b 50m -d -a 3 NAME.whl NAME.whl.` makes
them. PLACE is their folder; or that of NAME.whl itself, or NAME.whl, which is taken as it is. Needs only Python.
"""

from __future__ import annotations

import argparse
import re
import shutil
import zipfile
from pathlib import Path

_PIECE = re.compile(r"(?P<wheel>vllm-[\w.+-]+\.whl)\.(?P<number>\d{3})")


class PiecesError(Exception):
    """There is no whole wheel of vLLM."""


def joined(place: Path, into: Path) -> Path:
    """The wheel of vLLM at a place: a file, or in a folder, whole or in pieces; those are put together in `into`.

    Raises:
        PiecesError: there is none, or more than one; a piece is missing or damaged.
    """
    if place.is_file():
        return _checked(place)
    if not place.is_dir():
        raise PiecesError(f"{place}: no such file or folder")
    return _of_folder(place, into)


def _of_folder(folder: Path, into: Path) -> Path:
    whole = sorted(folder.glob("vllm-*.whl"))
    pieces = {match["wheel"]: match for path in folder.iterdir() if (match := _PIECE.fullmatch(path.name))}
    if len(whole) + len(pieces) != 1:
        found = ", ".join([path.name for path in whole] + [f"pieces of {name}" for name in pieces]) or "nothing"
        raise PiecesError(f"{folder} must hold one wheel of vLLM, whole or as NAME.whl.000, .001, …; it holds {found}")
    if whole:
        return _checked(whole[0])
    (name,) = pieces
    parts = sorted(folder.glob(f"{name}.[0-9][0-9][0-9]"))
    missing = sorted(set(range(int(parts[-1].suffix[1:]))) - {int(part.suffix[1:]) for part in parts})
    if missing:
        raise PiecesError(f"{folder}: {name}.{missing[0]:03} is missing")
    into.mkdir(parents=True, exist_ok=True)
    target = into / name
    with target.open("wb") as file:
        for part in parts:
            with part.open("rb") as piece:
                shutil.copyfileobj(piece, file, 1 << 24)
    return _checked(target)


def _checked(wheel: Path) -> Path:
    try:
        with zipfile.ZipFile(wheel) as archive:
            damaged = archive.testzip()
    except zipfile.BadZipFile as error:
        raise PiecesError(f"{wheel.name} is not whole: is its last piece there? ({error})") from error
    if damaged is not None:
        raise PiecesError(f"{wheel.name}: {damaged} in it is damaged; carry the pieces again")
    return wheel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("place", type=Path, help="the wheel, or where it or its pieces lie")
    parser.add_argument("into", type=Path, help="where to put the joined wheel")
    given = parser.parse_args()
    try:
        print(joined(given.place, given.into))
    except PiecesError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main()
