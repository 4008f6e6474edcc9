"""Which run a folder holds: its settings, and whether it is done (`train.json`)."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videomind.errors import InputError
from videomind.lora_switch.bundle import MANIFEST
from videomind.lora_switch.files import read_json, write_json
from videomind.roles.spec import ROLES, spec_to_json
from videomind.training.config import TrainConfig
from videomind.training.model_source import ModelSource
from videomind.training.sources import SourceConfig, data_file

RECORD, PREDICTIONS = "train.json", "predictions.jsonl"
METRICS, EVENTS, CHECKPOINTS = "metrics.jsonl", "tensorboard", "checkpoints"
FREE = frozenset(
    {"out", "model", "base", "data", "eval_data", "videos", "role", "method", "minutes", "device", "precision"}
    | {"workers", "log_steps", "save_steps", "save_minutes", "eval_steps"}
)
"""Settings that do not change what is learned, or that are recorded in another form."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of a folder.

    Attributes:
        folder: OUT.
        settings: what decides the numbers.
        finished: how it ended ("done" or "minutes"), or None while it is under way.
    """

    folder: Path
    settings: dict[str, Any]
    finished: str | None = None

    def write(self, finished: str | None = None) -> None:
        """Say in the folder what it holds."""
        content = {"settings": self.settings, "digest": digest(self.settings), "finished": finished}
        write_json(self.folder / RECORD, content)


def settings_of(config: TrainConfig, source: ModelSource, precision: str, processes: int) -> dict[str, Any]:
    """What decides the numbers of a run, as JSON.

    Args:
        config: the settings as given.
        source: what they come to.
        precision: the number type that the backbone computes in.
        processes: how many share the work.
    """
    given = {name: value for name, value in config.model_dump(mode="json").items() if name not in FREE}
    return given | {
        "role": spec_to_json(source.spec) | {"name": source.role},
        "method": source.method.model_dump(mode="json"),
        "model": source.manifest.name if source.folder else None,
        "base": source.identity,
        "data": [_fingerprint(one, source.role, config) for one in config.data],
        "precision": precision,
        "processes": processes,
    }


def open_run(config: TrainConfig, settings: dict[str, Any], restart: bool) -> RunRecord:
    """The run of the folder `config.out`: a new one, or the one that it holds.

    Args:
        config: the settings.
        settings: from `settings_of`.
        restart: drop what an earlier run left.

    Raises:
        InputError: the folder holds something else, or a run with other settings.
    """
    out = config.out
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return RunRecord(out, settings)
    if not (out / RECORD).is_file():
        raise InputError(f"{out} holds something that is no training run: give a new folder with --out")
    if restart:
        return RunRecord(out, settings)
    found = read_json(out / RECORD)
    if found.get("digest") != digest(settings):
        changed = _differences(found.get("settings", {}), settings)
        raise InputError(
            f"{out} holds a run with other settings ({changed}): give another --out, or --restart to drop that run"
        )
    return RunRecord(out, settings, found.get("finished"))


def clear(out: Path) -> None:
    """Delete what a run made in its folder, and nothing else."""
    for name in (CHECKPOINTS, EVENTS, "base", "processor", *ROLES):
        shutil.rmtree(out / name, ignore_errors=True)
    for name in (MANIFEST, METRICS, PREDICTIONS, RECORD):
        (out / name).unlink(missing_ok=True)


def digest(settings: dict[str, Any]) -> str:
    """A fingerprint of settings."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _fingerprint(source: SourceConfig, role: str, config: TrainConfig) -> dict[str, Any]:
    file = data_file(source.path, "grounder" if config.from_predictions else role)
    return {
        "name": file.name,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None,
        "weight": source.weight,
    }


def _differences(before: Any, now: Any, path: Sequence[str] = ()) -> str:
    """The settings that differ, with both values, at most three."""
    found = _walk(before, now, path)
    return ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")


def _walk(before: Any, now: Any, path: Sequence[str]) -> list[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        names = sorted(before.keys() | now.keys())
        return [text for name in names for text in _walk(before.get(name), now.get(name), (*path, name))]
    if before == now:
        return []
    name = ".".join(path)
    shown = "" if name == "data" or name == "base" else f" {now!r} instead of {before!r}"
    return [f"{name}{shown}"[:100]]
