"""One training from settings to a finished model folder."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from rich.console import Console
from rich.progress import Progress

from videomind.engines.device import pick_device, pick_dtype
from videomind.errors import AdapterKindError, InputError
from videomind.lora_switch.bundle import load_bundle
from videomind.training.build import Workbench, build
from videomind.training.checkpoints import remove_broken
from videomind.training.config import TrainConfig
from videomind.training.filters import text_of
from videomind.training.finish import write_model
from videomind.training.model_source import BASE, ModelSource, find_source
from videomind.training.pacing import Ending
from videomind.training.predictions import Predictions, as_verifying, predict
from videomind.training.processes import Processes
from videomind.training.record import CHECKPOINTS, PREDICTIONS, RunRecord, clear, open_run, settings_of
from videomind.training.record_set import RecordSet
from videomind.training.session import Session, filters_of
from videomind.training.sources import read_sources


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        ending: "done"; "minutes", when its time was up; "interrupted"; or "before", when there was nothing left to do.
        step, steps: optimizer steps done, and of the whole run.
        leads: whether this process is the one that writes.
        try_on: a video of the data and what to ask about it.
        unserved: why the finished model cannot be asked as it is, and what to do about it, or "".
    """

    ending: Ending | Literal["before"]
    step: int
    steps: int
    leads: bool
    try_on: tuple[Path, str] | None = None
    unserved: str = ""


def train(config: TrainConfig, role: str, restart: bool, console: Console) -> Outcome:
    """Train, or go on with, what the config describes.

    Args:
        config: the settings.
        role: one of `ROLES`, or "base".
        restart: drop what an earlier run left in the folder.
        console: for progress.

    Raises:
        VideoMindError: something of the settings, data or model cannot be used; the text says what would work.
    """
    _check(config, role)
    filters = filters_of(config)
    read = partial(read_sources, videos=config.videos)
    sets = [filters.apply(one) for one in read(config.data, "grounder" if config.from_predictions else role)]
    held_out = [filters.apply(one) for one in read(config.eval_data, role)]
    source = find_source(config, role)
    device = _device(config)
    dtype = pick_dtype(config.precision, device)
    processes = Processes.join(device)
    settings = settings_of(config, source, str(dtype).removeprefix("torch."), processes.count)
    record = processes.from_leader(lambda: _begin(open_run(config, settings, restart), restart))
    if record.finished == "done":
        return Outcome("before", 0, 0, processes.leads, _try_on(sets))
    if config.from_predictions:
        processes.from_leader(lambda: _predict(config, sets, console))
        sets = as_verifying(sets, Predictions(config.out / PREDICTIONS))
    bench = build(config, source, dtype)
    session = Session(config, source, bench, sets, held_out, device, dtype, processes, console)
    ending, step, steps = session.run()
    processes.leave()
    writes = processes.leads and ending != "interrupted"
    unserved = _finish(record, source, bench, ending) if writes else ""
    return Outcome(ending, step, steps, processes.leads, _try_on(sets), unserved)


def _check(config: TrainConfig, role: str) -> None:
    """Settings that do not go together."""
    if config.train_visual and role != BASE:
        raise InputError("--train-visual is for `videomind train base`: adapters leave the visual tower alone")
    if config.from_predictions and role != "verifier":
        raise InputError(f"--from-predictions makes data for the verifier, not for {role}")
    if config.from_predictions and config.base is not None:
        raise InputError("--from-predictions needs a model with a grounder: give --model instead of --base")
    start = config.model or config.base
    if start is not None and config.out.resolve() == start.resolve():
        raise InputError(f"--out {config.out} is the model to start from: give a new folder")
    if role == BASE and "method" in config.model_fields_set:
        raise InputError("the backbone is trained as a whole: leave method out for `videomind train base`")


def _device(config: TrainConfig) -> torch.device:
    """CUDA where it is there, else the CPU: nothing else trains."""
    device = pick_device(config.device)
    return device if device.type == "cuda" else torch.device("cpu")


def _begin(record: RunRecord, restart: bool) -> RunRecord:
    """The folder with the run's record in it, and without what a killed run left half-written."""
    if record.finished != "done" or restart:
        if restart:
            clear(record.folder)
        record.folder.mkdir(parents=True, exist_ok=True)
        record.write()
        remove_broken(record.folder / CHECKPOINTS)
    return record


def _predict(config: TrainConfig, sets: Sequence[RecordSet], console: Console) -> None:
    from videomind.engines.torch_engine import TorchEngine

    bundle = load_bundle(config.model)
    if "grounder" not in bundle.roles:
        raise InputError(f"{bundle.folder} has no grounder to predict with: train one first")
    spec = bundle.roles["grounder"].spec
    with Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("predicting", total=sum(map(len, sets)))
        kept = Predictions(config.out / PREDICTIONS)
        predict(sets, spec, lambda: TorchEngine(bundle, config.device), kept, partial(bar.advance, task))


def _finish(record: RunRecord, source: ModelSource, bench: Workbench, ending: Ending) -> str:
    """Write the model; why it cannot be served as it is, or ""."""
    write_model(record.folder, source, bench)
    record.write(finished=ending)
    if ending == "done":
        shutil.rmtree(record.folder / CHECKPOINTS)
    try:
        load_bundle(record.folder)
    except AdapterKindError as error:
        return str(error)
    return ""


def _try_on(sets: Sequence[RecordSet]) -> tuple[Path, str]:
    first = sets[0].records[0]
    return sets[0].root / first.video, text_of(first)
