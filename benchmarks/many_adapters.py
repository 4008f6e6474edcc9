"""Many answerer adapters on one running vLLM: `python -m benchmarks.many_adapters --adapters 64 256 1000`.

Random LoRA adapters for the embedded model. Measured: adding one; a question whose adapter is on the device, in memory,
or has to be loaded; questions a second when all use one adapter, and when each uses another one; memory of the
worker. Appends one line per count to `results/many_adapters.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import torch

from videomind.engines.base import RoleRequest, Service
from videomind.engines.vllm_engine import VLLMEngine
from videomind.engines.vllm_options import VLLMOptions
from videomind.lora_switch.adapter import Adapter, LoRAPair, write_adapter
from videomind.lora_switch.bundle import load_bundle
from videomind.lora_switch.fit import text_shape
from videomind.lora_switch.vllm_plugin.versions import installed
from videomind.synth.reader import SceneReader
from videomind.synth.world import sample_scene
from videomind.vision.clip import Clip, load_clip

RESULTS = Path(__file__).parent / "results" / "many_adapters.jsonl"
RANK = 8
ON_DEVICE, IN_MEMORY = 4, 64
BATCH = 32
MODULES = ("q_proj", "k_proj", "v_proj", "o_proj")


def main() -> None:
    counts = sorted(_arguments().adapters)
    bundle = load_bundle()
    options = VLLMOptions(kv_cache_memory=256 << 20, adapters_on_device=ON_DEVICE, adapters_in_memory=IN_MEMORY)
    engine = VLLMEngine(bundle, options)
    try:
        with tempfile.TemporaryDirectory() as folder:
            view = bundle.roles["answerer"].spec.view
            clip = load_clip(SceneReader(sample_scene(1), 56), view)
            for count in counts:
                adding = _add_up_to(engine, count, Path(folder), bundle.base)
                line = {"benchmark": "many_adapters", "adapters": count} | _measure(engine, clip) | adding | _setup()
                print(json.dumps(line), flush=True)
                with RESULTS.open("a") as file:
                    file.write(json.dumps(line) + "\n")
    finally:
        engine.close()


def _add_up_to(engine: VLLMEngine, count: int, folder: Path, base: Path) -> dict[str, object]:
    taken = []
    for number in range(len(engine.adapters()), count):
        source = folder / str(number)
        write_adapter(source, _random(number, base))
        taken.append(_timed(lambda: engine.add_adapter(str(number), source)))  # noqa: B023  (called at once)
    return {"added": len(taken), "add_s_median": round(statistics.median(taken), 5)}


def _measure(engine: VLLMEngine, clip: Clip) -> dict[str, object]:
    names = engine.adapters()
    engine.generate([_ask(clip, names[0])])
    hot = [_timed(lambda: engine.generate([_ask(clip, names[0])])) for _ in range(9)]
    recent = names[-ON_DEVICE - 20 : -ON_DEVICE - 5]
    engine.generate([_ask(clip, name) for name in [*recent, *names[-ON_DEVICE:]]])
    warm = _each(engine, clip, recent)
    cold = _each(engine, clip, names[: max(0, len(names) - IN_MEMORY - ON_DEVICE)][:15])
    spread = [names[i * len(names) // BATCH] for i in range(BATCH)]
    one = _per_second(lambda: engine.generate([_ask(clip, names[0])] * BATCH))
    other = _per_second(lambda: engine.generate([_ask(clip, name) for name in spread]))
    tree = psutil.Process().children(recursive=True)
    return {
        "hot_s": round(statistics.median(hot), 5),
        "warm_s": round(statistics.median(warm), 5),
        "cold_s": round(statistics.median(cold), 5) if cold else None,
        "questions_per_s_one_adapter": one,
        "questions_per_s_each_another": other,
        "worker_rss_mib": round(max(process.memory_info().rss for process in tree) / 2**20),
    }


def _each(engine: VLLMEngine, clip: Clip, names: Sequence[str]) -> list[float]:
    return [_timed(lambda: engine.generate([_ask(clip, name)])) for name in names]  # noqa: B023  (called at once)


def _ask(clip: Clip, name: str) -> RoleRequest:
    return RoleRequest("answerer", clip, "Which shape is it?", max_new_tokens=2, service=Service(answerer=name))


def _random(seed: int, base: Path) -> Adapter:
    generator, shape = torch.Generator().manual_seed(seed), text_shape(base)

    def pair(module: str) -> LoRAPair:
        size = shape.of(module)
        assert size is not None
        a, b = (torch.randn(*s, generator=generator) * 0.05 for s in ((RANK, size[0]), (size[1], RANK)))
        return LoRAPair(a, b, 1.0)

    modules = [f"layers.{layer}.self_attn.{name}" for layer in range(shape.layers) for name in MODULES]
    return Adapter({module: pair(module) for module in modules}, {})


def _per_second(work: Callable[[], object]) -> float:
    return round(BATCH / statistics.median([_timed(work) for _ in range(3)]), 2)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _setup() -> dict[str, object]:
    return {
        "rank": RANK,
        "on_device": ON_DEVICE,
        "in_memory": IN_MEMORY,
        "batch": BATCH,
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "vllm": installed(),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--adapters", type=int, nargs="+", default=[64, 256, 1000])
    return parser.parse_args()


if __name__ == "__main__":
    main()
