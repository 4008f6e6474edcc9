"""vLLM on one GPU with a random model of published shape: `python -m benchmarks.gpu_vllm STAGE --work DIR --out DIR`.

bundle       write the models: plain LoRA as published, and activated LoRA with one shared view
parity       vLLM against our torch engine in every way to start it (--variant, --bundle narrow it down)
throughput   a batch of mixed roles against a batch of one role and of the base
latency      a whole chain, and a second role on a shared view, against the arithmetic of their prefills
report       the tables of the result lines, as Markdown

Results are appended to DIR/gpu_vllm.jsonl, line by line as they are there. `scripts/gpu_vllm.sh` runs all of it on a
bare machine. `--size tiny` is the same scaled down for a CPU.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.gpu import latency, lines, parity, throughput
from benchmarks.gpu.bundle import KINDS, write_bundles
from benchmarks.gpu.engines import Settings, in_effect, started
from benchmarks.gpu.exam import sit
from benchmarks.gpu.floor import measure_peak
from benchmarks.gpu.report import report
from benchmarks.gpu.sizes import SIZES
from videomind.engines.device import pick_device
from videomind.lora_switch.bundle import load_bundle
from videomind.lora_switch.vllm_plugin.versions import check_version
from videomind.model.prompt import PromptEncoder


def main() -> None:
    args = _arguments()
    STAGES[args.stage](args)


def write(args: argparse.Namespace) -> None:
    """Stage `bundle`."""
    for kind, folder in write_bundles(args.work / args.size, SIZES[args.size], pick_device("auto")).items():
        load_bundle(folder)
        print(f"{kind}: {folder}")


def compare(args: argparse.Namespace) -> None:
    """Stage `parity`."""
    size, device = SIZES[args.size], pick_device("auto")
    failed = []
    for kind in args.bundle:
        folder = args.work / size.name / kind
        exam, expected, own = parity.reference(folder, size, device, args.videos)
        limits = parity.allowed(size.dtype, own)
        encoder = PromptEncoder(load_bundle(folder).processor, merge=2)
        for variant in args.variant:
            with started(folder, size.dtype, parity.settings(variant, size)) as engine:
                for turn in ("cold", "from cache"):
                    found = parity.deviation(given := sit(engine, exam, encoder), expected)
                    line = {
                        "stage": "parity",
                        "size": size.name,
                        "dtype": size.dtype,
                        "bundle": kind,
                        "variant": variant,
                        "turn": turn,
                        **in_effect(engine),
                        "vllm_deviation": found._asdict(),
                        "torch_deviation": own._asdict() if own else None,
                        "allowed": limits,
                        "passed": parity.passes(found, limits),
                        "prompt_tokens": sum(one.usage.prompt_tokens for one in given.groundings),
                        "cached_tokens": sum(one.usage.cached_tokens for one in given.groundings),
                    }
                    lines.append(args.out, line)
                    print(f"{kind}, {variant}, {turn}: {found} {'ok' if line['passed'] else 'FAILED'}", flush=True)
                    failed += [] if line["passed"] else [f"{kind}, {variant}, {turn}"]
    if failed:
        raise SystemExit(f"beyond the tolerance: {'; '.join(failed)}")


def load(args: argparse.Namespace) -> None:
    """Stage `throughput`."""
    size = SIZES[args.size]
    folder = args.work / size.name / "plain"
    with started(folder, size.dtype, Settings()) as engine:
        taken = list(throughput.runs(engine, load_bundle(folder), size, args.batch, args.repeat))
    for what, crowd in dict.fromkeys((run.load, run.crowd) for run in taken):
        same = [run for run in taken if (run.load, run.crowd) == (what, crowd)]
        line = {
            "stage": "throughput",
            "size": size.name,
            "dtype": size.dtype,
            "load": what,
            "crowd": crowd,
            "batch": args.batch,
            "tokens": same[0].tokens,
            "seconds": [round(run.seconds, 4) for run in same],
            "tokens_per_s": [round(run.rate, 1) for run in same],
        }
        lines.append(args.out, line)
        print(what, crowd, line["tokens_per_s"], flush=True)


def time_chains(args: argparse.Namespace) -> None:
    """Stage `latency`."""
    size, device = SIZES[args.size], pick_device("auto")
    peak = measure_peak(device, getattr(torch, size.dtype))
    print(peak, flush=True)
    for kind in args.bundle:
        folder = args.work / size.name / kind
        with started(folder, size.dtype, Settings()) as engine:
            taken = list(latency.runs(engine, load_bundle(folder), size, args.repeat))
        for line in latency.summary(taken, size, peak):
            lines.append(args.out, {"stage": "latency", "bundle": kind, **line})
            print(kind, line["what"], line["engine_s"], f"floor {line['floor_s']:.3g} s", flush=True)


def show(args: argparse.Namespace) -> None:
    """Stage `report`."""
    tables = report(lines.read([args.out / lines.FILE]))
    (args.out / "gpu_vllm.md").write_text(tables)
    print(tables)


STAGES: dict[str, Callable[[argparse.Namespace], None]] = {
    "bundle": write,
    "parity": compare,
    "throughput": load,
    "latency": time_chains,
    "report": show,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--work", type=Path, default=Path("runs/gpu_vllm"), help="where the models are kept")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu_vllm"), help="where the results go")
    parser.add_argument("--size", choices=SIZES, default="2b")
    parser.add_argument("--bundle", choices=KINDS, action="append", help="only this one (parity, latency)")
    parser.add_argument("--variant", choices=parity.VARIANTS, action="append", help="only this one (parity)")
    parser.add_argument("--videos", type=int, default=3, help="videos that are asked about (parity)")
    parser.add_argument("--batch", type=int, default=64, help="requests in a batch (throughput)")
    parser.add_argument("--repeat", type=int, default=5, help="times that are counted (throughput, latency)")
    args = parser.parse_args()
    args.bundle = args.bundle or list(KINDS)
    args.variant = args.variant or list(parity.VARIANTS)
    if args.stage not in ("bundle", "report"):
        check_version()
    return args


if __name__ == "__main__":
    main()
