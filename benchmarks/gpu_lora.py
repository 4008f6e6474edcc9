"""Batched multi-LoRA and the torch engine on one GPU: `python -m benchmarks.gpu_lora STAGE --work DIR --out DIR`.

kernels      our kernels against float64; then against plain torch, vLLM's own, PEFT, and the floor of the device
chain        whole chains on the torch engine, random weights of published shape, against their prefills' arithmetic
report       the tables of the result lines, as Markdown

Results are appended to DIR/gpu_lora.jsonl, line by line as they are there. `scripts/gpu_lora.sh` runs all of it on a
bare machine. `--size tiny` is the same scaled down for a CPU; with TRITON_INTERPRET=1 our CUDA kernels are interpreted
there. The stage `kernels` needs no more than PyTorch, transformers and PEFT.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.gpu import lines
from benchmarks.gpu.floor import Peak, measure_peak
from benchmarks.gpu.lora_layer import SHAPES, Layer, Load, exact, flop, loads, make_layer, moved_bytes, routing
from benchmarks.gpu.lora_report import report
from benchmarks.gpu.lora_rivals import rivals
from benchmarks.gpu.sizes import SIZES
from videomind.engines.device import pick_device

BENCHMARK = "gpu_lora"
BUNDLES = ("plain", "alora")
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DTYPES = {"2b": (torch.bfloat16, torch.float16, torch.float32), "tiny": (torch.float32,)}
ALLOWED = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 6e-2}
"""Largest difference from float64 that our kernels may have; outputs are of about length 1."""


def main() -> None:
    args = _arguments()
    STAGES[args.stage](args)


@torch.inference_mode()
def compare(args: argparse.Namespace) -> None:
    """Stage `kernels`: a batch is only timed after its result has been compared."""
    device, failed = pick_device("auto"), []
    for dtype in DTYPES[args.size]:
        peak = measure_peak(device, dtype)
        print(dtype, peak, flush=True)
        for shape in SHAPES[args.size]:
            layer = make_layer(shape, device, dtype)
            ways = dict(rivals(layer, INTERPRETED))
            for load in loads(args.size):
                line = {"stage": "kernels", "size": args.size, "dtype": str(dtype).removeprefix("torch.")}
                line |= {**shape._asdict(), **load._asdict(), "peak": peak._asdict(), "interpreted": INTERPRETED}
                line |= _floor(layer, load, peak)
                line["ways"] = {name: _tried(way, layer, load, args.repeat) for name, way in ways.items()}
                line["passed"] = line["ways"]["ours"].get("deviation", float("inf")) <= ALLOWED[dtype]
                lines.append(args.out, line, BENCHMARK)
                print(dtype, shape.hidden, *load, line["ways"], "ok" if line["passed"] else "FAILED", flush=True)
                failed += [] if line["passed"] else [f"{dtype}, {shape}, {load}"]
    if failed:
        raise SystemExit(f"beyond the tolerance: {'; '.join(failed)}")


def time_chains(args: argparse.Namespace) -> None:
    """Stage `chain`: the torch engine alone, through the contract that every engine has."""
    from benchmarks.gpu import latency
    from benchmarks.gpu.bundle import write_bundles
    from videomind.engines.torch_engine import TorchEngine
    from videomind.lora_switch.bundle import load_bundle

    size, device = SIZES[args.size], pick_device("auto")
    peak = measure_peak(device, getattr(torch, size.dtype))
    folders = write_bundles(args.work / size.name, size, device)
    for kind in args.bundle:
        bundle = load_bundle(folders[kind])
        engine = TorchEngine(bundle, dtype=size.dtype)
        try:
            taken = list(latency.runs(engine, bundle, size, args.repeat))
        finally:
            engine.close()
        for line in latency.summary(taken, size, peak):
            lines.append(args.out, {"stage": "chain", "bundle": kind, **line}, BENCHMARK)
            print(kind, line["what"], line["engine_s"], f"floor {line['floor_s']:.3g} s", flush=True)


def show(args: argparse.Namespace) -> None:
    """Stage `report`."""
    tables = report(lines.read([args.out / f"{BENCHMARK}.jsonl"]))
    (args.out / f"{BENCHMARK}.md").write_text(tables)
    print(tables)


def _floor(layer: Layer, load: Load, peak: Peak) -> dict[str, float]:
    moved, operations = moved_bytes(layer, load), flop(layer, load)
    floor = max(moved / 1e12 / peak.tbytes, operations / 1e12 / peak.tflops)
    return {"bytes": moved, "flop": operations, "floor_us": 1e6 * floor}


def _tried(way: Callable[..., Callable[[], Tensor]], layer: Layer, load: Load, repeat: int) -> dict[str, object]:
    """Deviation from float64 and microseconds; what went wrong where a rival does not take the batch."""
    device, dtype = layer.stack.a.device, layer.stack.a.dtype
    torch.manual_seed(lines.SEED)
    x = torch.randn(load.tokens, layer.shape.hidden, device=device).to(dtype)
    y = torch.randn(load.tokens, sum(layer.shape.outs), device=device).to(dtype)
    wanted = routing(load, device)
    try:
        given = way(y.clone(), x, wanted)()
        deviation = float((given.double() - exact(y, x, layer, wanted.index)).abs().max())
        return {"deviation": deviation, "us": 1e6 * _seconds(way(y, x, wanted), device, repeat)}
    except Exception as error:  # another project's kernel must not end the run
        return {"error": f"{type(error).__name__}: {error}"[:300]}


def _seconds(run: Callable[[], object], device: torch.device, repeat: int) -> float:
    """The median of some runs; on a GPU by its own clock, with its cache emptied before each."""
    if device.type == "cuda":
        from triton.testing import do_bench

        return float(do_bench(run, warmup=5, rep=10 * repeat, return_mode="median")) / 1000
    taken = []
    for _ in range(1 + repeat):
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])


STAGES: dict[str, Callable[[argparse.Namespace], None]] = {"kernels": compare, "chain": time_chains, "report": show}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--work", type=Path, default=Path("runs/gpu_lora"), help="where the models are kept")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu_lora"), help="where the results go")
    parser.add_argument("--size", choices=SHAPES, default="2b")
    parser.add_argument("--bundle", choices=BUNDLES, action="append", help="only this one (chain)")
    parser.add_argument(
        "--repeat", type=int, default=5, help="times that are counted; of kernels, tens of milliseconds"
    )
    args = parser.parse_args()
    args.bundle = args.bundle or list(BUNDLES)
    return args


if __name__ == "__main__":
    main()
