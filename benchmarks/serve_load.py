"""A server under load, against the bare agent: `python -m benchmarks.serve_load --help`.

Asks the questions of the synthetic benchmark in a closed loop: the agent in this process, one client of a server, and
then eight clients at once, each with a key of its own. Agent and one client take turns, so that both see the same
machine; what else keeps it busy is told (load average at the beginning). Tells latencies (median, 95th percentile),
questions a second, what the server costs over the agent, how even it serves, what fails, in how many questions option
or first candidate (by more than 5 ms) differ from the agent's, and the memory of the server and its child processes
while it runs. Appends one line to `results/serve_load.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from benchmarks.serve_load_table import RESULTS
from videomind.agent import Agent
from videomind.asking import FINDERS
from videomind.client.client import Client
from videomind.evaluation.data import load_samples
from videomind.evaluation.sample import Sample
from videomind.evaluation.tasks.synth import FOLDER, PER_VIDEO, SYNTH, prepare
from videomind.results import Result

SAMPLE_S = 1.0
MIB = 1 << 20
SAME_S = 0.005
"""Results whose first candidates begin and end within that are the same."""


class Bench(NamedTuple):
    """What is asked, and where its videos are."""

    samples: tuple[Sample, ...]
    videos: Path

    def endless(self, seed: int) -> Iterator[Sample]:
        """The videos in an order of one's own, all questions of one before those of the next, again and again."""
        rng = random.Random(seed)
        groups = [self.samples[start : start + PER_VIDEO] for start in range(0, len(self.samples), PER_VIDEO)]
        while True:
            for group in rng.sample(groups, len(groups)):
                yield from rng.sample(group, len(group))

    def ask(self, who: Agent | Client, sample: Sample) -> Result:
        """As `videomind eval run` asks: options with all roles, else only where it is."""
        video, roles = self.videos / sample.video[0], None if sample.options else FINDERS
        return who.ask(video, sample.question, options=sample.options or None, roles=roles)


@dataclass(slots=True)
class Tally:
    """What one caller saw: seconds of each question, results that differ from the agent's, errors."""

    seconds: list[float] = field(default_factory=list)
    differ: int = 0
    errors: list[str] = field(default_factory=list)


def main() -> None:
    args, machine = _arguments(), _machine()
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        data = Path(scratch) / "data"
        prepare(data, args.videos * PER_VIDEO, lambda done, total: None)
        bench = Bench(load_samples(SYNTH, data)[: args.videos * PER_VIDEO], data / FOLDER)
        keys = [_new_key(Path(scratch) / "server", number) for number in range(args.clients)]
        agent = stack.enter_context(Agent.from_pretrained())
        process, url = stack.enter_context(_server(Path(scratch) / "server"))
        clients = [stack.enter_context(Client(url, key)) for key in keys]
        expected = {sample.id: bench.ask(agent, sample) for sample in bench.samples}
        for client in clients:
            for sample in bench.samples[::PER_VIDEO]:
                bench.ask(client, sample)
        with ThreadPoolExecutor(1) as thread:  # as the server calls it: OpenMP spins less in a second team of threads
            bare, alone = thread.submit(_in_turns, bench, agent, clients[0], expected, args).result()
        with _watched(process) as memory:
            began = time.perf_counter()
            together = _at_once(bench, clients, expected, args.seconds)
            took = time.perf_counter() - began
        line = machine | {"clients": args.clients, "seconds": took, "videos": args.videos}
        line |= {"agent": _latencies([bare]), "one_client": _latencies([alone])}
        line |= {"all_clients": _latencies(together) | {"per_second": sum(len(one.seconds) for one in together) / took}}
        line |= _compared(line) | {"fairness": _fairness(together)}
        everyone = [alone, *together]
        line |= {"errors": dict(Counter(error for one in everyone for error in one.errors))}
        line |= {"differ": sum(one.differ for one in [bare, *everyone]), "memory": _flatness(memory)}
    print(json.dumps(line, indent=2))
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _in_turns(
    bench: Bench, agent: Agent, client: Client, expected: dict[str, Result], args: argparse.Namespace
) -> tuple[Tally, Tally]:
    """The agent and one client with the same questions, a video at a time; who is first changes each time."""
    bare, alone = Tally(), Tally()
    until, samples = time.perf_counter() + args.alone, bench.endless(0)
    pairs: list[tuple[Agent | Client, Tally]] = [(agent, bare), (client, alone)]
    while time.perf_counter() < until:
        together = list(islice(samples, PER_VIDEO))
        for who, tally in pairs:
            for sample in together:
                _timed(bench, who, sample, expected, tally)
        pairs.reverse()
    return bare, alone


