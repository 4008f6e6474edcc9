"""What adapters cost beside the base, and four roles beside one, on a CPU: `python -m benchmarks.lora`.

The attention projections of a layer (q, k and v as one product, and o), one thread, everything in turn on the same
tokens: the base alone, one role on all tokens, four roles in equal shares (a request each, and token by token as when
replies are decoded together), and PEFT's mixed batch of the same four adapters on its own layers. Appends a line per
width and number of tokens to `results/lora.jsonl`; ratios are medians over turns.
"""

from __future__ import annotations

import json
import platform
import random
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor, nn

from videomind.kernels.linear import linear
from videomind.kernels.lora import Factors, LoraStack, Routing, add_lora, route

RESULTS = Path(__file__).parent / "results" / "lora.jsonl"
ROLES = ("planner", "grounder", "verifier", "answerer")
TOKENS = (1, 16, 64, 256, 1024, 4096)
SECONDS = 8.0
"""How long everything is repeated at a number of tokens."""
SHORTEST = 0.005
"""How long a turn takes at least: calls in a row are repeated so often."""


class Shape(NamedTuple):
    """Widths of a model's attention and the rank of its adapters."""

    hidden: int
    keys: int
    rank: int


SHAPES = {"2b": Shape(1536, 256, 64), "nano": Shape(192, 64, 16)}


class Layers(nn.Module):
    """The projections of an attention layer, as PEFT adapts them."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.q_proj, self.o_proj = (nn.Linear(shape.hidden, shape.hidden) for _ in range(2))
        self.k_proj, self.v_proj = (nn.Linear(shape.hidden, shape.keys) for _ in range(2))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.q_proj(x), self.k_proj(x), self.v_proj(x), self.o_proj(x)


class Projection(NamedTuple):
    """A product with the adapters on it."""

    weight: Tensor
    bias: Tensor
    lora: LoraStack


def main() -> None:
    torch.manual_seed(0)
    random.seed(0)
    torch.set_num_threads(1)
    for name, shape in SHAPES.items():
        peft = _peft(shape)
        ours = [_ours(peft, ("q_proj", "k_proj", "v_proj")), _ours(peft, ("o_proj",))]
        for tokens in TOKENS:
            with torch.inference_mode():
                taken = _timed(_ways(peft, ours, torch.randn(tokens, shape.hidden)))
            line = {
                "benchmark": "lora",
                "model": name,
                **shape._asdict(),
                "tokens": tokens,
                "base_us": round(1e6 * statistics.median(taken["base"]), 1),
                "one_role_over_base": _ratio(taken, "one role", "base"),
                "four_roles_over_base": _ratio(taken, "four roles", "base"),
                "four_roles_over_one": _ratio(taken, "four roles", "one role"),
                "four_roles_token_by_token_over_one": _ratio(taken, "token by token", "one role"),
                "peft_over_its_base": _ratio(taken, "peft", "peft base"),
                "peft_over_ours": _ratio(taken, "peft", "four roles"),
                "turns": len(taken["base"]),
                "threads": 1,
                "processor": torch.backends.cpu.get_cpu_capability(),
                "machine": platform.machine(),
                "torch": torch.__version__,
                "peft": version("peft"),
            }
            print(json.dumps(line), flush=True)
            with RESULTS.open("a") as file:
                file.write(json.dumps(line) + "\n")


def _ways(peft: PeftModel, ours: list[Projection], x: Tensor) -> dict[str, Callable[[], tuple[Tensor, ...]]]:
    """The things that are timed. PEFT takes an adapter per row, so its rows are the requests."""
    count = len(x)
    by_request = torch.arange(count) * len(ROLES) // count
    requests = min(count, len(ROLES))
    rows = x.view(requests, -1, x.shape[-1])
    names = [ROLES[int(by_request[place * count // requests])] for place in range(requests)]
    layers = peft.get_base_model()
    base = [getattr(layers, leaf).base_layer for leaf in ("q_proj", "k_proj", "v_proj", "o_proj")]
    mixed, turns, one = route(by_request), route(torch.arange(count) % len(ROLES)), route(torch.zeros(count).long())
    ways = {
        "base": lambda: _project(ours, x, None),
        "one role": lambda: _project(ours, x, one),
        "four roles": lambda: _project(ours, x, mixed),
        "token by token": lambda: _project(ours, x, turns),
        "peft": lambda: peft(rows, adapter_names=names),
        "peft base": lambda: tuple(layer(x) for layer in base),
    }
    expected = torch.cat(ways["peft"](), -1).view(count, -1)
    torch.testing.assert_close(torch.cat(ways["four roles"](), -1), expected, atol=1e-3, rtol=1e-3)
    return ways


def _project(projections: list[Projection], x: Tensor, routing: Routing | None) -> tuple[Tensor, ...]:
    found = []
    for weight, bias, lora in projections:
        y = linear(x, weight, bias)
        found.append(y if routing is None else add_lora(y, x, lora, routing))
    return tuple(found)


def _timed(ways: dict[str, Callable[[], tuple[Tensor, ...]]]) -> dict[str, list[float]]:
    """Seconds of each way, turn by turn, after one that does not count. Turns are shuffled: what ran before matters."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    order = list(ways)
    began = time.perf_counter()
    for way in ways.values():
        way()
    calls, began = max(1, int(SHORTEST / (time.perf_counter() - began))), time.perf_counter()
    while time.perf_counter() - began < SECONDS or len(taken["base"]) < 5:
        random.shuffle(order)
        for name in order:
            start = time.perf_counter()
            for _ in range(calls):
                ways[name]()
            taken[name].append((time.perf_counter() - start) / calls)
    return taken


def _ratio(taken: dict[str, list[float]], name: str, other: str) -> float:
    return round(statistics.median(a / b for a, b in zip(taken[name], taken[other], strict=True)), 3)


def _peft(shape: Shape) -> PeftModel:
    layers, model = Layers(shape), None
    for role in ROLES:
        config = LoraConfig(
            r=shape.rank,
            lora_alpha=shape.rank,
            target_modules=["q_proj", "k_proj", "v_proj", "o_proj"],
            init_lora_weights=False,
        )
        if model is None:
            model = get_peft_model(layers, config, adapter_name=role)
        else:
            model.add_adapter(role, config)
    assert model is not None
    return model.eval()


def _ours(peft: PeftModel, leaves: tuple[str, ...]) -> Projection:
    modules = [getattr(peft.get_base_model(), leaf) for leaf in leaves]
    factors = [
        [Factors(m.lora_A[role].weight.detach(), m.lora_B[role].weight.detach()) for role in ROLES] for m in modules
    ]
    weight, bias = (torch.cat([getattr(m.base_layer, part).detach() for m in modules]) for part in ("weight", "bias"))
    return Projection(weight, bias, LoraStack.of(factors, [m.out_features for m in modules]))


if __name__ == "__main__":
    main()
