"""The plots of one task: all runs in each, every run in its colour."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import inf
from typing import NamedTuple

from videomind.evaluation.report.chart import Cloud, Series, bars, dots, lines
from videomind.evaluation.report.compare import Comparison
from videomind.evaluation.report.measures import (
    SPAN_LENGTHS,
    VIDEO_LENGTHS,
    Binned,
    accuracy,
    by_span_length,
    by_video_length,
    calibration_error,
    changes,
    iou_histogram,
    recall_curve,
    reliability,
    verifier_gain,
)
from videomind.evaluation.report.row import Row
from videomind.evaluation.report.values import share

THRESHOLDS = tuple(number / 50 for number in range(1, 51))
MINUTE = 60.0
MOST_DOTS = 600
"""Per run; of more, every n-th is drawn."""


class Plot(NamedTuple):
    """What a plot shows, its picture as a data URI, and a sentence on how to read it or what comes out."""

    title: str
    picture: str
    caption: str


Rows = Sequence[tuple[int, str, Sequence[Row]]]
"""Number (which decides the colour), label and samples of each run."""


def plots(task: Comparison) -> list[Plot]:
    """Those for which the runs hold something to show."""
    rows = [(number, label, run.rows) for number, label, run in task.present]
    made = (
        _recall(rows),
        _histogram(rows),
        *_by_length(rows),
        _verifier(rows),
        _calibration(rows),
    )
    return [plot for plot in made if plot is not None]


def _recall(rows: Rows) -> Plot | None:
    series = _series(rows, lambda one: recall_curve(one, THRESHOLDS))
    if not series:
        return None
    picture = lines(series, THRESHOLDS, "IoU at least", "samples (%)")
    return Plot(
        "Recall of the first moment", picture, "Share of samples whose first moment overlaps a true one this much."
    )


def _histogram(rows: Rows) -> Plot | None:
    series = _series(rows, iou_histogram)
    if not series:
        return None
    labels = [f"{number / 10:.1f}" for number in range(10)]
    return Plot(
        "Distribution of IoU",
        bars(series, labels, "IoU, in tenths from", "samples (%)"),
        "Of the first moment of each sample.",
    )


def _by_length(rows: Rows) -> Iterator[Plot | None]:
    videos, spans = _bin_labels(VIDEO_LENGTHS), _bin_labels(SPAN_LENGTHS)
    yield _binned("Mean IoU by length of the video", rows, lambda r: by_video_length(r, _iou), videos, "mean IoU (%)")
    yield _binned("Mean IoU by length of the moment", rows, lambda r: by_span_length(r, _iou), spans, "mean IoU (%)")
    yield _binned("Accuracy by length of the video", rows, lambda r: by_video_length(r, accuracy), videos, "right (%)")


def _binned(
    title: str, rows: Rows, measure: Callable[[Sequence[Row]], Binned], labels: Sequence[str], y_title: str
) -> Plot | None:
    found = [(number, measure(one)) for number, _, one in rows]
    used = [place for place in range(len(labels)) if any(one.counts[place] for _, one in found)]
    if not used:
        return None
    series = [Series(number, [one.means[place] for place in used]) for number, one in found]
    picture = bars(series, ["\n".join(labels[place].rsplit(" ", 1)) for place in used], "length", y_title)
    counts = ", ".join(f"{labels[place]}: {max(one.counts[place] for _, one in found)}" for place in used)
    return Plot(title, picture, f"Samples in each: {counts}.")


def _verifier(rows: Rows) -> Plot | None:
    gains = [(label, verifier_gain(one)) for _, label, one in rows]
    told = [
        f"{label}: mean IoU {100 * gain.before:.2f} → {100 * gain.after:.2f}, raised in {share(gain.raised)}, "
        f"lowered in {share(gain.lowered)}, the same in {share(1 - gain.raised - gain.lowered)} of {gain.n}."
        for label, gain in gains
        if gain is not None
    ]
    if not told:
        return None
    pairs = {number: changes(one) for number, _, one in rows}
    clouds = [Cloud(number, pairs[number][:: 1 + len(pairs[number]) // MOST_DOTS]) for number, _, _ in rows]
    picture = dots(clouds, "IoU before verification", "IoU after (%)")
    return Plot("What the verifier changed", picture, " ".join(told))


def _calibration(rows: Rows) -> Plot | None:
    found = [(number, label, reliability(one), calibration_error(one), one) for number, label, one in rows]
    known = [(number, label, binned, error, one) for number, label, binned, error, one in found if binned is not None]
    if not known:
        return None
    series = [Series(number, binned.means) for number, _, binned, _, _ in known]
    centres = [(place + 0.5) / 10 for place in range(10)]
    picture = lines(series, centres, "confidence", "right (%)", diagonal=True)
    told = [
        f"{label}: {'calibrated' if any(row.calibrated for row in one) else 'the grounder’s own'} confidence, "
        f"expected calibration error {share(error or 0.0)}."
        for _, label, _, error, one in known
    ]
    return Plot("Calibration", picture, "Right: IoU of at least 0.5. " + " ".join(told))


def _series(rows: Rows, measure: Callable[[Sequence[Row]], list[float] | None]) -> list[Series]:
    found = [(number, measure(one)) for number, _, one in rows]
    return [Series(number, values) for number, values in found if values is not None]


def _iou(row: Row) -> float | None:
    return row.iou


def _bin_labels(edges: Sequence[float]) -> list[str]:
    """E.g. "0–15 s", "1–3 min", "> 30 min"."""
    return [_bin_label(low, high) for low, high in pairwise(edges)]


def _bin_label(low: float, high: float) -> str:
    size, unit = (1.0, "s") if (low if high == inf else high) <= MINUTE else (MINUTE, "min")
    return f"> {low / size:g} {unit}" if high == inf else f"{low / size:g}–{high / size:g} {unit}"
