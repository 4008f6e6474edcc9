"""From a value for each sample to what a variant says: means, means by label, intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from videomind.evaluation.metrics.bootstrap import bootstrap_means
from videomind.evaluation.metrics.means import mean, means_by
from videomind.evaluation.metrics.ragged import Bools, Floats, Ints
from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring.base import Measured, Metrics


@dataclass(frozen=True, slots=True)
class Column:
    """A metric that is a mean over rows.

    Attributes:
        values: of each row [R], hits as 0 and 1; or [R, T], when the metric is the mean of T means.
        counted: the rows that it is a mean over [R].
        scale: 100 for percent, 1 where the original prints a fraction.
    """

    values: Floats | Bools
    counted: Bools
    scale: float = 100.0


Columns = Mapping[str, Column]


def measured(columns: Columns, rows: Sequence[Sample], kinds: Iterable[str] = ()) -> Measured:
    """Means, means by label, and bootstrap intervals over videos. A metric that no row counts for is left out.

    Args:
        columns: the metrics, in the order they are shown.
        rows: what each row is about.
        kinds: kinds of labels that results are also given for.
    """
    columns = {name: column for name, column in columns.items() if column.counted.any()}
    metrics = {name: _mean(column) for name, column in columns.items()}
    return Measured(metrics, by_label(columns, rows, kinds), _intervals(columns, rows))


def by_label(columns: Columns, rows: Sequence[Sample], kinds: Iterable[str]) -> dict[str, dict[str, Metrics]]:
    """Kind → label → metrics, the labels sorted; kinds and labels that no row counts for are left out."""
    groups = {}
    for kind in kinds:
        labels = [row.labels(kind) for row in rows]
        names = sorted(set(chain.from_iterable(labels)))
        groups[kind] = {name: found for name, found in _by_label(columns, labels, names).items() if found}
    return {kind: found for kind, found in groups.items() if found}


def kinds_of(rows: Iterable[Sample]) -> list[str]:
    """The kinds of labels that rows have, in the order of their first mention."""
    return list(dict.fromkeys(kind for row in rows for kind, _ in row.groups))


def videos_of(rows: Sequence[Sample]) -> Ints:
    """A number for the video of each row [R]."""
    numbers: dict[str, int] = {}
    names = (row.video[0] if row.video else row.id for row in rows)
    return np.fromiter((numbers.setdefault(name, len(numbers)) for name in names), np.int64, len(rows))


def _mean(column: Column) -> float:
    parts = [mean(part) for part in column.values[column.counted].reshape(column.counted.sum(), -1).T]
    return sum(parts) / len(parts) * column.scale


def _by_label(columns: Columns, labels: Sequence[Sequence[str]], names: Sequence[str]) -> dict[str, Metrics]:
    number = {name: i for i, name in enumerate(names)}
    each = np.fromiter(map(len, labels), np.int64, len(labels))
    label = np.fromiter((number[name] for some in labels for name in some), np.int64, int(each.sum()))
    row = np.repeat(np.arange(len(labels)), each)
    groups: dict[str, Metrics] = {name: {} for name in names}
    for metric, column in columns.items():
        counts = column.counted[row]
        if not counts.any():
            continue
        values = column.values[row][counts].reshape(counts.sum(), -1)
        means = [means_by(part, label[counts], len(names)) for part in values.T]
        averaged = np.sum(means, axis=0) / len(means)
        for name, value in zip(names, averaged.tolist(), strict=True):
            if value == value:  # not NaN: some row of the label counts
                groups[name][metric] = value * column.scale
    return groups


def _intervals(columns: Columns, rows: Sequence[Sample]) -> dict[str, tuple[float, float]]:
    if not columns:
        return {}
    values = np.stack([column.values.reshape(len(rows), -1).mean(axis=1) for column in columns.values()], axis=1)
    counted = np.stack([column.counted for column in columns.values()], axis=1)
    found = bootstrap_means(values, counted, videos_of(rows)).tolist()
    return {
        name: (low * column.scale, high * column.scale)
        for (name, column), (low, high) in zip(columns.items(), found, strict=True)
    }
