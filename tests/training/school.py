"""A handful of tiny videos with something to learn in each, and records of every role about them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from tests import tiny
from tests.vision.media import write_video
from videomind.training.config import TrainConfig, load_config
from videomind.training.run import Outcome, train

FPS, SECONDS, SIDE = 4, 8, 56
FLASHES = ((1.0, 3.0), (2.0, 6.0), (5.0, 7.5))
"""When the picture of each video is bright; the rest of it is dark."""
PLAIN_SPECIALS = tuple(token for token in tiny.SPECIALS if token not in ("<|reg|>", "<|seg_start|>", "<|seg_end|>"))
VIEW = {"fps": 1.0, "max_frames": 8, "min_pixels": 3136, "max_pixels": 3136}


def write_school(folder: Path) -> Path:
    """Three videos and a JSONL file per role, under the names that `videomind synth` uses."""
    folder.mkdir(parents=True, exist_ok=True)
    records: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("grounding", "verifying", "planning", "answering")
    }
    for number, (start, end) in enumerate(FLASHES):
        pictures = np.full((FPS * SECONDS, SIDE, SIDE, 3), 30 + 10 * number, dtype=np.uint8)
        pictures[round(FPS * start) : round(FPS * end), :, :, number] = 230
        video = f"{number}.mp4"
        write_video(folder / video, len(pictures), fps=FPS, pictures=pictures)
        records["grounding"].append({"video": video, "query": "it is bright", "spans": [[start, end]]})
        records["grounding"].append({"video": video, "query": "it is green and loud", "spans": []})
        for candidate in ([start, end], [max(0.0, start - 1), start + 0.2]):
            records["verifying"].append(
                {"video": video, "query": "it is bright", "candidate": candidate, "spans": [[start, end]]}
            )
        records["planning"].append({"video": video, "question": "When?", "route": "ground", "query": "it is bright"})
        records["planning"].append({"video": video, "question": "What?", "route": "answer"})
        colour = ("red", "green", "blue")[number]
        records["answering"].append({"video": video, "question": "Which colour?", "answer": colour})
        records["answering"].append(
            {"video": video, "question": "Which?", "answer": colour, "options": ["red", "green", "blue"]}
        )
    for name, lines in records.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def settings(school: Path, out: Path, **changes: Any) -> TrainConfig:
    """A short, small run on the data of a school; every setting may be changed."""
    usual: dict[str, Any] = {
        "data": [str(school)],
        "out": out,
        "max_steps": 4,
        "batch_size": 2,
        "workers": 0,
        "log_steps": 1,
        "device": "cpu",
        "warmup": 0.0,
        "schedule": "constant",
        "learning_rate": 2e-3,
        "decoder_learning_rate": 2e-3,
        "method": {"rank": 4},
    }
    return load_config(None, usual | changes)


def run(config: TrainConfig, role: str, restart: bool = False) -> Outcome:
    """Train without a word."""
    return train(config, role, restart, Console(quiet=True))


def losses(out: Path, name: str = "loss") -> list[float]:
    """The numbers of that name in `metrics.jsonl`, step by step."""
    lines: Sequence[Mapping[str, Any]] = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [line[name] for line in lines if name in line]
