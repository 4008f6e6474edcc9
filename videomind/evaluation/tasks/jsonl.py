"""The user's own benchmark: JSON Lines, one question a line (docs/evaluation.md).

    {"video": "holiday.mp4", "question": "What does the boy do after the jump?",
     "options": ["He swims", "He laughs"], "answer": "B", "spans": [[12.5, 18.0]]}

    video      path of the video, from the folder of the videos (--videos) or the file's own
    question   the question; where there are no options, the text to ground
    id         its id, unique in the file; "line-7" where it is left out
    options    2 to 26 different texts
    answer     letter or text of the right option
    spans      true moments as [start, end] in seconds
    absent     true: it does not happen in the video at all (then without spans)
    duration   length of the video in seconds; the file itself has the last word
    groups     {kind: label or [labels]}: results are also given for each label
    subtitles  path of a subtitle file, from the folder of the subtitles

Only video and question are required; other keys are errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from string import ascii_uppercase
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from videomind.annotations.fields import Duration, Options, RelativePath, Spans, Text
from videomind.annotations.files import MAX_LINE, numbered_lines
from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring import FIXED, VIDEOMIND
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.reading import letter, main_file, samples, unique

ANNOTATIONS = {"all": "questions.jsonl"}
Label = Annotated[str, Field(min_length=1, max_length=200)]


class Question(BaseModel):
    """A line of the file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    video: RelativePath
    question: Text
    id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    options: Options = ()
    answer: Text | None = None
    spans: Spans = ()
    absent: bool = False
    duration: Duration | None = None
    groups: dict[Label, Label | tuple[Label, ...]] = {}
    subtitles: RelativePath | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.answer is not None and self.letter() is None:
            among = "of the options" if self.options else "as there are no options"
            raise ValueError(f"the answer {self.answer[:60]!r} is none {among}")
        if self.absent and self.spans:
            raise ValueError("what is absent has no spans")
        return self

    def letter(self) -> str | None:
        """Of the right option: that with the answer as its text, else the one it is the letter of."""
        if self.answer is None:
            return None
        by_text = letter(self.options, self.answer)
        is_letter = self.answer in tuple(ascii_uppercase[: len(self.options)])
        return by_text or (self.answer if is_letter else None)


def read(path: Path, split: str) -> Iterator[Sample]:
    """Raises DataError: the file is missing, or a line is none of these, or two have one id."""
    file = main_file(path, ANNOTATIONS[split])
    lines = ((place, (place, line)) for place, line in numbered_lines(file))
    return unique(file, samples(file, lines, _sample))


def _sample(entry: tuple[str, bytes | None]) -> Sample:
    place, line = entry
    if line is None:
        raise ValueError(f"it is longer than {MAX_LINE:,} bytes")
    asked = Question.model_validate_json(line)
    groups = ((kind, (of,) if isinstance(of, str) else of) for kind, of in asked.groups.items())
    return Sample(
        id=asked.id or place.replace(" ", "-"),
        video=(asked.video,),
        question=asked.question,
        options=asked.options,
        answer=asked.letter(),
        spans=asked.spans,
        absent=asked.absent,
        duration=asked.duration,
        groups=tuple((kind, label) for kind, labels in groups for label in labels),
        subtitles=asked.subtitles,
    )


JSONL = Task(
    name="jsonl",
    title="Own questions (JSONL)",
    annotations=ANNOTATIONS,
    split="all",
    videos=(".",),
    read=read,
    variants=(VIDEOMIND, FIXED),
    source="your own: docs/evaluation.md describes the format",
    licence="your own",
    subtitles=".",
)
