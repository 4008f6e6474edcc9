"""`videomind eval submit`: predictions in the form that a benchmark's own evaluation or server takes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from videomind.cli.eval_score import Split, TaskName
from videomind.cli.options import AsJson
from videomind.cli.outputs import OutputFile, json_text, output_file
from videomind.cli.terminal import printable, progress_console
from videomind.errors import InputError

if TYPE_CHECKING:
    from videomind.evaluation.submissions.base import Files, Submission


def submit(
    task_name: TaskName,
    run: Annotated[Path, typer.Option(help="Folder of the task in a run's output (OUT/NAME).", metavar="DIR")],
    out: Annotated[
        Path, typer.Option(help="File to write; for NExT-GQA a folder, since its evaluation wants two.", metavar="PATH")
    ],
    annotations: Annotated[
        Path | None, typer.Option(help="Annotations. Default: those the run was made with.", metavar="PATH")
    ] = None,
    split: Split = None,
    as_json: AsJson = False,
) -> None:
    """Write the predictions of a run as an official submission."""
    from videomind.evaluation.data import load_samples
    from videomind.evaluation.predictions import read_predictions
    from videomind.evaluation.report.runs import task_settings
    from videomind.evaluation.scoring.latest import latest
    from videomind.evaluation.tasks import task as task_of

    task = task_of(task_name)
    submission = submission_of(task_name, run)
    target = _target(out, submission)
    settings = task_settings(run, task_name)
    where = annotations or settings.get("annotations")
    if where is None:
        raise InputError(f"{run} does not say which annotations it was made with: give them with --annotations PATH")
    with progress_console().status("writing"):
        samples = load_samples(task, Path(where), Path(where), split or settings.get("split"))
        found = zip(samples, latest(samples, read_predictions(run, samples)), strict=True)
        predictions = {sample.id: one for sample, one in found if one is not None}
        used = split or settings.get("split") or task.split
        written = write(target, submission.files(samples, predictions), used)
    without = len(samples) - len(predictions)
    if as_json or not sys.stdout.isatty():
        told = {"written": [str(path) for path in written], "samples": len(samples), "without_prediction": without}
        print(json_text(told | {"source": submission.source}))
        return
    console = Console(highlight=False)
    for path in written:
        console.print(Text(printable(str(path))))
    console.print(Text(f"{len(samples)} samples; the format: {submission.source}", style="dim"))
    if without:
        console.print(Text(f"{without} samples have no prediction: {submission.missing}", style="yellow"))


def submission_of(task: str, run: Path) -> Submission:
    """The official format of a task.

    Raises:
        InputError: it has none.
    """
    from videomind.evaluation.submissions import SUBMISSIONS

    if task not in SUBMISSIONS:
        raise InputError(
            f"{task} has no official submission format; {run / 'predictions.jsonl'} holds the predictions as plain "
            f"JSONL. Tasks that have one: {', '.join(SUBMISSIONS)}"
        )
    return SUBMISSIONS[task]


def write(target: OutputFile | Path, files: Files, split: str) -> list[Path]:
    """Writes the files of a submission, and says where."""
    written = []
    for name, text in files.items():
        file = target if isinstance(target, OutputFile) else OutputFile("--out", target / name.format(split=split))
        with file.replacing() as partial:
            partial.write_text(text, encoding="utf-8")
        written.append(file.path)
    return written


def _target(out: Path, submission: Submission) -> OutputFile | Path:
    """The file, or the folder where several are written."""
    if submission.suffix:
        return output_file("--out", out, (submission.suffix,))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {out}: cannot make this folder: {error.strerror or error}") from None
    return out
