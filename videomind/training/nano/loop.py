"""The training loop: a budget in seconds, a cosine schedule over it, checkpoints to continue from."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor, nn

from videomind.training.nano.parallel import agree, average_gradients, rank

LOG_SECONDS = 20.0
SAVE_SECONDS = 60.0
WARM_UP = 0.04


@dataclass(slots=True)
class History:
    """How a stage went: steps done, seconds spent, and (step, name → mean loss or accuracy since the last point)."""

    steps: int = 0
    seconds: float = 0.0
    points: list[tuple[int, dict[str, float]]] = field(default_factory=list)


def train(
    module: nn.Module,
    measure: Callable[[int], Mapping[str, Tensor]],
    *,
    seconds: float,
    peak_rate: float,
    checkpoint: Path,
    max_steps: int | None = None,
) -> History:
    """Train the parameters of `module` that require gradients until the budget is spent; continues from `checkpoint`.

    Args:
        module: what is trained and saved.
        measure: step → numbers by name; "loss" is minimised, the others are only written down.
        seconds: budget of the stage, counted over all its runs.
        peak_rate: highest learning rate.
        checkpoint: file written every minute and at the end.
        max_steps: stop earlier after this many steps.
    """
    parameters = [p for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=peak_rate, betas=(0.9, 0.98), weight_decay=0.02, fused=True)
    history = _restore(checkpoint, module, optimizer)
    sums: dict[str, list[float]] = {}
    logged, saved = time.monotonic(), time.monotonic()
    while (progress := history.seconds / seconds) < 1 and history.steps != max_steps:
        began = time.monotonic()
        for group in optimizer.param_groups:
            group["lr"] = peak_rate * _schedule(progress)
        numbers = measure(history.steps)
        optimizer.zero_grad(set_to_none=True)
        numbers["loss"].backward()
        average_gradients(parameters)
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        history.steps += 1
        now = time.monotonic()
        history.seconds = agree(history.seconds + now - began)
        for name, value in numbers.items():
            sums.setdefault(name, []).append(float(value.detach()))
        if now - logged > LOG_SECONDS:
            history.points.append((history.steps, {k: round(fmean(v), 4) for k, v in sums.items()}))
            if rank() == 0:
                print(checkpoint.stem, *history.points[-1], f"{history.seconds:.0f}s", flush=True)
            sums, logged = {}, now
        if now - saved > SAVE_SECONDS:
            _save(checkpoint, module, optimizer, history)
            saved = now
    _save(checkpoint, module, optimizer, history)
    return history


def load_weights(checkpoint: Path, module: nn.Module) -> None:
    """Give a module the trained weights of a checkpoint."""
    known = torch.load(checkpoint, weights_only=True)["module"]
    if unknown := module.load_state_dict(known, strict=False).unexpected_keys:
        raise ValueError(f"{checkpoint} was made for another model: it holds {unknown[0]}")


def read_history(checkpoint: Path) -> History:
    """How the stage of a checkpoint went."""
    return History(*torch.load(checkpoint, weights_only=True)["history"])


def _schedule(progress: float) -> float:
    if progress < WARM_UP:
        return (progress + 0.002) / (WARM_UP + 0.002)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress))


def _trainable(module: nn.Module) -> dict[str, Tensor]:
    return {name: p.detach() for name, p in module.named_parameters() if p.requires_grad}


def _save(path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, history: History) -> None:
    if rank() != 0:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    written = (history.steps, history.seconds, history.points)
    fresh = path.with_suffix(".part")
    torch.save({"module": _trainable(module), "optimizer": optimizer.state_dict(), "history": written}, fresh)
    fresh.replace(path)


def _restore(path: Path, module: nn.Module, optimizer: torch.optim.Optimizer) -> History:
    if not path.exists():
        return History()
    saved = torch.load(path, weights_only=True)
    module.load_state_dict(saved["module"], strict=False)
    optimizer.load_state_dict(saved["optimizer"])
    return History(*saved["history"])
