"""Long videos: is the right moment found, how long does it take, and does memory stay bounded?

    python -m benchmarks.long_videos [--minutes 10 60 180] [--modes whole windows scan] [--asked 10]

Videos are made of synthetic scenes one behind the other (`videomind.synth.reel`): every query is true of exactly one
event, or of none. The embedded model is asked, each length and way to look in a process of its own, cold, with one
thread; frames have 112 pixels, a frame that can be decoded alone comes every two seconds. Appends one line per length
and way to benchmarks/results/long_videos.jsonl, and prints the table of docs/long-videos.md from these lines.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import time
from bisect import bisect_left
from collections.abc import Sequence
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil
import torch

from videomind.agent import Agent
from videomind.calls import Calls, Outcome
from videomind.grounding import glimpse
from videomind.results import Candidate, Result
from videomind.roles.grounder import clean_query
from videomind.roles.long import Long, even_frames, scan_frames, views_worth
from videomind.roles.spans import temporal_iou
from videomind.roles.windows import Span
from videomind.synth.reel import Reel, ReelQuery, compose
from videomind.synth.reel_file import write_reel
from videomind.synth.world import World
from videomind.task import Task
from videomind.vision.base import VideoReader
from videomind.vision.cache import FrameCache
from videomind.vision.reader import open_video

RESULTS = Path(__file__).parent / "results" / "long_videos.jsonl"
WORLD = World(fps=6.0)
"""As the embedded model knows it, at six frames a second: it looks at three."""
KEY_SECONDS = 2.0
Record = dict[str, Any]


def main() -> None:
    """Make the videos, ask about them, append the lines and print the table."""
    options = _parser().parse_args()
    lines = []
    with TemporaryDirectory(prefix="long-videos-") as temporary:
        for minutes in options.minutes:
            asked = options.asked if minutes <= 60 else max(1, options.asked // 2)
            reel = compose(options.seed + minutes, 60.0 * minutes, asked, asked, WORLD)
            path = (options.folder or Path(temporary)) / f"{options.seed}-{minutes}-{asked}.mp4"
            if not path.exists():
                write_reel(reel, path, 112, KEY_SECONDS, options.workers)
            for mode in options.modes:
                with get_context("spawn").Pool(1) as process:
                    found = process.apply(ask_all, (reel, path, mode, options.most))
                line = {"benchmark": "long_videos", "minutes": minutes, "mode": mode, **found, **_setting(options)}
                lines.append(line)
                print(json.dumps({key: line[key] for key in line if key != "queries"}), flush=True)
                with options.out.open("a") as out:
                    out.write(json.dumps(line) + "\n")
    print(table(lines))


def ask_all(reel: Reel, path: Path, mode: Long, most: int | None = None) -> Record:
    """The first `most` queries of each kind about one video in one way, in a process that has done nothing else."""
    torch.set_num_threads(1)
    with Agent.from_pretrained(device="cpu") as agent:
        before = psutil.Process().memory_info().rss
        records = [_ask(agent, query, path, mode) for query in _alternating(reel.queries, most)]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        there, absent = ([r for r in records if r["there"] is there] for there in (True, False))
        more = _scan_errors(agent, reel, path) if mode == "scan" else {}
        if mode != "whole":
            more |= {"rules": _rules(agent, reel, records)}
    return {
        "seconds_cold": records[0]["seconds"],
        "seconds_second": records[1]["seconds"],
        "seconds_median": median(r["seconds"] for r in records),
        "memory_growth_mb": round((peak - before) / 1e6),
        "views": fmean(r["views"] for r in records),
        "there": len(there),
        "window_recall": fmean(r["window"] for r in there),
        "recall_at_5": fmean(r["oracle"] >= 0.5 for r in there),
        "r1_at_0.5": fmean(r["iou"] >= 0.5 for r in there),
        "miou": fmean(r["iou"] for r in there),
        "said_to_be_there": fmean(r["found"] for r in there),
        "absent": len(absent),
        "false_alarms": fmean(r["found"] for r in absent),
        **more,
        "queries": records,
    }


def _ask(agent: Agent, query: ReelQuery, path: Path, mode: Long) -> Record:
    began = time.perf_counter()
    result = agent.find(path, query.text, top_k=100, long=mode)
    seconds = time.perf_counter() - began
    looks = [call for call in result.trace.calls if call.role == "grounder"]
    fps = agent.bundle.roles["grounder"].spec.view.fps
    record: Record = {"text": query.text, "there": query.span is not None, "found": bool(result.moments)}
    record |= {"seconds": round(seconds, 3), "views": len(looks), "presence": result.presence or 1e-9}
    if query.span is not None:
        iou = [_iou(c, query.span) for c in result.trace.grounded[:5]]
        record |= {"iou": _iou(result.candidates[0], query.span), "oracle": max(iou, default=0.0)}
        record |= {"span": query.span, "window": _was_looked_at(result, query.span, fps)}
    return record


def _was_looked_at(result: Result, span: Span, fps: float) -> bool:
    """Whether a view as dense as the grounder wants it, or nearly, shows the whole moment."""
    looks = [call for call in result.trace.calls if call.role == "grounder"]
    close = [call.span for call in looks if len(set(call.frames)) > fps / 1.5 * (call.span[1] - call.span[0])]
    return any(start <= span[0] and span[1] <= end for start, end in close)


def _rules(agent: Agent, reel: Reel, records: Sequence[Record]) -> dict[str, Record]:
    """What would be said if 0, ½ or 1 times log n were taken off the logit of presence, for n views' worth of video."""
    calibration, view = agent.bundle.calibration, agent.bundle.roles["grounder"].spec.view
    assert calibration is not None
    assert calibration.verified is not None
    log_n, least = math.log(views_worth(reel.duration, view)), _logit(calibration.verified.presence.threshold)
    shares: dict[str, Record] = {}
    for factor in (0.0, 0.5, 1.0):
        said = [(r["there"], _logit(r["presence"]) + (0.5 - factor) * log_n >= least) for r in records]
        shares[str(factor)] = {
            "said_to_be_there": fmean(yes for there, yes in said if there),
            "false_alarms": fmean(yes for there, yes in said if not there),
        }
    return shares


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def _scan_errors(agent: Agent, reel: Reel, path: Path) -> Record:
    """How far key frames are from evenly spaced ones, what they cost, and how far off moments are by them alone."""
    with open_video(path) as reader:
        view = agent.bundle.roles["grounder"].spec.view
        keys = None if reader.key_frames is None else reader.key_frames.tolist()
        seen = scan_frames(reader.num_frames, reader.fps, view, keys)
        wanted = even_frames(reader.num_frames, reader.fps, view.fps)
        with reader.by_key_frames() as keyed:
            cheap = _cpu_seconds(keyed, seen)
        nearest = np.array([min(abs(a - b) for b in _around(seen, a)) for a in wanted]) / reader.fps
        errors = [_glimpse_error(agent, reader, query.text, query.span) for query in reel.queries if query.span]
        seen_at_all = [error for error in errors if error is not None]
        return {
            "key_frame_error_mean_s": round(float(nearest.mean()), 3),
            "key_frame_error_max_s": round(float(nearest.max()), 3),
            "glimpsed": len(seen_at_all),
            "glimpse_error_s": round(median(seen_at_all), 3) if seen_at_all else None,
            "decode_key_frames_cpu_s": cheap,
            "decode_windows_cpu_s": _cpu_seconds(reader, wanted),
        }