def _at_once(bench: Bench, clients: Sequence[Client], expected: dict[str, Result], seconds: float) -> list[Tally]:
    """All clients in closed loops, for so many seconds."""
    tallies = [Tally() for _ in clients]
    until = time.perf_counter() + seconds

    def loop(number: int) -> None:
        for sample in bench.endless(number):
            if time.perf_counter() >= until:
                return
            _timed(bench, clients[number], sample, expected, tallies[number])

    threads = [threading.Thread(target=loop, args=(number,)) for number in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tallies


def _timed(bench: Bench, who: Agent | Client, sample: Sample, expected: dict[str, Result], tally: Tally) -> None:
    began = time.perf_counter()
    try:
        result = bench.ask(who, sample)
    except Exception as error:
        tally.errors.append(f"{type(error).__name__}: {error}")
        return
    tally.seconds.append(time.perf_counter() - began)
    tally.differ += not _same(result, expected[sample.id])


def _same(one: Result, other: Result) -> bool:
    options = [None if result.answer is None else result.answer.option for result in (one, other)]
    pairs = zip(one.candidates[:1], other.candidates[:1], strict=True)
    near = (max(abs(a.start - b.start), abs(a.end - b.end)) <= SAME_S for a, b in pairs)
    return options[0] == options[1] and all(near)


def _latencies(tallies: Sequence[Tally]) -> dict[str, Any]:
    """Of all questions: how many, mean, median and 95th percentile in seconds, and the rate of one caller."""
    seconds = [second for tally in tallies for second in tally.seconds]
    return {
        "questions": len(seconds),
        "mean_s": statistics.fmean(seconds),
        "p50_s": statistics.median(seconds),
        "p95_s": statistics.quantiles(seconds, n=20)[-1],
        "per_second": len(seconds) / sum(seconds),
    }


def _compared(line: dict[str, Any]) -> dict[str, Any]:
    """What the server adds to the agent's time for a question: to one client, and per question with all of them."""
    bare = line["agent"]["mean_s"]
    return {
        "overhead": line["one_client"]["mean_s"] / bare - 1,
        "overhead_loaded": 1 / line["all_clients"]["per_second"] / bare - 1,
    }


def _fairness(tallies: Sequence[Tally]) -> dict[str, Any]:
    """Questions of each client, and Jain's index of them: 1 = all the same."""
    counts = [len(one.seconds) for one in tallies]
    return {"questions": counts, "jain": sum(counts) ** 2 / (len(counts) * sum(count**2 for count in counts))}


@contextmanager
def _watched(process: subprocess.Popen[str]) -> Iterator[list[tuple[float, float]]]:
    """(seconds, MiB) of a process with its children, as long as one is inside: resident, shared pages counted once."""
    samples: list[tuple[float, float]] = []
    done, began = threading.Event(), time.perf_counter()

    def watch() -> None:
        while not done.wait(SAMPLE_S):
            samples.append((time.perf_counter() - began, _resident(process.pid) / MIB))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield samples
    finally:
        done.set()
        watching.join()


def _resident(pid: int) -> int:
    server = psutil.Process(pid)
    total = 0
    for one in [server, *server.children(recursive=True)]:
        try:
            total += one.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total


def _flatness(samples: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Memory at the beginning, the end and the highest, and its growth over the second half (MiB a minute)."""
    half = samples[len(samples) // 2 :]
    slope = statistics.linear_regression([at for at, _ in half], [mib for _, mib in half]).slope
    return {
        "first_mib": samples[0][1],
        "last_mib": samples[-1][1],
        "highest_mib": max(mib for _, mib in samples),
        "growth_mib_per_minute": 60 * slope,
        "every_10_s_mib": [round(mib, 1) for _, mib in samples[::10]],
    }


@contextmanager
def _server(data: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`videomind serve` on a free port, and its address, once it is ready."""
    command = _videomind("serve", "--port", "0", "--engine", "torch", "--data", str(data))
    with (data.parent / "server.log").open("w+") as log:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, text=True)
        try:
            yield process, _address(process, lambda: Path(log.name).read_text())
        finally:
            process.terminate()
            process.wait()


def _address(process: subprocess.Popen[str], said: Callable[[], str]) -> str:
    while process.poll() is None:
        if found := re.search(r" on (http://\S+) \(torch\)", said()):
            return found[1]
        time.sleep(0.1)
    raise RuntimeError(f"the server does not start: {said()}")


def _new_key(data: Path, number: int) -> str:
    command = _videomind("keys", "add", f"client-{number}", "--data", str(data))
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _videomind(*args: str) -> list[str]:
    return [sys.executable, "-m", "videomind.cli", *args]


def _machine() -> dict[str, Any]:
    return {
        "when": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} processors",
        "busy_before": os.getloadavg()[0],
        "python": platform.python_version(),
        "torch": version("torch"),
        "gradio": version("gradio"),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=8, help="clients at once")
    parser.add_argument("--seconds", type=float, default=120, help="how long they ask")
    parser.add_argument("--alone", type=float, default=60, help="seconds for the agent and one client in turns")
    parser.add_argument("--videos", type=int, default=3, help="videos, eight questions each")
    return parser.parse_args()


if __name__ == "__main__":
    main()
