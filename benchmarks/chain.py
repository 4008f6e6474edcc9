"""One question asked the published way and ours, on the same bundle and video: `python -m benchmarks.chain --help`.

Both start cold (no frame, no visual token at hand); both answers must be the same. The published way is also timed
with our visual attention, to tell how much of the ratio comes from that alone. A model's calibration is left out,
because it ranks candidates in another order than the published one. Prints the times and their ratios, and appends one
line to `results/chain.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from dataclasses import replace
from pathlib import Path

import torch
import transformers

from benchmarks import published
from videomind.agent import Agent
from videomind.engines.torch_engine import TorchEngine
from videomind.lora_switch.bundle import load_bundle
from videomind.model.visual import encode_view
from videomind.results import Candidate

SCORE_TOLERANCE = 1e-4
RESULTS = Path(__file__).parent / "results" / "chain.jsonl"


def main() -> None:
    args = _arguments()
    bundle = load_bundle(args.model)
    bundle = replace(bundle, manifest=bundle.manifest.model_copy(update={"calibration": None}))
    options = tuple(args.option)
    theirs, gentle, ours = [], [], []
    with Agent(bundle, TorchEngine(bundle, args.device)) as agent:
        slow = published.published_engine(bundle, args.device, published.encode_masked)
        less_slow = published.published_engine(bundle, args.device, encode_view)
        for _ in range(1 + args.repeat):
            began = time.perf_counter()
            reference = published.ask(slow, bundle, args.video, args.question, options)
            theirs.append(time.perf_counter() - began)

            began = time.perf_counter()
            published.ask(less_slow, bundle, args.video, args.question, options)
            gentle.append(time.perf_counter() - began)

            agent.forget()
            began = time.perf_counter()
            result = agent.ask(args.video, args.question, options=options or None)
            ours.append(time.perf_counter() - began)
    theirs, gentle, ours = theirs[1:], gentle[1:], ours[1:]  # the first time libraries warm up
    calls = {call.role: call for call in result.trace.calls}
    same = {
        "plan": result.plan.reply == reference.plan,
        "answer": calls["answerer"].reply == reference.answer,
        "ranking": [_ms(c) for c in result.candidates[: len(reference.candidates)]]
        == [_ms(c) for c in reference.candidates],
        "scores": all(
            abs((a.verified or 0) - (b.verified or 0)) < SCORE_TOLERANCE
            for a, b in zip(result.candidates, reference.candidates, strict=False)
        ),
    }
    line = {
        "benchmark": "chain",
        "model": bundle.manifest.name,
        "video": args.video.name,
        "duration": result.video.duration,
        "question": args.question,
        "published_s": [round(t, 3) for t in theirs],
        "published_with_our_visual_attention_s": [round(t, 3) for t in gentle],
        "ours_s": [round(t, 3) for t in ours],
        "ratio_of_medians": round(statistics.median(theirs) / statistics.median(ours), 2),
        "ratio_with_our_visual_attention": round(statistics.median(gentle) / statistics.median(ours), 2),
        "identical": same,
        "our_timings": result.timings,
        "device": args.device,
        "threads": torch.get_num_threads(),
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    print(f"published way {statistics.median(theirs):.2f} s, ours {statistics.median(ours):.2f} s:", end=" ")
    print(f"{line['ratio_of_medians']}x", end=" ")
    print(f"({line['ratio_with_our_visual_attention']}x with our visual attention on both sides); identical: {same}")
    with RESULTS.open("a") as file:
        file.write(json.dumps(line) + "\n")
    if not all(same.values()):
        raise SystemExit("the results differ")


def _ms(candidate: Candidate) -> tuple[float, float]:
    return round(candidate.start, 3), round(candidate.end, 3)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("video", type=Path)
    parser.add_argument("question")
    parser.add_argument("--option", action="append", default=[])
    parser.add_argument("--model", type=Path, default=None, help="bundle (default: the embedded model)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeat", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
