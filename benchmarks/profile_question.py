"""Where the milliseconds of one cold question go, and what the arithmetic alone would take.

`python -m benchmarks.profile_question --subject embedded` asks with nothing at hand, several times, and tells the
medians of each stage (none of them inside another), and the floor of the visual tower and of the text model: their
multiplications at the rate that this processor reaches in one large product. Appends one line to
`results/profile_question.jsonl`.
"""

from __future__ import annotations

import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from benchmarks.compared import arguments, setup, subject
from benchmarks.gpu.floor import text_flop, tower_flop
from benchmarks.gpu.sizes import SIZES, Size
from videomind import agent as agent_module
from videomind.agent import Agent
from videomind.engines import views
from videomind.engines.text_model import TextModel
from videomind.engines.torch_engine import TorchEngine
from videomind.kernels.linear import linear
from videomind.lora_switch.files import read_json
from videomind.model.decoder import TimestampDecoder
from videomind.model.prompt import PromptEncoder
from videomind.model.qwen2_vl import Qwen2VLBackbone
from videomind.vision import clip
from videomind.vision.base import VideoReader

RESULTS = Path(__file__).parent / "results" / "profile_question.jsonl"
STAGES: dict[str, tuple[Any, str]] = {
    "opening": (agent_module, "open_video"),
    "decoding": (VideoReader, "frames_at"),
    "resizing": (clip, "resize_frames"),
    "patches": (views, "patchify"),
    "visual tower": (Qwen2VLBackbone, "encode"),
    "prompts": (PromptEncoder, "encode"),
    "text model, prompts": (TextModel, "prefill"),
    "text model, replies": (TextModel, "_go_on"),
    "output projection": (TextModel, "logits"),
    "timestamp decoder": (TimestampDecoder, "spans_of_all"),
}


def main() -> None:
    args = arguments(__doc__, repeat=9).parse_args()
    asked = subject(args.subject, args.work)
    size = size_of(asked.bundle.base)
    runs: list[dict[str, float]] = []
    with Agent(asked.bundle, TorchEngine(asked.bundle, "cpu")) as agent:
        for _ in range(args.warm_up + args.repeat):
            agent.forget()
            with timed() as (seconds, grids):
                began = time.perf_counter()
                result = agent.ask(asked.video, asked.questions[0])
                total = time.perf_counter() - began
            runs.append(dict(seconds) | {"everything else": total - sum(seconds.values()), "total": total})
    medians = {stage: statistics.median(run.get(stage, 0.0) for run in runs[args.warm_up :]) for stage in runs[-1]}
    rate = peak()
    usages = [call.usage for call in result.trace.calls]
    floor = {
        "visual tower": sum(tower_flop(size, grid) for grid in grids) / rate,
        "text model, prompts": sum(text_flop(size, one.prompt_tokens, one.cached_tokens) for one in usages) / rate,
    }
    line = {
        "benchmark": "profile_question",
        "subject": args.subject,
        "duration": result.video.duration,
        "ms": {stage: round(seconds * 1e3, 2) for stage, seconds in medians.items()},
        "floor_ms": {stage: round(seconds * 1e3, 2) for stage, seconds in floor.items()},
        "gflops": round(rate / 1e9, 1),
        **setup(),
    }
    print(f"{'stage':<22}{'ms':>10}{'share':>8}{'floor, ms':>12}")
    for stage, seconds in medians.items():
        least = f"{floor[stage] * 1e3:12.2f}" if stage in floor else ""
        print(f"{stage:<22}{seconds * 1e3:>10.2f}{seconds / medians['total']:>8.1%}{least}")
    with RESULTS.open("a") as file:
        file.write(json.dumps(line) + "\n")


def size_of(base: Path) -> Size:
    """The shape of a model's text model and visual tower, as its arithmetic needs it."""
    config = read_json(base / "config.json")
    text, vision = config["text_config"], config["vision_config"]
    return replace(
        SIZES["tiny"],
        name=base.name,
        hidden=text["hidden_size"],
        layers=text["num_hidden_layers"],
        heads=text["num_attention_heads"],
        kv_heads=text["num_key_value_heads"],
        mlp=text["intermediate_size"],
        depth=vision["depth"],
        vision=vision["embed_dim"],
    )


@contextmanager
def timed() -> Iterator[tuple[dict[str, float], list[tuple[int, int, int]]]]:
    """Adds up the seconds of every stage, and notes the grids that go through the tower."""
    seconds: dict[str, float] = defaultdict(float)
    grids: list[tuple[int, int, int]] = []

    def watched(stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **more: Any) -> Any:
            if stage == "visual tower":
                grids.append(args[2])
            began = time.perf_counter()
            try:
                return call(*args, **more)
            finally:
                seconds[stage] += time.perf_counter() - began

        return run

    patches = [
        patch.object(owner, name, watched(stage, getattr(owner, name))) for stage, (owner, name) in STAGES.items()
    ]
    for one in patches:
        one.start()
    try:
        yield seconds, grids
    finally:
        for one in patches:
            one.stop()


def peak() -> float:
    """Operations a second of a large product, on all threads."""
    x, weight = torch.randn(2048, 1024), torch.randn(1024, 1024)
    taken = []
    for _ in range(20):
        began = time.perf_counter()
        y: Tensor = linear(x, weight)
        taken.append(time.perf_counter() - began)
    return 2.0 * y.numel() * x.shape[1] / min(taken)


if __name__ == "__main__":
    main()
