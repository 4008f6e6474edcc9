"""From a sample to the question that is asked, and from what came of it to its line in the file of predictions."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from videomind.agent import Agent, Video
from videomind.asking import FINDERS, Question
from videomind.errors import EngineDead
from videomind.evaluation.run.batches import Asked, Batch
from videomind.evaluation.run.journal import Line
from videomind.evaluation.sample import Sample
from videomind.results import Protocol, Result
from videomind.vision.part import PartReader
from videomind.vision.reader import open_video
from videomind.vision.subtitles import Cue, load_subtitles


@dataclass(frozen=True, slots=True)
class Manner:
    """How the samples of a run are asked.

    Attributes:
        protocols: of each task.
        roles: those that may be called; None = all that the model has.
        subtitles: per task, the folder of its subtitle files; empty = no subtitles are used.
    """

    protocols: dict[str, Protocol]
    roles: frozenset[str] | None = None
    subtitles: dict[str, Path] = field(default_factory=dict)


def ask_batch(agent: Agent, batch: Batch, manner: Manner) -> list[Line]:
    """Ask all samples of a batch; a line for each. The agent then forgets what it kept of these videos.

    Raises:
        EngineDead: the engine has to be made anew, and the batch to be asked again.
    """
    lines: list[Line] = []
    questions: list[tuple[Asked, Video, Question]] = []
    with ExitStack() as opened:
        for one in batch.asked:
            try:
                questions.append((one, _video(one, opened), _question(one, manner, agent)))
            except Exception as error:
                lines.append(_line(one, error, batch.attempt))
        for place, outcome in agent.ask_many([(video, question) for _, video, question in questions]):
            if isinstance(outcome, EngineDead):
                raise outcome
            lines.append(_line(questions[place][0], outcome, batch.attempt))
    agent.forget()
    return lines


def failed(one: Asked, error: str, attempt: int) -> Line:
    """The line of a sample that could not be asked."""
    return _inputs(one) | {"seconds": 0.0, "attempt": attempt, "error": error}


def opened_plainly(sample: Sample) -> bool:
    """Whether its video is the whole of a file, or of a folder of frames at the usual rate."""
    return sample.part is None and "fps" not in sample.notes


def _video(one: Asked, opened: ExitStack) -> Video:
    """The file, or the part of it that counts; of a folder of frames a reader at the rate that the benchmark says."""
    if opened_plainly(one.sample):
        return one.video
    part, fps = one.sample.part, one.sample.notes.get("fps") if one.video.is_dir() else None
    reader = opened.enter_context(open_video(one.video, fps=fps))
    return reader if part is None else PartReader(reader, part)


def _question(one: Asked, manner: Manner, agent: Agent) -> Question:
    sample, folder = one.sample, manner.subtitles.get(one.task)
    cues: tuple[Cue, ...] = ()
    if folder is not None and sample.subtitles is not None and (path := folder / sample.subtitles).is_file():
        cues = load_subtitles(path)
    roles = _roles(agent, one, manner.roles)
    return Question(sample.question, sample.options, cues, roles, protocol=manner.protocols[one.task], long="whole")


def _roles(agent: Agent, one: Asked, roles: frozenset[str] | None) -> frozenset[str]:
    """Those that are wanted and there; where there is nothing to answer, those that find."""
    there = frozenset(agent.roles) if roles is None else roles & frozenset(agent.roles)
    return there if one.sample.options else there & FINDERS


def _line(one: Asked, outcome: Result | Exception, attempt: int) -> Line:
    if isinstance(outcome, Exception):
        return failed(one, f"{type(outcome).__name__}: {outcome}", attempt)
    spent = sum(seconds for what, seconds in outcome.timings.items() if what != "total")
    return _inputs(one) | {
        "duration": outcome.video.duration,
        "seconds": round(spent, 6),
        "attempt": attempt,
        "error": None,
        "result": outcome.to_json(),
        "trace": outcome.trace.to_json(),
    }


def _inputs(one: Asked) -> Line:
    sample = one.sample
    return {
        "id": sample.id,
        "task": one.task,
        "video": one.name,
        "question": sample.question,
        "options": list(sample.options),
        "answer": sample.answer,
        "duration": sample.duration,
        "spans": [list(span) for span in sample.spans],
    }
