"""Batch evaluation against one question after another: `python -m benchmarks.eval_run --help`.

Asks the same synthetic questions (eight a video) with `videomind eval run` and one by one with an agent in one process,
in the order of the file and shuffled, and prints questions a second, their ratios, and in how many questions option or
moment (to a hundredth of a second) differ. With `--kills N` it also kills the run up to N times at random (SIGKILL),
goes on each time until it is finished, and compares the final file with that of the undisturbed run. Appends one line
to `results/eval_run.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from videomind.agent import Agent
from videomind.asking import FINDERS
from videomind.evaluation.data import load_samples
from videomind.evaluation.sample import Sample
from videomind.evaluation.tasks.synth import FOLDER, SYNTH, prepare
from videomind.results import Result

RESULTS = Path(__file__).parent / "results" / "eval_run.jsonl"
PREDICTIONS = Path("synth") / "predictions.jsonl"
TIMES = frozenset({"seconds", "timings"})


def main() -> None:
    args = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        prepare(data, args.limit, lambda done, total: None)
        samples = load_samples(SYNTH, data)[: args.limit]
        shuffled = random.Random(0).sample(samples, len(samples))
        times: dict[str, list[float]] = {"one by one": [], "one by one, shuffled": [], "eval run": [], "command": []}
        for turn in range(args.repeat):
            seconds, alone = _one_by_one(samples, data)
            times["one by one"].append(seconds)
            times["one by one, shuffled"].append(_one_by_one(shuffled, data)[0])
            began = time.perf_counter()
            _command(data, Path(scratch) / f"run{turn}", args).wait()
            times["command"].append(time.perf_counter() - began)
            times["eval run"].append(json.loads((Path(scratch) / f"run{turn}" / "run.json").read_bytes())["seconds"])
        line = _machine() | {"questions": len(samples), "workers": args.workers, "repeat": args.repeat}
        line |= {"questions_per_second": {name: len(samples) / statistics.median(took) for name, took in times.items()}}
        rates = line["questions_per_second"]
        line["ratio"] = {name: rates["eval run"] / rates[name] for name in ("one by one", "one by one, shuffled")}
        line["differ"] = _differing(alone, Path(scratch) / "run0" / PREDICTIONS)
        if args.kills:
            asking = statistics.median(times["eval run"])
            startup = statistics.median(times["command"]) - asking
            line["resume"] = _killed(data, Path(scratch), args, (startup / 2, startup + 4 * asking / args.kills))
    print(json.dumps(line, indent=2))
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _one_by_one(samples: tuple[Sample, ...] | list[Sample], data: Path) -> tuple[float, dict[str, Result]]:
    """Seconds, without loading the model; and the result of each sample."""
    results: dict[str, Result] = {}
    with Agent.from_pretrained() as agent:
        agent.ask(data / FOLDER / samples[0].video[0], "What colour is the circle?")
        agent.forget()
        began = time.perf_counter()
        for sample in samples:
            roles = None if sample.options else FINDERS
            video = data / FOLDER / sample.video[0]
            results[sample.id] = agent.ask(video, sample.question, options=sample.options, roles=roles)
        return time.perf_counter() - began, results


def _differing(alone: dict[str, Result], predictions: Path) -> int:
    """Samples whose option or first candidate is another than where they were asked one by one."""
    lines = [json.loads(line) for line in predictions.read_text().splitlines()]
    return sum(_seen(line["result"]) != _seen(alone[line["id"]].to_json()) for line in lines)


def _seen(result: dict[str, Any]) -> tuple[Any, ...]:
    first = [(round(one["start"], 2), round(one["end"], 2)) for one in result["candidates"][:1]]
    return (result["answer"] or {}).get("option"), first


def _command(data: Path, output: Path, args: argparse.Namespace) -> subprocess.Popen[bytes]:
    """Its own process group, so that a kill of the group would reach workers too; here only the command is killed."""
    command = [sys.executable, "-m", "videomind.cli", "eval", "run", "--tasks", "synth", "--limit", str(args.limit)]
    command += ["--data", str(data), "--output", str(output)]
    if args.workers:
        command += ["--workers", str(args.workers)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def _killed(data: Path, scratch: Path, args: argparse.Namespace, after: tuple[float, float]) -> dict[str, Any]:
    """The run killed at random moments: how often, and whether its file is that of the undisturbed one up to times.

    Args:
        after: seconds from a start to its kill, at least and at most.
    """
    output, rng = scratch / "killed", random.Random(1)
    predictions = output / PREDICTIONS
    kills, lines = 0, []
    for _ in range(args.kills):
        running = _command(data, output, args)
        try:
            running.wait(rng.uniform(*after))
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
            kills += 1
            lines.append(_lines(predictions))
    _command(data, output, args).wait()
    reference = (scratch / "run0" / PREDICTIONS).read_text().splitlines()
    same = [_timeless(json.loads(line)) for line in predictions.read_text().splitlines()] == [
        _timeless(json.loads(line)) for line in reference
    ]
    return {"kills": kills, "lines_at_each": lines, "equal_up_to_times": same}


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(part) for key, part in value.items() if key not in TIMES}
    return [_timeless(part) for part in value] if isinstance(value, list) else value


def _machine() -> dict[str, Any]:
    return {
        "when": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} processors",
        "python": platform.python_version(),
        "torch": version("torch"),
        "transformers": version("transformers"),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=200, help="questions")
    parser.add_argument("--repeat", type=int, default=3, help="times; the median counts")
    parser.add_argument("--workers", type=int, help="default: as `videomind eval run`")
    parser.add_argument("--kills", type=int, default=0, help="how often to kill the run")
    return parser.parse_args()


if __name__ == "__main__":
    main()
