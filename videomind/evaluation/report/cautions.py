"""What one has to know before comparing the numbers of runs with each other and with published ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from videomind.evaluation.published import Published
from videomind.evaluation.report.runs import TaskRun


def cautions(labels: Sequence[str], tasks: Sequence[TaskRun | None], published: Published) -> Iterator[str]:
    """Sentences, each about one thing, the gravest first.

    Args:
        labels: names of the runs.
        tasks: what each has of one task.
        published: what is published about that task.
    """
    present = [(label, task) for label, task in zip(labels, tasks, strict=True) if task is not None]
    for label, task in zip(labels, tasks, strict=True):
        if task is None:
            yield f"{label} has no such task"
    yield from _differences(present)
    for label, task in present:
        if published.rows and task.results.split != published.split:
            yield f"{label} is on {task.results.split}, the published numbers are on {published.split}"
    for label, task in present:
        for note in _of_one(task):
            yield f"{label}: {note}"
    if published.note:
        yield f"published numbers: {published.note}"


def _differences(present: Sequence[tuple[str, TaskRun]]) -> Iterator[str]:
    for what, values in (
        ("split", [task.results.split for _, task in present]),
        ("number of samples", [str(task.results.n) for _, task in present]),
        ("annotations", [task.results.annotations.sha256[:12] for _, task in present]),
    ):
        if len(set(values)) > 1:
            told = ", ".join(f"{label}: {value}" for (label, _), value in zip(present, values, strict=True))
            yield f"these runs are not about the same samples: another {what} ({told})"


def _of_one(task: TaskRun) -> Iterator[str]:
    results = task.results
    if results.limit is not None:
        yield f"only the first {results.limit} samples of the split were asked (--limit)"
    if results.failed:
        yield f"{results.failed} of {results.n} samples failed; what failed counts as wrong in the fixed variant"
    if results.missing:
        yield f"{results.missing} of {results.n} samples have no prediction; they count as wrong in the fixed variant"
    if results.unparsed:
        yield f"in {results.unparsed} replies no option could be read"
    if task.unreadable:
        yield f"{task.unreadable} lines of its predictions say nothing and were skipped"
