"""Runs as `videomind eval run` leaves them, made up: real videos and real results, invented numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from videomind.evaluation.results_file import Digest, Results, write_results
from videomind.results import Answer, Candidate, Plan, Result, RoleCall, Trace, Usage, VideoInfo
from videomind.synth.video import write_video

SECONDS, FPS = 12.0, 5.0
BEGAN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def write_videos(folder: Path, names: tuple[str, ...] = ("beach.mp4", "kitchen.mp4")) -> Path:
    """Twelve seconds each, growing lighter."""
    folder.mkdir(parents=True)
    for place, name in enumerate(names):
        frames = [np.full((48, 64, 3), 4 * number + 10 * place, dtype=np.uint8) for number in range(int(SECONDS * FPS))]
        write_video(frames, folder / name, FPS)
    return folder


def result(
    moments: list[tuple[float, float]], answer: Answer | None = None, grounded: list[tuple[float, float]] | None = None
) -> Result:
    """What an agent says: these candidates, best first; verified where the grounder had another order."""
    verified = grounded is not None
    candidates = tuple(
        Candidate(start, end, 0.9 - 0.2 * place, 0.7 - 0.1 * place if verified else None)
        for place, (start, end) in enumerate(moments)
    )
    listed = tuple(Candidate(start, end, 0.9 - 0.2 * place) for place, (start, end) in enumerate(grounded or moments))
    call = RoleCall("grounder", "find", "", (0.0, SECONDS), (0, 5), (1, 4, 4), usage=Usage(100, 60, encoded=False))
    return Result(
        video=VideoInfo("beach.mp4", SECONDS, FPS, 64, 48),
        question="",
        query="",
        plan=Plan(("grounder",), "", parsed=True),
        candidates=candidates,
        moments=candidates[:1],
        answer=answer,
        timings={"total": 0.5},
        model="made-up",
        engine="torch",
        trace=Trace((replace(call, role="planner", usage=Usage(100, 0, encoded=True)), call), listed),
    )


def line(name: str, video: str, question: str, said: Result | None, **more: Any) -> dict[str, Any]:
    """A line of predictions.jsonl."""
    told = {"id": name, "video": video, "question": question, "options": [], "spans": [], "answer": None}
    done = {"duration": SECONDS, "seconds": 0.5, "attempt": 1, "error": None}
    outcome = {} if said is None else {"result": said.to_json(), "trace": said.trace.to_json()}
    return told | done | outcome | more


def lines() -> list[dict[str, Any]]:
    """Six samples: located well, located badly, verified, wrongly answered, unread, failed."""
    choice = {"options": ["a cup", "a <b>dog</b>"], "answer": "B"}
    return [
        line("good", "beach.mp4", "the tide comes in", result([(2.0, 6.0)]), spans=[[2.0, 6.0]]),
        line("bad", "beach.mp4", "a gull lands", result([(0.0, 2.0)]), spans=[[8.0, 11.0], [1.0, 6.0]]),
        line("verified", "kitchen.mp4", "he pours", result([(4.0, 8.0)], grounded=[(0.0, 4.0)]), spans=[[4.0, 8.0]]),
        line(
            "wrong", "kitchen.mp4", "What barks?", result([(1.0, 3.0)], Answer("A", "A")), spans=[[1.0, 3.0]], **choice
        ),
        line("unread", "gone.mp4", "What barks & bites?", result([], Answer("hard to say")), **choice),
        line("failed", "beach.mp4", "the end", None, spans=[[9.0, 12.0]], error="the video <cannot> be decoded"),
    ]


def results(task: str = "jsonl", **more: Any) -> Results:
    """A results file of a task with six samples."""
    made = Results(
        task=task,
        title="Own questions",
        split="all",
        n=6,
        missing=0,
        failed=1,
        unparsed=1,
        variants={
            "videomind": {"R1@0.5": 60.0, "mIoU": 55.25},
            "fixed": {"R1@0.5": 50.0, "mIoU": 46.041666, "Acc": 0.0},
        },
        groups={"fixed": {"place": {"beach": {"mIoU": 40.0}}}},
        intervals={"fixed": {"mIoU": (20.0, 71.25)}},
        protocol={"unit": 0.001, "min_crop": None},
        model=Digest(name="made-up", sha256="a" * 64),
        annotations=Digest(name="questions.jsonl", sha256="b" * 64),
        engine="torch",
        versions={"numpy": "2.3.5"},
        python="3.11.7",
        platform="Linux",
        command=("videomind", "eval", "run", "--tasks", task, "--output", "my runs"),
        started=BEGAN,
        finished=BEGAN + timedelta(seconds=90),
        seconds=3.0,
        samples_per_second=2.0,
    )
    return made.model_copy(update=more)


def write_run(out: Path, videos: Path, said: list[dict[str, Any]] | None = None, found: Results | None = None) -> Path:
    """OUT with one task in it."""
    found = found or results()
    folder = out / found.task
    folder.mkdir(parents=True)
    write_results(found, folder)
    text = "".join(json.dumps(one) + "\n" for one in (lines() if said is None else said))
    (folder / "predictions.jsonl").write_text(text)
    settings = {"format": 1, "tasks": {found.task: {"split": "all", "videos": str(videos), "annotations": "none"}}}
    (out / "run.json").write_text(json.dumps(settings))
    return out
