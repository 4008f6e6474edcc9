"""Other ways to make the same roles from the same base: trained as the shipped ones were, and loaded as agents.

    python -m benchmarks.nano.variants [--work DIR] [--out DIR] [--budget-minutes N]

The work folder is that of `python -m videomind.training.nano`, which must have run with the same budget.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from videomind.agent import Agent
from videomind.engines.base import Cancel, Engine, Grounding, Memory, RoleRequest
from videomind.engines.torch_engine import TorchEngine
from videomind.lora_switch.bundle import NANO, Bundle, load_bundle
from videomind.roles.spec import ROLES
from videomind.training.nano.adapters import ALL, Method, RoleTrainee
from videomind.training.nano.export import write_bundle
from videomind.training.nano.loop import load_weights
from videomind.training.nano.lora import to_adapter
from videomind.training.nano.parallel import run_apart
from videomind.training.nano.recipe import Recipe, load_tokenizer, role_stage, trained_base
from videomind.training.nano.specs import ROLE_SPECS

LORA_SPECS = {name: replace(spec, activation="lora", invocation=None) for name, spec in ROLE_SPECS.items()}
SEPARATE = "separate models"
VARIANTS = ("aLoRA", "LoRA", "one LoRA for all", SEPARATE)


def load_variant(name: str, folder: Path, shipped: Path = NANO) -> Agent:
    """The agent of one variant; the shipped one is that of the embedded model, or of another bundle."""
    if name == VARIANTS[0]:
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

    def generate(self, requests: Sequence[RoleRequest], cancel: Cancel | None = None) -> list[str]:
        return self._of(requests).generate(requests, cancel)

    def stream(self, request: RoleRequest, cancel: Cancel | None = None) -> Iterator[str]:
        return self._of([request]).stream(request, cancel)

    def choose(
        self, requests: Sequence[RoleRequest], choices: Sequence[str], cancel: Cancel | None = None
    ) -> list[tuple[float, ...]]:
        return self._of(requests).choose(requests, choices, cancel)

    def ground(self, requests: Sequence[RoleRequest], cancel: Cancel | None = None) -> list[Grounding]:
        return self._of(requests).ground(requests, cancel)

    def memory(self) -> Memory:
        each = {role: engine.memory() for role, engine in self._engines.items()}
        return Memory(sum(memory.base for memory in each.values()), {r: m.roles[r] for r, m in each.items()})

    def forget(self) -> None:
        for engine in self._engines.values():
            engine.forget()

    def close(self) -> None:
        for engine in self._engines.values():
            engine.close()


def train_variants(recipe: Recipe) -> None:
    """Train all variants but the shipped one; each role has the budget it has in the recipe."""
    ways: list[tuple[str, Method, str]] = [(ALL, "lora", ALL)]
    ways += [(role, "lora", f"{role}-lora") for role in ROLES]
    ways += [(role, "full", f"{role}-full") for role in ROLES]
    run_apart([partial(role_stage, recipe, role, method, name) for role, method, name in ways], recipe.workers)


def write_variants(recipe: Recipe, folder: Path) -> None:
    """Write the trained variants as bundles."""
    tokenizer = load_tokenizer(recipe)
    adapters, decoders = {}, {}
    for role in (*ROLES, ALL):
        trainee = trained_base(recipe)
        apprentice = RoleTrainee(trainee, role, "lora")
        load_weights(recipe.folder / (f"{ALL}.pt" if role == ALL else f"{role}-lora.pt"), apprentice)
        adapters[role], decoders[role] = to_adapter(apprentice.release()), trainee.decoder.state_dict()
    base = trained_base(recipe).model
    write_bundle(folder / "LoRA", base, tokenizer, adapters, decoders["grounder"], {}, LORA_SPECS)
    shared = dict.fromkeys(ROLES, adapters[ALL])
    write_bundle(folder / "one LoRA for all", base, tokenizer, shared, decoders[ALL], {}, LORA_SPECS)
    for role in ROLES:
        trainee = trained_base(recipe)
        load_weights(recipe.folder / f"{role}-full.pt", RoleTrainee(trainee, role, "full"))
        alone = {role: LORA_SPECS[role]}
        write_bundle(folder / SEPARATE / role, trainee.model, tokenizer, {}, trainee.decoder.state_dict(), {}, alone)


def main() -> None:
    """Train the variants and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("runs/nano"), help="work folder of the recipe")
    parser.add_argument("--out", type=Path, default=Path("runs/nano/variants"))
    parser.add_argument("--budget-minutes", type=float, default=66.0, help="that of the recipe")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    recipe = Recipe(seed=0, minutes=options.budget_minutes, clips=0, folder=options.work, workers=options.workers)
    train_variants(recipe)
    write_variants(recipe, options.out)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
