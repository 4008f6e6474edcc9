"""`videomind eval`: benchmarks, from the run to the submission."""

from __future__ import annotations

import typer

from videomind.cli.eval_report import report
from videomind.cli.eval_run import eval_run
from videomind.cli.eval_score import score
from videomind.cli.eval_submit import submit

evaluate = typer.Typer(
    no_args_is_help=True,
    help="Run benchmarks, score predictions, write submissions, compare runs (docs/evaluation.md).",
)
evaluate.command("run")(eval_run)
for command in (score, submit, report):
    evaluate.command()(command)
