"""One question asked the published way and ours, on the same weights and video: `python -m benchmarks.chain --help`.

Both start cold (no frame, no visual token, no KV, no reply at hand); both results must be the same. The published way
is also timed with our visual attention, to tell how much of the ratio comes from that alone. Prints the times and
their ratios, and appends one line to `results/chain.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

from benchmarks import published
from benchmarks.compared import Subject, arguments, same, setup, subject, uncalibrated
from videomind.agent import Agent
from videomind.engines.torch_engine import TorchEngine
from videomind.lora_switch.bundle import load_bundle
from videomind.model.visual import encode_view

RESULTS = Path(__file__).parent / "results" / "chain.jsonl"


def main() -> None:
    args = _arguments()
    name = str(args.model) if args.video else args.subject
    asked = _asked(args)
    theirs, gentle, ours = [], [], []
    with Agent(asked.bundle, TorchEngine(asked.bundle, "cpu")) as agent:
        slow = published.PublishedSystem(asked.bundle, "cpu", published.encode_masked)
        less_slow = published.PublishedSystem(asked.bundle, "cpu", encode_view)
        question, options = asked.questions[0], tuple(args.option)
        for turn in range(args.warm_up + args.repeat):
            began = time.perf_counter()
            reference = published.ask(slow, asked.bundle, asked.video, question, options)
            theirs.append(time.perf_counter() - began)

            began = time.perf_counter()
            published.ask(less_slow, asked.bundle, asked.video, question, options)
            gentle.append(time.perf_counter() - began)

            agent.forget()
            began = time.perf_counter()
            result = agent.ask(asked.video, question, options=options or None)
            ours.append(time.perf_counter() - began)
            print(f"turn {turn}: {theirs[-1]:.2f} s, {gentle[-1]:.2f} s, ours {ours[-1]:.2f} s", flush=True)
    theirs, gentle, ours = (taken[args.warm_up :] for taken in (theirs, gentle, ours))
    found = same([result], [reference])
    line = {
        "benchmark": "chain",
        "model": name,
        "video": asked.video.name,
        "duration": result.video.duration,
        "question": question,
        "published_s": [round(t, 3) for t in theirs],
        "published_with_our_visual_attention_s": [round(t, 3) for t in gentle],
        "ours_s": [round(t, 3) for t in ours],
        "ratio_of_medians": round(statistics.median(theirs) / statistics.median(ours), 2),
        "ratio_with_our_visual_attention": round(statistics.median(gentle) / statistics.median(ours), 2),
        "identical": found,
        "our_timings": result.timings,
        **setup(),
    }
    print(f"published way {statistics.median(theirs):.2f} s, ours {statistics.median(ours):.2f} s:", end=" ")
    print(f"{line['ratio_of_medians']}x", end=" ")
    print(f"({line['ratio_with_our_visual_attention']}x with our visual attention on both sides); identical: {found}")
    with RESULTS.open("a") as file:
        file.write(json.dumps(line) + "\n")
    if not all(found.values()):
        raise SystemExit("the results differ")


def _asked(args: argparse.Namespace) -> Subject:
    if args.video is None:
        return subject(args.subject, args.work)
    return Subject(uncalibrated(load_bundle(args.model)), args.video, [args.question])


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__, repeat=3)
    parser.add_argument("--model", type=Path, help="another bundle, with --video and --question")
    parser.add_argument("--video", type=Path)
    parser.add_argument("--question", default="What happens?")
    parser.add_argument("--option", action="append", default=[])
    return parser.parse_args()


if __name__ == "__main__":
    main()
