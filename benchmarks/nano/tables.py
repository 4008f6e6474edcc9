"""The records of an evaluation as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.nano.ask import MOMENT_KINDS, VIDEO_KINDS
from benchmarks.nano.numbers import Number, Record, difference, gain, mean_in, mean_of, share_right
from benchmarks.nano.scenes import WORLDS
from benchmarks.nano.variants import SHIPPED
from videomind.evaluation.metrics.moment_map import MOST, average_precision
from videomind.evaluation.metrics.ragged import ragged
from videomind.evaluation.metrics.roc import roc_auc

BEGIN, END = "<!-- numbers -->", "<!-- end of numbers -->"
THRESHOLDS = (0.3, 0.5, 0.7)
GROUNDED = {
    "grounder alone": "first",
    "+ verifier, in the order of its scores (published)": "verified",
    "+ verifier: calibrated probability chooses the moment, the grounder its ends (the chain)": "final",
    "best of the grounder's first 5": "oracle",
}


def report(records: Sequence[Record], costs: Sequence[Record]) -> str:
    """All tables.

    Args:
        records: one per thing asked.
        costs: memory and times of the variants.
    """
    shipped = [r for r in records if r["variant"] == SHIPPED]
    parts = [grounding(shipped), choices(shipped), planning(shipped), absence(shipped), every(shipped)]
    return "\n\n".join([*parts, variants(records, costs)])


def write(path: Path, text: str) -> None:
    """Put the tables between the two markers of a document."""
    before, rest = path.read_text().split(BEGIN)
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")


def grounding(records: Sequence[Record]) -> str:
    """R1@IoU and mIoU before and after verification, and of the best of the first five."""
    rows = []
    for world, found in _by_world(records, "find"):
        for name, key in GROUNDED.items():
            hits = [_cell(mean_in(found, key, t)) for t in THRESHOLDS]
            rows.append([world, name, *hits, _cell(mean_in(found, key)), str(len(found))])
        for name, key in (("in the order of its scores", "verified"), ("as the chain uses it", "final")):
            added = difference(found, key, "first").points
            rows.append([world, f"what the verifier adds, {name} (points of mIoU)", "", "", "", added, ""])
    return _table("Finding a moment", ["videos", "", *(f"R1@{t}" for t in THRESHOLDS), "mIoU", "n"], rows)


def choices(records: Sequence[Record]) -> str:
    """Multiple choice by the chain, from the whole video, and from the text alone."""
    rows = []
    for world, asked in _by_world(records, "choice"):
        groups = {"about a moment": MOMENT_KINDS, "about the video": VIDEO_KINDS, "all": MOMENT_KINDS + VIDEO_KINDS}
        for name, kinds in (groups | {f"— {kind}": (kind,) for kind in MOMENT_KINDS + VIDEO_KINDS}).items():
            some = [r for r in asked if r["kind"] in kinds]
            if some:
                ways = [_cell(share_right(some, way)) for way in ("chain", "whole", "blind")]
                rows.append([world, name, *ways, gain(some, "chain", "whole").points, str(len(some))])
    head = ["videos", "questions", "chain", "whole video", "text alone", "chain − whole (points)", "n"]
    return _table("Multiple choice (4 options)", head, rows)


def planning(records: Sequence[Record]) -> str:
    """Whether the planner chose the right route, and what its rephrasing is worth."""
    rows = []
    for world, asked in _by_world(records, "choice"):
        grounded = [r for r in asked if "raw_first" in r and r["routed"]]
        rows.append([world, "right route", _cell(mean_in(asked, "routed")), str(len(asked))])
        for name, key in (("rephrased query", "first"), ("raw question", "raw_first")):
            rows.append(
                [world, f"R1@0.5 of the grounder, {name}", _cell(mean_in(grounded, key, 0.5)), str(len(grounded))]
            )
        rows.append(
            [world, "what rephrasing adds (points of mIoU)", difference(grounded, "first", "raw_first").points, ""]
        )
    return _table("Planning", ["videos", "", "", "n"], rows)


def absence(records: Sequence[Record]) -> str:
    """Telling what is in the video from what is not: areas under the ROC curve, and the rule's accuracy."""
    rows = []
    for (world, there), (_, nothing) in zip(_by_world(records, "find"), _by_world(records, "absent"), strict=True):
        for name, key in (("grounder's confidence", "confidence"), ("verifier's score", "score"), ("rule", "presence")):
            rows.append(
                [world, f"ROC-AUC, {name}", f"{roc_auc(_of(there, key), _of(nothing, key)):.3f}", _both(there, nothing)]
            )
        right = [float(r["found"]) for r in there], [float(not r["found"]) for r in nothing]
        rows.append([world, "accuracy of the rule", _cell(mean_of([*right[0], *right[1]])), _both(there, nothing)])
        rows.append([world, "— said to be there of what is there", f"{np.mean(right[0]):.3f}", str(len(there))])
        rows.append([world, "— said to be absent of what is absent", f"{np.mean(right[1]):.3f}", str(len(nothing))])
        told = [float(not r["found"]) for r in records if r["task"] == "nothing" and r["world"] == world]
        asked = [float(r["refused"]) for r in records if r["world"] == world and "refused" in r]
        rows.append([world, "open questions about what is absent: so answered", f"{np.mean(told):.3f}", str(len(told))])
        rows.append([world, "questions about a moment: wrongly refused", f"{np.mean(asked):.3f}", str(len(asked))])
    return _table("Not in the video", ["videos", "", "", "n"], rows)


