"""`run.json`: what a run was started with, so that it goes on only with the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from videomind.errors import InputError
from videomind.whole_file import replacing

NAME = "run.json"
FORMAT = 1
OF_A_RUN = ("model", "engine", "compat", "dtype", "roles", "limit", "subtitles")
OF_A_TASK = ("split", "annotations_sha256", "protocol")
"""What may not change while a run goes on."""
KEPT = frozenset({"started", "seconds", "tasks"})
"""What a run that goes on takes over."""


class RunRecord:
    """The record of the run in a folder; a new one, or that of an earlier start.

    Args:
        folder: the output of the run.
        settings: what this start was given: the keys `OF_A_RUN` and others, and under "tasks" for each task the
            keys `OF_A_TASK` and others.

    Raises:
        InputError: the folder holds something else, or a run that was started with other settings; or the disk refuses.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self._path = folder / NAME
        before = _read(self._path)
        if before is None and folder.is_dir() and any(folder.iterdir()):
            raise InputError(f"{folder} holds something that is no run: give a new --output")
        self.content = {"format": FORMAT, "seconds": 0.0} | settings
        if before is not None:
            _check_same(folder, before, settings)
            self.content["started"], self.content["seconds"] = before["started"], before["seconds"]
            self.content["tasks"] = before["tasks"] | settings["tasks"]
        self._write()

    def spent(self, seconds: float) -> float:
        """Add the time of this start; gives that of all.

        Raises:
            InputError: the disk refuses.
        """
        self.content["seconds"] = round(self.content["seconds"] + seconds, 3)
        self._write()
        return float(self.content["seconds"])

    def _write(self) -> None:
        folder = self._path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(self._path) as partial:
                partial.write_text(json.dumps(self.content, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"cannot write into {folder}: {error.strerror or error}") from None


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot read {path} ({error}): give a new --output") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path} is of another version of this program: give a new --output")
    if missing := KEPT - content.keys():
        raise InputError(f"{path} does not say {', '.join(sorted(missing))} of the run: give a new --output")
    return content


def _check_same(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    pairs = [(name, before.get(name), now[name]) for name in OF_A_RUN]
    for task in before["tasks"].keys() & now["tasks"].keys():
        old, new = before["tasks"][task], now["tasks"][task]
        pairs += [(f"{name} of {task}", old.get(name), new[name]) for name in OF_A_TASK]
    for name, old, new in pairs:
        if old != new:
            raise InputError(
                f"{folder} holds a run with another {name} ({_short(old)}, now {_short(new)}): "
                "go on with the same, or give a new --output"
            )


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
