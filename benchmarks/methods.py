"""Every PEFT method on the embedded model: does it train, who serves it, what is it worth as plain LoRA?

    python -m benchmarks.methods [--docs docs/training.md]

Each method trains the embedded model's answerer for a few steps, as `videomind train answerer --method NAME` does, to
give made-up replies to four videos of one colour each. Then the saved adapter is loaded by PEFT itself, and what it
computes is compared with the torch engine's layers and with the plain LoRA that `videomind convert --to lora` makes of
it. Writes one line per method to benchmarks/results/methods.jsonl, and with --docs the table into that file.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from peft import PeftModel
from rich.console import Console
from torch import Tensor

from benchmarks.text_states import text_states
from videomind.errors import AdapterKindError
from videomind.lora_switch.adapter import CONFIG_FILE, Adapter, read_adapter, write_adapter
from videomind.lora_switch.bundle import NANO, load_bundle
from videomind.lora_switch.files import read_json
from videomind.lora_switch.kinds import is_plain, vllm_serves
from videomind.lora_switch.low_rank import adapter_to_lora
from videomind.lora_switch.switch import RoleSwitch
from videomind.lora_switch.to_lora import ENERGY
from videomind.model.qwen2_vl import load_model
from videomind.synth.video import write_video
from videomind.training.config import MethodConfig, load_config
from videomind.training.methods import METHODS, attach, default_learning_rate, optimizer
from videomind.training.run import train

RESULTS = Path(__file__).parent / "results" / "methods.jsonl"
BEGIN, END = "<!-- methods -->", "<!-- end of methods -->"
ROLE, STEPS, RANK, LORA_RATE = "answerer", 8, 8, 2e-3
LOW = 16
"""The rank at which adapters of other kinds are compared with the LoRA made of them."""
OWN_RANK = ("vera", "randlora")
"""Methods whose rank means something else: they keep their default."""
REPLIES = {
    (220, 40, 40): "the square",
    (40, 200, 60): "it moves",
    (50, 60, 230): "red, then",
    (230, 220, 40): "a circle up",
}
SAME = 1e-4
"""Outputs that differ by less than this, relative to what the adapter changes, are the same to float32 rounding."""
HEAD = (
    "| method | what it is | trained numbers | loss, first → last step | torch engine | as plain LoRA | vLLM |",
    "|---|---|--:|--:|---|---|---|",
)
YES, NO, CONVERTED = "yes", "no", "converted"


class Row(NamedTuple):
    """What was found for one method.

    Attributes:
        method: its name.
        numbers: how many are trained.
        first, last: the loss of the first and the last step.
        engine: whether the torch engine serves what training saves.
        plain: whether that is plain LoRA already.
        low: relative error of weights and of outputs as plain LoRA of rank `LOW`; None for plain LoRA.
        high: the largest rank, and the error of the weights, where 0.9999 of the change's energy is kept.
        vllm: whether the vLLM engine would serve it: `YES`, `CONVERTED` or `NO`.
    """

    method: str
    numbers: int
    first: float
    last: float
    engine: bool
    plain: bool
    low: tuple[float, float] | None
    high: tuple[int, float] | None
    vllm: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--docs", type=Path, help="write the table between the markers of this file")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = list(measure(Path(folder)))
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("w") as file:
        file.writelines(json.dumps({**row._asdict(), **_setup()}) + "\n" for row in rows)
    text = table(rows)
    print(text)
    if given.docs:
        before, rest = given.docs.read_text().split(BEGIN)
        given.docs.write_text(f"{before}{BEGIN}\n{text}\n\n{settings()}\n{END}{rest.split(END)[1]}")


def measure(folder: Path) -> Iterator[Row]:
    """One row per method; `folder` is for videos and models."""
    records = write_lesson(folder / "lesson")
    for name in METHODS:
        yield measure_one(name, records, folder / "models" / name)


def write_lesson(folder: Path) -> Path:
    """Four videos of two seconds, and a JSONL file of what to reply to them."""
    folder.mkdir(parents=True)
    lines = []
    for number, (colour, reply) in enumerate(REPLIES.items()):
        frames = [np.full((56, 56, 3), colour, dtype=np.uint8)] * 8
        write_video(frames, folder / f"{number}.mp4", fps=4)
        lines.append(json.dumps({"video": f"{number}.mp4", "question": "What is this?", "answer": reply}) + "\n")
    (folder / "answering.jsonl").write_text("".join(lines))
    return folder / "answering.jsonl"


def measure_one(name: str, records: Path, out: Path) -> Row:
    """Train with one method and look at what came of it."""
    method = MethodConfig(name=name, rank=RANK if METHODS[name].rank and name not in OWN_RANK else None)
    settings = {
        "data": [str(records)],
        "out": out,
        "method": method.model_dump(exclude_unset=True, exclude_none=True),
        "learning_rate": default_learning_rate(method, LORA_RATE),
        "batch_size": len(REPLIES),
        "max_steps": STEPS,
        "epochs": STEPS,
        "warmup": 0.0,
        "log_steps": 1,
        "workers": 0,
        "device": "cpu",
    }
    train(load_config(None, settings), ROLE, False, Console(quiet=True))
    numbers = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    losses = [line["reply"] for line in numbers if "reply" in line]
    role = out / ROLE
    config = read_json(role / CONFIG_FILE)
    expected = _by_peft(role, config)
    engine = _engine_serves(role, expected, config)
    plain, low, high, converted = is_plain(config), None, None, False
    if not plain:
        adapter, _, error = adapter_to_lora(_base(), role, LOW)
        low = (error, _difference(_switched(adapter, config), expected))
        adapter, _, error = adapter_to_lora(_base(), role, ENERGY)
        high = (max(pair.a.shape[0] for pair in adapter.pairs.values()), error)
        write_adapter(out / "converted", adapter)
        converted = vllm_serves(read_json(out / "converted" / CONFIG_FILE))
    vllm = YES if vllm_serves(config) else CONVERTED if converted else NO
    return Row(name, _trained_numbers(method), losses[0], losses[-1], engine, plain, low, high, vllm)


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = []
    for row in rows:
        cells = [
            f"`{row.method}`",
            METHODS[row.method].says,
            f"{row.numbers:,}",
            f"{row.first:.2f} → {row.last:.2f}",
            YES if row.engine else CONVERTED,
            _as_lora(row),
            row.vllm,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*HEAD, *lines])


def settings() -> str:
    """What can be set for each method, and what it is by default, as Markdown."""
    lines = ["| method | rank | alpha | learning rate | options |", "|---|---|---|---|---|"]
    for name, method in METHODS.items():
        rank = str(method.default_rank) if method.rank else "–"
        alpha = f"{method.alpha_per_rank:g} · rank" if method.alpha else "–"
        options = ", ".join(f"`{key} = {_toml(value)}`" for key, value in method.options.items())
        lines.append(
            f"| `{name}` | {rank} | {alpha} | {default_learning_rate(MethodConfig(name=name)):g} | {options} |"
        )
    return "\n".join(lines)


def _toml(value: Any) -> str:
    return "chosen to fit" if value is None else json.dumps(value)


def verdicts(text: str) -> dict[str, tuple[str, str, str]]:
    """Of a table: what it says of each method's torch engine, plain LoRA (without the numbers) and vLLM."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == HEAD[0].count("|") - 1 and cells[0].startswith("`"):
            found[cells[0].strip("`")] = (cells[4], cells[5].partition(":")[0], cells[6])
    return found


