"""How fast a run was, and what it did not compute twice, in one line."""

from __future__ import annotations

from datetime import timedelta

from videomind.evaluation.report.runs import TaskRun
from videomind.evaluation.report.values import share


def throughput(run: TaskRun) -> str:
    """E.g. "4.21 samples/s over 0:12:07; reused 61.0 % of prompt tokens and 48.2 % of visual encodings"."""
    results = run.results
    spent = timedelta(seconds=round(results.seconds))
    reused = [
        f"{share(part / whole)} of {what}"
        for what, part, whole in (
            ("prompt tokens", sum(row.cached_tokens for row in run.rows), sum(row.prompt_tokens for row in run.rows)),
            ("visual encodings", sum(row.views_saved for row in run.rows), sum(row.views for row in run.rows)),
        )
        if whole
    ]
    return f"{results.samples_per_second:.3g} samples/s over {spent}" + (
        f"; reused {' and '.join(reused)}" if reused else ""
    )
