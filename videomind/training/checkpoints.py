"""Checkpoints of a run: what is in them, which one is the newest that is whole."""

from __future__ import annotations

import shutil
from pathlib import Path

from torch import Tensor

from videomind.errors import BundleError
from videomind.lora_switch.files import read_json, read_tensors, write_json
from videomind.training.methods import adapter_state, load_adapter_state
from videomind.training.trainable import Trainable

WEIGHTS = "trained.safetensors"
COMPLETE = "complete.json"
"""Written last into a checkpoint: without it, it is none. It says how many seconds the run has trained for."""
KEPT = 2


def newest(folder: Path) -> Path | None:
    """The newest checkpoint that is whole, or None."""
    whole = [path.parent for path in folder.glob(f"checkpoint-*/{COMPLETE}")]
    return max(whole, key=_step, default=None)


def remove_broken(folder: Path) -> None:
    """Delete the checkpoints that a killed run left half-written."""
    for path in folder.glob("checkpoint-*"):
        if not (path / COMPLETE).is_file():
            shutil.rmtree(path)


def mark_complete(checkpoint: Path, seconds: float) -> None:
    """Say that all of a checkpoint is there, and how long the run has trained so far."""
    write_json(checkpoint / COMPLETE, {"seconds": round(seconds, 3)})


def seconds_trained(checkpoint: Path) -> float:
    """How long the run had trained when it wrote the checkpoint."""
    return float(read_json(checkpoint / COMPLETE).get("seconds", 0.0))


def step_of(checkpoint: Path) -> int:
    """The optimizer steps done."""
    return _step(checkpoint)


def save_trained(path: Path, trainable: Trainable) -> None:
    """Write all that learns, and nothing else."""
    from safetensors.torch import save_file

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in _state(trainable).items()}
    save_file(tensors, path)


def load_trained(path: Path, trainable: Trainable) -> None:
    """Put back what `save_trained` wrote.

    Raises:
        BundleError: the file is missing or damaged, or from another kind of run.
    """
    tensors = read_tensors(path)
    parts = _split(tensors)
    if trainable.adapter is not None:
        load_adapter_state(trainable.adapter, parts.pop("adapter", {}))
    for name, module in (("decoder", trainable.decoder), ("rows", trainable.rows)):
        if module is not None:
            module.load_state_dict(parts.pop(name, {}))
    own = dict(trainable.named_parameters())
    for name, tensor in parts.pop("base", {}).items():
        own[name].data.copy_(tensor)
    if parts:
        raise BundleError(f"{path} is from another kind of training: it holds {', '.join(parts)}; use --restart")


def _state(trainable: Trainable) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    if trainable.adapter is not None:
        state |= {f"adapter/{name}": tensor for name, tensor in adapter_state(trainable.adapter).items()}
    else:
        learning = ((n, p) for n, p in trainable.named_parameters() if p.requires_grad)
        state |= {f"base/{name}": parameter for name, parameter in learning}
    for part, module in (("decoder", trainable.decoder), ("rows", trainable.rows)):
        if module is not None:
            state |= {f"{part}/{name}": tensor for name, tensor in module.state_dict().items()}
    return state


def _split(tensors: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        part, _, rest = name.partition("/")
        parts.setdefault(part, {})[rest] = tensor
    return parts


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])