def _as_lora(row: Row) -> str:
    if row.low is None or row.high is None:
        return "it is"
    (weights, outputs), (rank, rest) = row.low, row.high
    if weights < SAME:
        return f"exact: rank {LOW}"
    return f"near: rank {LOW} misses {weights:.0%} of the change ({outputs:.0%} in outputs), rank {rank} {rest:.1%}"


def _engine_serves(role: Path, expected: Tensor, config: dict[str, Any]) -> bool:
    """Whether the engine takes the adapter, and then whether it computes what PEFT does."""
    try:
        adapter = read_adapter(role)
    except AdapterKindError:
        return False
    difference = _difference(_switched(adapter, config), expected)
    if difference > SAME:
        raise AssertionError(f"{role}: the torch engine is {difference:.1e} off what PEFT computes")
    return True


def _difference(states: Tensor, expected: Tensor) -> float:
    """How far from PEFT's outputs, relative to what the adapter changes in them."""
    return float((states - expected).norm() / (_plain_states() - expected).norm())


def _by_peft(role: Path, config: dict[str, Any]) -> Tensor:
    """States of the language model with the adapter as PEFT loads it onto the whole base."""
    model = copy.deepcopy(_loaded())
    adapted = PeftModel.from_pretrained(model, role).eval()
    text = model.model.language_model
    alora = {"alora_offsets": [_ids().shape[1] // 2] * len(_ids())} if config.get("alora_invocation_tokens") else {}
    with torch.inference_mode(), adapted._enable_peft_forward_hooks(**alora):
        states: Tensor = text(inputs_embeds=text.embed_tokens(_ids()))[0]
    return states


def _switched(adapter: Adapter, config: dict[str, Any]) -> Tensor:
    """The same with the torch engine's layers."""
    model = copy.deepcopy(_loaded())
    text = model.model.language_model
    switch = RoleSwitch(text, text.embed_tokens, model.lm_head, {ROLE: adapter})
    index = torch.full_like(_ids(), switch.index(ROLE))
    if config.get("alora_invocation_tokens"):
        index[:, : index.shape[1] - index.shape[1] // 2] = switch.index(None)
    return text_states(text, switch, _ids(), index)


def _trained_numbers(method: MethodConfig) -> int:
    text = copy.deepcopy(_loaded()).model.language_model
    model = attach(text, method, [1] if method.name == "alora" else None)
    optimizer(model, method, 1e-3)  # LoRA-FA freezes there
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


@cache
def _base() -> Path:
    return load_bundle(NANO).base


@cache
def _loaded() -> Any:
    return load_model(_base(), torch.float32).eval().requires_grad_(False)


@cache
def _ids() -> Tensor:
    vocabulary = _loaded().config.text_config.vocab_size
    return torch.randint(0, vocabulary, (4, 32), generator=torch.Generator().manual_seed(0))


@cache
def _plain_states() -> Tensor:
    text = _loaded().model.language_model
    with torch.inference_mode():
        states: Tensor = text(inputs_embeds=text.embed_tokens(_ids()))[0]
    return states


def _setup() -> dict[str, Any]:
    """Where and with what it was measured."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {name: version(name) for name in ("torch", "transformers", "peft")},
        "steps": STEPS,
        "seed": 0,
    }


if __name__ == "__main__":
    main()
