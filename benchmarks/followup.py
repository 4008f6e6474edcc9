"""Further questions about a video, the published way and ours: `python -m benchmarks.followup --help`.

Timed, on the same weights and video: a second question, and sixteen questions (ours with `Agent.ask_many`, with nothing
at hand before the first of them). The published way keeps nothing between questions, so where it is slow a few of the
sixteen tell its rate. All results must be the same. Appends one line to `results/followup.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

from benchmarks import published
from benchmarks.compared import QUESTIONS, arguments, same, setup, subject
from videomind.agent import Agent
from videomind.asking import Question
from videomind.engines.torch_engine import TorchEngine
from videomind.results import Result

RESULTS = Path(__file__).parent / "results" / "followup.jsonl"


def main() -> None:
    args = _arguments()
    asked = subject(args.subject, args.work)
    system = published.PublishedSystem(asked.bundle, "cpu", published.encode_masked)
    for _ in range(args.warm_up):
        published.ask(system, asked.bundle, asked.video, asked.questions[0], ())
    theirs, references = [], []
    for question in asked.questions[1 : 1 + args.published]:
        began = time.perf_counter()
        references.append(published.ask(system, asked.bundle, asked.video, question, ()))
        theirs.append(time.perf_counter() - began)
        print(f"published way {theirs[-1]:.2f} s", flush=True)
    second: list[float] = []
    every: list[float] = []
    with Agent(asked.bundle, TorchEngine(asked.bundle, "cpu")) as agent:
        for turn in range(args.warm_up + args.repeat):
            agent.forget()
            agent.ask(asked.video, asked.questions[0])
            began = time.perf_counter()
            result = agent.ask(asked.video, asked.questions[1])
            second.append(time.perf_counter() - began)
            agent.forget()
            began = time.perf_counter()
            found = dict(agent.ask_many([(asked.video, Question(question)) for question in asked.questions]))
            every.append(time.perf_counter() - began)
            print(f"turn {turn}: second {second[-1]:.3f} s, {QUESTIONS} questions {every[-1]:.2f} s", flush=True)
    results = [_result(found[place]) for place in range(1, 1 + len(references))]
    identical = same([result, *results], [references[0], *references])
    ours, rate = statistics.median(second[args.warm_up :]), QUESTIONS / statistics.median(every[args.warm_up :])
    line = {
        "benchmark": "followup",
        "subject": args.subject,
        "duration": result.video.duration,
        "published_s": [round(t, 3) for t in theirs],
        "second_s": [round(t, 4) for t in second[args.warm_up :]],
        "all_s": [round(t, 3) for t in every[args.warm_up :]],
        "questions": QUESTIONS,
        "second_ratio": round(theirs[0] / ours, 2),
        "rate_ratio": round(statistics.mean(theirs) * rate, 2),
        "identical": identical,
        "second_timings": result.timings,
        "second_reuse": result.reuse,
        **setup(),
    }
    print(f"second question: {theirs[0]:.2f} s, ours {ours:.3f} s: {line['second_ratio']}x")
    print(f"{QUESTIONS} questions: {1 / statistics.mean(theirs):.3f}/s, ours {rate:.2f}/s: {line['rate_ratio']}x")
    print(f"identical: {identical}; the second question reused {result.reuse}")
    with RESULTS.open("a") as file:
        file.write(json.dumps(line) + "\n")
    if not all(identical.values()):
        raise SystemExit("the results differ")


def _result(found: Result | Exception) -> Result:
    if isinstance(found, Exception):
        raise found
    return found


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__, repeat=3)
    parser.add_argument("--published", type=int, default=QUESTIONS - 1, help="questions asked the published way")
    return parser.parse_args()


if __name__ == "__main__":
    main()
