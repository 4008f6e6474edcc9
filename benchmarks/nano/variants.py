"""Several ways to make the same roles from the same base, each in the same time, and loaded as agents.

    python -m benchmarks.nano.variants [--work DIR] [--out DIR] [--budget-minutes N]

The work folder is that of `python -m videomind.training.nano`, which must have run. The results say how many steps and
seconds each way had.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from videomind.agent import Agent
from videomind.cancellable import Cancel
from videomind.engines.base import Choice, Engine, Grounding, Memory, Reply, RoleRequest
from videomind.engines.torch_engine import TorchEngine
from videomind.lora_switch.adapter import Adapter
from videomind.lora_switch.bundle import NANO, Bundle, load_bundle
from videomind.roles.spec import ROLES
from videomind.training.nano.adapters import ALL, Method, RoleTrainee
from videomind.training.nano.export import write_bundle
from videomind.training.nano.loop import load_weights, read_history
from videomind.training.nano.lora import to_adapter
from videomind.training.nano.parallel import run_apart
from videomind.training.nano.recipe import Recipe, load_tokenizer, role_stage, trained_base
from videomind.training.nano.specs import ROLE_SPECS

LORA_SPECS = {name: replace(spec, activation="lora", invocation=None) for name, spec in ROLE_SPECS.items()}
SHIPPED, SHARED, SEPARATE = "shipped", "one LoRA for all", "separate models"
ADAPTERS: dict[str, Method] = {"aLoRA": "alora", "LoRA": "lora"}
VARIANTS = (SHIPPED, *ADAPTERS, SHARED, SEPARATE)
RESULTS = Path(__file__).resolve().parents[1] / "results" / "nano_variants.jsonl"


class Lesson(NamedTuple):
    """What is trained for a variant: a role, or all at once."""

    variant: str
    role: str
    method: Method

    @property
    def name(self) -> str:
        """Of its checkpoint."""
        return f"{self.role}-{self.method}"


LESSONS = (
    Lesson(SHARED, ALL, "lora"),
    *(Lesson(variant, role, method) for variant, method in ADAPTERS.items() for role in ROLES),
    *(Lesson(SEPARATE, role, "full") for role in ROLES),
)


def load_variant(name: str, folder: Path, shipped: Path = NANO) -> Agent:
    """The agent of one variant; the shipped one is that of the embedded model, or of another bundle."""
    if name == SHIPPED:
        return Agent.from_pretrained(shipped)
    if name != SEPARATE:
        return Agent.from_pretrained(folder / name)
    bundles = {role: load_bundle(folder / name / role) for role in ROLES}
    roles = {role: bundles[role].roles[role] for role in ROLES}
    return Agent(replace(bundles["planner"], roles=roles), SeparateEngine(bundles))


class SeparateEngine(Engine):
    """A whole model per role."""

    name = "separate"

    def __init__(self, bundles: dict[str, Bundle]) -> None:
        self._engines = {role: TorchEngine(bundle, "cpu") for role, bundle in bundles.items()}

    def _of(self, requests: Sequence[RoleRequest]) -> TorchEngine:
        (role,) = {request.role for request in requests}
        return self._engines[role]

    def generate(self, requests: Sequence[RoleRequest], cancel: Cancel | None = None) -> list[Reply]:
        return self._of(requests).generate(requests, cancel)

    def stream(self, request: RoleRequest, cancel: Cancel | None = None) -> Iterator[str | Reply]:
        return self._of([request]).stream(request, cancel)

    def choose(
        self, requests: Sequence[RoleRequest], choices: Sequence[str], cancel: Cancel | None = None
    ) -> list[Choice]:
        return self._of(requests).choose(requests, choices, cancel)

    def ground(self, requests: Sequence[RoleRequest], cancel: Cancel | None = None) -> list[Grounding]:
        return self._of(requests).ground(requests, cancel)

    def memory(self) -> Memory:
        each = {role: engine.memory() for role, engine in self._engines.items()}
        return Memory(
            sum(memory.base for memory in each.values()),
            {role: memory.roles.get(role, {}) for role, memory in each.items()},
        )

    def forget(self) -> None:
        for engine in self._engines.values():
            engine.forget()

    def close(self) -> None:
        for engine in self._engines.values():
            engine.close()


def train_variants(recipe: Recipe) -> None:
    """Train all variants but the shipped one; each role has its share of the recipe's budget, one for all has all."""
    works = [partial(role_stage, recipe, each.role, each.method, each.name) for each in LESSONS]
    run_apart(works, recipe.workers)


def write_results(recipe: Recipe, folder: Path, results: Path = RESULTS) -> None:
    """Write what was asked for, and the steps and seconds of each lesson, a line each.

    Args:
        recipe: that of the variants, trained.
        folder: the variants, written.
        results: the file.
    """
    made_by = json.loads((folder / next(iter(ADAPTERS)) / "training.json").read_text())["versions"]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {recipe.workers} workers of one thread"
    setting = {"seed": recipe.seed, "budget_minutes": recipe.minutes, "machine": machine, "versions": made_by}
    lines: list[dict[str, Any]] = [{"benchmark": "nano_variants", **setting}]
    for each in LESSONS:
        history = read_history(recipe.folder / f"{each.name}.pt")
        lines.append({**each._asdict(), "steps": history.steps, "seconds": round(history.seconds, 1)})
    results.write_text("".join(json.dumps(line) + "\n" for line in lines))


def write_variants(recipe: Recipe, folder: Path) -> None:
    """Write the trained variants as bundles."""
    tokenizer, base = load_tokenizer(recipe), trained_base(recipe).model
    for name, method in ADAPTERS.items():
        trained = {role: _trained(recipe, role, method) for role in ROLES}
        adapters = {role: adapter for role, (adapter, _) in trained.items()}
        specs = ROLE_SPECS if method == "alora" else LORA_SPECS
        write_bundle(folder / name, base, tokenizer, adapters, trained["grounder"][1], {}, specs)
    adapter, decoder = _trained(recipe, ALL, "lora")
    shared = dict.fromkeys(ROLES, adapter)
    write_bundle(folder / SHARED, base, tokenizer, shared, decoder, {}, LORA_SPECS)
    for role in ROLES:
        trainee = trained_base(recipe)
        load_weights(recipe.folder / f"{role}-full.pt", RoleTrainee(trainee, role, "full"))
        alone = {role: LORA_SPECS[role]}
        write_bundle(folder / SEPARATE / role, trainee.model, tokenizer, {}, trainee.decoder.state_dict(), {}, alone)


def _trained(recipe: Recipe, role: str, method: Method) -> tuple[Adapter, dict[str, Tensor]]:
    """An adapter, and the decoder that learned along."""
    trainee = trained_base(recipe)
    apprentice = RoleTrainee(trainee, role, method)
    load_weights(recipe.folder / f"{role}-{method}.pt", apprentice)
    return to_adapter(apprentice.release()), trainee.decoder.state_dict()


def main() -> None:
    """Train the variants and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("runs/nano"), help="work folder of the recipe")
    parser.add_argument("--out", type=Path, default=Path("runs/nano/variants"))
    parser.add_argument("--budget-minutes", type=float, default=22.0, help="a whole recipe's; roles get their share")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    recipe = Recipe(seed=0, minutes=options.budget_minutes, clips=0, folder=options.work, workers=options.workers)
    train_variants(recipe)
    write_variants(recipe, options.out)
    write_results(recipe, options.out)
    print(f"wrote {options.out} and {RESULTS}")


if __name__ == "__main__":
    main()
