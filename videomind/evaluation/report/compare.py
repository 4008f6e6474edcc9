"""Runs side by side, task by task, with what was published: the lines of the tables, and what to beware of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from videomind.evaluation.published import PUBLISHED, Published
from videomind.evaluation.report.cautions import cautions
from videomind.evaluation.report.runs import Run, TaskRun
from videomind.evaluation.report.values import decimals
from videomind.evaluation.results_file import Metrics, Results

HEADLINES = ("Acc@GQA", "acc@IoU", "Acc", "mIoU")
"""Metrics by which groups of samples are compared: the one that most groups have, of equals the first."""
MINOR = ("R3@", "R5@", "IoP", "mIoP")
"""How metrics begin that are shown only among all."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table.

    Attributes:
        variant: "official", "videomind" or "fixed".
        name: the metric, or the label of a group.
        places: decimals it is printed with.
        comparable: whether the published numbers were computed this way.
        published: one number per published model, None where it has none.
        values: one number per run.
        intervals: one 95 % interval per run, None where there is none.
    """

    variant: str
    name: str
    places: int
    comparable: bool
    published: tuple[float | None, ...]
    values: tuple[float | None, ...]
    intervals: tuple[tuple[float, float] | None, ...]

    def difference(self, run: int) -> float | None:
        """How much a run (counted from 0) has more than the first; None where one of them has no number."""
        first, value = self.values[0], self.values[run]
        return None if run == 0 or first is None or value is None else value - first


@dataclass(frozen=True, slots=True)
class Breakdown:
    """One metric by the labels of one kind, e.g. accuracy by task."""

    kind: str
    metric: str
    variant: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One task of all runs.

    Attributes:
        task: its name.
        title: as people write it.
        split: of the first run that has it.
        models: names of the published models.
        published_split: on what their numbers are.
        labels: of all runs.
        runs: what each has of this task, None where it has not.
        lines: the table of metrics.
        breakdowns: further tables, by groups of samples.
        notes: what makes the columns not quite comparable, or numbers less sure.
    """

    task: str
    title: str
    split: str
    models: tuple[str, ...]
    published_split: str
    labels: tuple[str, ...]
    runs: tuple[TaskRun | None, ...]
    lines: tuple[Line, ...]
    breakdowns: tuple[Breakdown, ...]
    notes: tuple[str, ...]

    @property
    def main(self) -> list[Line]:
        """The lines that a report shows at first: without recall beyond rank 1, and IoP where nobody asks for it."""
        asked = {line.name for line in self.lines if any(value is not None for value in line.published)}
        return [line for line in self.lines if line.name in asked or not line.name.startswith(MINOR)]

    @property
    def present(self) -> list[tuple[int, str, TaskRun]]:
        """Number, label and results of the runs that have this task."""
        pairs = enumerate(zip(self.labels, self.runs, strict=True))
        return [(number, label, run) for number, (label, run) in pairs if run is not None]


def compare(runs: Sequence[Run]) -> list[Comparison]:
    """All tasks that any of the runs has, in the order in which they come up."""
    names = list(dict.fromkeys(name for run in runs for name in run.tasks))
    return [_compare_task(name, runs) for name in names]


def _compare_task(name: str, runs: Sequence[Run]) -> Comparison:
    tasks = tuple(run.tasks.get(name) for run in runs)
    results = [None if task is None else task.results for task in tasks]
    first = next(one for one in results if one is not None)
    published = PUBLISHED.get(name, Published("", {}))
    labels = tuple(run.label for run in runs)
    return Comparison(
        task=name,
        title=first.title,
        split=first.split,
        models=tuple(published.rows),
        published_split=published.split,
        labels=labels,
        runs=tasks,
        lines=tuple(_lines(results, published)),
        breakdowns=tuple(_breakdowns(results, published)),
        notes=tuple(cautions(labels, tasks, published)),
    )


def _lines(results: Sequence[Results | None], published: Published) -> Iterator[Line]:
    task = next(one.task for one in results if one is not None)
    for variant in _all(one.variants for one in results if one is not None):
        comparable = variant == published.variant
        tables = [{} if one is None else one.variants.get(variant, {}) for one in results]
        ranges = [{} if one is None else one.intervals.get(variant, {}) for one in results]
        for metric in _all(tables):
            yield Line(
                variant=variant,
                name=metric,
                places=decimals(task, variant, metric),
                comparable=comparable,
                published=tuple(row.get(metric) if comparable else None for row in published.rows.values()),
                values=tuple(table.get(metric) for table in tables),
                intervals=tuple(_interval(table.get(metric)) for table in ranges),
            )


def _breakdowns(results: Sequence[Results | None], published: Published) -> Iterator[Breakdown]:
    """By every kind of label that the published system's variant (for tasks) or the fixed one gives results for."""
    for variant in (published.variant, "fixed"):
        groups = [{} if one is None else one.groups.get(variant, {}) for one in results]
        for kind in _all(groups):
            if (kind == "task") != (variant == published.variant):
                continue
            labels = [group.get(kind, {}) for group in groups]
            found = [name for label in labels for metrics in label.values() for name in metrics]
            metric = max(HEADLINES, key=found.count)
            if metric in found:
                yield Breakdown(kind, metric, variant, tuple(_group_lines(labels, metric, variant, published)))


def _group_lines(
    groups: Sequence[Mapping[str, Metrics]], metric: str, variant: str, published: Published
) -> Iterator[Line]:
    for label in _all(groups):
        known = [published.tasks.get(model, {}).get(label) if metric == "Acc" else None for model in published.rows]
        yield Line(
            variant=variant,
            name=label,
            places=2,
            comparable=True,
            published=tuple(known),
            values=tuple(group.get(label, {}).get(metric) for group in groups),
            intervals=(None,) * len(groups),
        )


def _all(tables: Iterable[Mapping[str, object]]) -> list[str]:
    """The keys of all, in the order in which they come up."""
    return list(dict.fromkeys(name for table in tables for name in table))


def _interval(found: tuple[float | None, float | None] | None) -> tuple[float, float] | None:
    return None if found is None or found[0] is None or found[1] is None else (found[0], found[1])
