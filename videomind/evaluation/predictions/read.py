"""Reading predictions, in whichever known layout they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from videomind.annotations.files import json_content, json_file
from videomind.errors import DataError
from videomind.evaluation.predictions import own
from videomind.evaluation.predictions.files import numbered
from videomind.evaluation.predictions.matching import Matcher
from videomind.evaluation.predictions.nextgqa_pair import is_answers, read_pair
from videomind.evaluation.predictions.output_folder import is_output, read_output
from videomind.evaluation.predictions.submission import is_submission, read_submission
from videomind.evaluation.sample import Prediction, Sample

EXPECTED = (
    f"a folder or file of `videomind eval run` ({own.NAME}), a folder of VideoMind's output*.json, "
    "a QVHighlights submission (JSONL with qid and pred_relevant_windows), "
    "or NExT-GQA's predictions (test_ground….json and test-res.json)"
)


def read_predictions(path: Path, samples: Sequence[Sample]) -> list[Prediction]:
    """The predictions of a file or folder; which layout it is shows from its content.

    Args:
        path: the file or folder.
        samples: what the predictions are about; rows that name no id are matched with them by video and text.

    Raises:
        DataError: it is in none of the known layouts, or an entry is malformed: which, and what is expected.
    """
    if run := _run(path):
        return own.read_own(run)
    files = _files(path)
    contents = {file: json_content(file) for file in files if file.suffix == ".json"}
    objects = {file: content for file, content in contents.items() if isinstance(content, dict)}
    if objects:
        return _pair(path, objects, samples)
    matcher = Matcher(samples)
    return list(chain.from_iterable(_rows(file, contents.get(file), matcher) for file in files))


def _run(path: Path) -> Path | None:
    """The file of a run in its folder, or in the only folder of a task that there is in it."""
    if (path / own.NAME).is_file():
        return path / own.NAME
    found = sorted(path.glob(f"*/{own.NAME}"))
    if len(found) > 1:
        names = ", ".join(file.parent.name for file in found)
        raise DataError(f"{path} holds runs of several tasks ({names}): give the folder of the one to be scored")
    return found[0] if found else None


def _files(path: Path) -> list[Path]:
    """The file itself, or the JSON and JSONL files of a folder."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"there is no file or folder {path}: give {EXPECTED}")
    files = (file for file in path.iterdir() if file.suffix in (".json", ".jsonl") and not file.name.startswith("."))
    if not (found := sorted(file for file in files if file.is_file())):
        raise DataError(f"{path} holds no predictions: give {EXPECTED}")
    return found


def _rows(path: Path, content: Any, matcher: Matcher) -> Iterable[Prediction]:
    """The predictions of a file that is a list of them."""
    entries = numbered(path, content)
    first = next(entries, None)
    if first is None:
        return ()
    entries = chain([first], entries)
    entry = first[1]
    if path.suffix == ".jsonl" and own.is_own(entry):
        return own.read_own(path)
    if is_submission(entry):
        return read_submission(path, entries)
    if is_output(entry):
        return read_output(path, entries, matcher)
    raise DataError(f"{path}, {first[0]} is in no known layout: give {EXPECTED}")


def _pair(path: Path, objects: Mapping[Path, Mapping[str, Any]], samples: Sequence[Sample]) -> list[Prediction]:
    """The predictions of a pair: of a folder that holds one, or of a grounding file and what lies beside it."""
    answers = [(file, content) for file, content in objects.items() if is_answers(content)]
    grounding = [(file, content) for file, content in objects.items() if content and not is_answers(content)]
    if path.is_file() and grounding:
        beside = path.with_name(f"{path.name.split('_')[0]}-res.json")
        answers = [(beside, json_file(beside, dict))] if beside.is_file() else []
    for some, kind in ((grounding, "grounding"), (answers, "answers")):
        if len(some) > 1:
            names = ", ".join(file.name for file, _ in some)
            raise DataError(f"{path} holds several files of {kind} ({names}): give the one that is to be scored")
    return read_pair(grounding[0] if grounding else None, answers[0] if answers else None, samples)