def every(records: Sequence[Record]) -> str:
    """Finding all moments of what happens several times."""
    rows = []
    for world, asked in _by_world(records, "every"):
        truths = [r["truths"] for r in asked]
        for name, key in (("five candidates, best first", "ranked"), ("accepted by the rule", "accepted")):
            listed = [r[key][:MOST] for r in asked]
            scores = np.array([score for some in listed for *_, score in some])
            precision = average_precision(ragged([c[:2] for c in some] for some in listed), scores, ragged(truths))
            cells = [_cell(mean_of(values.tolist())) for values in (precision.mean(axis=1), precision[:, 0])]
            rows.append([world, name, *cells, f"{np.mean([len(r[key]) for r in asked]):.2f}", str(len(asked))])
        rows.append([world, "there are", "", "", f"{np.mean([len(t) for t in truths]):.2f}", ""])
    return _table("Several moments", ["videos", "", "mAP", "AP@0.5", "moments a query", "n"], rows)


def variants(records: Sequence[Record], costs: Sequence[Record]) -> str:
    """The shipped chain against other ways to make the roles, on the same videos."""
    rows = []
    cost = {c["variant"]: c for c in costs}
    shared = set.intersection(
        *({(r["world"], r["run"], r["video"]) for r in records if r["variant"] == v} for v in cost)
    )
    for variant in cost:
        mine = [r for r in records if r["variant"] == variant and (r["world"], r["run"], r["video"]) in shared]
        found = [r for r in mine if r["task"] == "find"]
        asked = [r for r in mine if r["task"] == "choice"]
        cells = [
            mean_in(found, "first"),
            mean_in(found, "verified"),
            mean_in(asked, "routed"),
            share_right(asked, "chain"),
        ]
        spent = [f"{cost[variant]['megabytes']:.1f}", f"{cost[variant]['seconds']:.2f}"]
        rows.append([variant, *map(_cell, cells), *spent, str(len(found))])
    head = [
        "roles as",
        "mIoU grounder",
        "mIoU + verifier",
        "route",
        "multiple choice",
        "weights (MB)",
        "s a question",
        "videos",
    ]
    return _table("Ways to make the roles", head, rows)


def _by_world(records: Sequence[Record], task: str) -> Iterator[tuple[str, list[Record]]]:
    for world in WORLDS:
        some = [r for r in records if r["task"] == task and r["world"] == world]
        if some:
            yield world, some


def _cell(number: Number) -> str:
    return str(number)


def _of(records: Sequence[Record], key: str) -> list[float]:
    return [float(r[key] or 0.0) for r in records]


def _both(there: Sequence[Record], nothing: Sequence[Record]) -> str:
    return f"{len(there)} + {len(nothing)}"


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"**{title}**", "", _row(head), "|" + "---|" * len(head), *map(_row, rows)]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
