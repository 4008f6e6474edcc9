"""The synthetic benchmark: rendered videos with known events, so that the whole path runs without any download.

Eight questions a video: choices about a moment and about the whole video, texts to ground, and one that is about
something that never happens. `videomind eval run` makes what is missing; the same samples come first in every size.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from videomind.annotations.files import numbered_lines
from videomind.errors import InputError
from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring import FIXED, VIDEOMIND
from videomind.evaluation.tasks import jsonl
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.reading import main_file
from videomind.synth.dataset import SynthSet
from videomind.synth.questions import Question, absent_query, queries, questions
from videomind.synth.world import Scene
from videomind.whole_file import replacing

FOLDER = "synth-benchmark"
QUESTIONS = "questions.jsonl"
ANNOTATIONS = {"test": f"{FOLDER}/{QUESTIONS}"}
PER_VIDEO = 8
VIDEOS = 100
"""Without a limit."""
SEED = 1_700_000_000
"""Sets of `videomind synth` with smaller seeds share no scene with it."""
SIZE = 112


def prepare(data: Path, limit: int | None, done: Callable[[int, int], object]) -> None:
    """Render the videos that are missing, and write down what is asked about them.

    Args:
        data: the data folder.
        limit: so many samples will be asked; None = of `VIDEOS` videos, or as many more as were made before.
        done: called with how many videos are there, and how many are wanted.

    Raises:
        InputError: the folder holds something else, or the disk refuses.
    """
    out = data / FOLDER
    there = _count(out / QUESTIONS) // PER_VIDEO
    wanted = max(VIDEOS, there) if limit is None else -(-limit // PER_VIDEO)
    synth = SynthSet(out, wanted, SEED, SIZE)
    if there >= wanted and not synth.missing:
        return
    whole = SynthSet(out, max(wanted, there), SEED, SIZE)
    entries = [entry for number in range(whole.videos) for entry in _entries(whole.scene(number), number)]
    whole.prepare()
    _write(out / QUESTIONS, entries)  # first, so that a run that is killed while it renders may be followed by any
    done(wanted - len(synth.missing), wanted)
    synth.render(os.cpu_count() or 1, lambda: done(wanted - len(synth.missing), wanted))


def read(path: Path, split: str) -> Iterator[Sample]:
    """Its questions are in the format of the task `jsonl`."""
    return jsonl.read(main_file(path, *ANNOTATIONS.values()), "all")


def _entries(scene: Scene, number: int) -> Iterator[dict[str, Any]]:
    """Eight lines about one video in the format of the task `jsonl`."""
    rng = Random(f"benchmark {number}")
    asked = [question for question in questions(scene, rng) if question.choices]
    moment = [question for question in asked if question.span is not None][:3]
    whole = [question for question in asked if question.span is None]
    found = [
        {"question": query.text, "spans": query.spans, "groups": {"kind": "moment"}} for query in queries(scene, rng)
    ]
    absent = {"question": absent_query(scene, rng).text, "absent": True, "groups": {"kind": "absent"}}
    entries = [*(_choice(question, rng) for question in moment), *found[:3], absent]
    entries += [_choice(question, rng) for question in whole][: PER_VIDEO - len(entries)]
    for place, entry in enumerate(entries):
        yield {"id": f"{number:06}-{place}", "video": f"videos/{number:06}.mp4"} | entry


def _choice(question: Question, rng: Random) -> dict[str, Any]:
    chosen = question.with_options(rng)
    kind = "choice about a moment" if chosen.span is not None else "choice about the whole"
    spans = {} if chosen.span is None else {"spans": [chosen.span]}
    return {
        "question": chosen.text,
        "options": chosen.options,
        "answer": chosen.answer,
        "groups": {"kind": kind, "task": chosen.kind},
    } | spans


def _write(path: Path, entries: list[dict[str, Any]]) -> None:
    try:
        with replacing(path) as partial:
            partial.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None


def _count(path: Path) -> int:
    return sum(1 for _ in numbered_lines(path)) if path.is_file() else 0


SYNTH = Task(
    name="synth",
    title="Synthetic videos",
    annotations=ANNOTATIONS,
    split="test",
    videos=(FOLDER,),
    read=read,
    variants=(VIDEOMIND, FIXED),
    source="nothing to get: `videomind eval run` makes it",
    licence="as this project",
    prepare=prepare,
)
