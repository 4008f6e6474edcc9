"""Train the embedded model: `python -m videomind.training.nano [--budget-minutes N] [--seed S] [--out DIR]`.

Run it again to continue: finished stages and encoded clips are kept in the work folder.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import asdict
from pathlib import Path

import torch

from videomind.errors import InputError
from videomind.training.nano.calibrate import calibrate
from videomind.training.nano.export import write_bundle
from videomind.training.nano.recipe import Recipe, assemble, load_tokenizer, run_recipe

CLIPS_PER_MINUTE = 480
SHOWN_POINTS = 12


def main(arguments: list[str] | None = None) -> None:
    """Train all stages within the budget and write the role bundle."""
    options = _parser().parse_args(arguments)
    device = _device(options.device)
    recipe = Recipe(
        seed=options.seed,
        minutes=options.budget_minutes,
        clips=round(options.budget_minutes * CLIPS_PER_MINUTE),
        folder=options.work,
        device=device,
        workers=1 if device == "cuda" else options.workers,
    )
    began = time.monotonic()
    histories = run_recipe(recipe)
    stages = {
        name: {"steps": h.steps, "seconds": round(h.seconds), "history": _thin(h.points)}
        for name, h in histories.items()
    }
    record = {
        "seed": recipe.seed,
        "budget_minutes": recipe.minutes,
        "clips": recipe.clips,
        "device": recipe.device,
        "workers": recipe.workers,
        "seconds_of_this_run": round(time.monotonic() - began),
        "world": asdict(recipe.world),
        "stages": stages,
    }
    model, adapters, decoder = assemble(recipe)
    write_bundle(options.out, model, load_tokenizer(recipe), adapters, decoder, record)
    print(f"wrote {options.out}")
    try:
        calibrate(options.out, recipe.world, recipe.workers)
    except InputError as error:  # a model of a small budget may find nothing right; it is usable all the same
        print(f"not calibrated: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m videomind.training.nano", description=__doc__)
    parser.add_argument("--budget-minutes", type=float, default=66.0, help="time for the stages that learn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/nano/bundle"), help="where the role bundle goes")
    parser.add_argument("--work", type=Path, default=Path("runs/nano"), help="checkpoints and encoded clips")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--workers", type=int, default=max(1, min(8, os.cpu_count() or 1)), help="processes on a CPU")
    return parser


def _device(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    return "cuda" if torch.cuda.is_available() else "cpu"


def _thin(points: list[tuple[int, dict[str, float]]]) -> list[tuple[int, dict[str, float]]]:
    """At most a dozen points of a stage's history, the last among them."""
    step = max(1, -(-len(points) // SHOWN_POINTS))
    return points[::-1][::step][::-1]


if __name__ == "__main__":
    main()
