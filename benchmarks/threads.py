"""What a second core is worth to a question: `python -m benchmarks.threads --help`.

The torch engine on one thread and on two, in turns, each time with empty caches: the first question about a video, and
the mean of the next ones. Appends one line to `results/threads.jsonl`: seconds (median of the turns), and how many
times as long one thread takes.
"""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path

import torch

from benchmarks.compared import arguments, setup, subject
from videomind.agent import Agent
from videomind.engines.torch_engine import TorchEngine

RESULTS = Path(__file__).parent / "results" / "threads.jsonl"
THREADS, FOLLOWING = (1, 2), 4


def main() -> None:
    args = arguments(__doc__, repeat=5).parse_args()
    bundle, video, questions = subject(args.subject, args.work)
    cold: dict[int, list[float]] = {threads: [] for threads in THREADS}
    following: dict[int, list[float]] = {threads: [] for threads in THREADS}
    with Agent(bundle, TorchEngine(bundle, device="cpu")) as agent:
        for turn in range(args.warm_up + args.repeat):
            for threads in THREADS:
                torch.set_num_threads(threads)
                agent.forget()
                seconds = [_seconds(agent, video, question) for question in questions[: 1 + FOLLOWING]]
                if turn >= args.warm_up:
                    cold[threads].append(seconds[0])
                    following[threads].append(statistics.fmean(seconds[1:]))
    line = {"benchmark": "threads", "subject": args.subject, "turns": args.repeat, **setup()}
    for name, times in (("cold", cold), ("following", following)):
        medians = {threads: statistics.median(seconds) for threads, seconds in times.items()}
        line[name] = {"seconds": medians, "one_over_two": medians[1] / medians[2]}
    print(json.dumps(line, indent=2))
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _seconds(agent: Agent, video: Path, question: str) -> float:
    began = time.perf_counter()
    agent.ask(video, question)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