def _around(numbers: Sequence[int], number: int) -> Sequence[int]:
    place = bisect_left(numbers, number)
    return numbers[max(place - 1, 0) : place + 1]


def _glimpse_error(agent: Agent, reader: VideoReader, text: str, span: Span) -> float | None:
    """Seconds between the middle of a moment and that of the best candidate over it, by key frames alone."""
    specs = {name: role.spec for name, role in agent.bundle.roles.items()}
    steps = glimpse(Calls(specs, reader, FrameCache(1 << 28), Task(text)), clean_query(text))
    call = next(steps)
    while True:
        try:
            call = steps.send(Outcome(agent.engine.ground(call.requests), 0.0))
        except StopIteration as end:
            over = [c for c in end.value if c.start < span[1] and c.end > span[0]]
            return abs(over[0].start + over[0].end - sum(span)) / 2 if over else None


def _cpu_seconds(reader: VideoReader, numbers: Sequence[int]) -> float:
    """CPU seconds of this process for decoding these frames."""
    began = time.process_time()
    for start in range(0, len(numbers), 256):
        reader.frames_at(numbers[start : start + 256])
    return round(time.process_time() - began, 3)


def _alternating(queries: Sequence[ReelQuery], most: int | None) -> list[ReelQuery]:
    """What is there and what is not, by turns."""
    there, absent = ([query for query in queries if (query.span is not None) is there] for there in (True, False))
    return [query for pair in zip(there[:most], absent[:most], strict=True) for query in pair]


def _iou(candidate: Candidate, span: Span) -> float:
    return round(temporal_iou((candidate.start, candidate.end), span), 4)


def table(lines: Sequence[Record]) -> str:
    """The lines as Markdown."""
    heads = "minutes, way, views, moment seen whole, among the five verified, R1@0.5, mIoU, said to be there, "
    heads += "false alarms, s cold, s second, memory"
    rows = [f"| {' | '.join(heads.split(', '))} |", "|---" * 12 + "|"]
    for line in lines:
        cells = [
            f"{line['minutes']}",
            line["mode"],
            f"{line['views']:.0f}",
            *(f"{line[key]:.2f}" for key in ("window_recall", "recall_at_5", "r1_at_0.5", "miou", "said_to_be_there")),
            f"{line['false_alarms']:.2f}",
            f"{line['seconds_cold']:.1f}",
            f"{line['seconds_second']:.1f}",
            f"+{line['memory_growth_mb']} MB",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _setting(options: argparse.Namespace) -> Record:
    return {
        "seed": options.seed,
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, one thread",
        "versions": {name: version(name) for name in ("torch", "av", "decord", "numpy")},
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, nargs="+", default=[10, 60, 180])
    parser.add_argument("--modes", nargs="+", default=["whole", "windows", "scan"])
    parser.add_argument("--asked", type=int, default=10, help="queries that are there, and as many that are not")
    parser.add_argument("--most", type=int, default=None, help="ask only the first so many of them")
    parser.add_argument("--folder", type=Path, default=None, help="where videos are kept for the next run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="processes that render")
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser


if __name__ == "__main__":
    main()
