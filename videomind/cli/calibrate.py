"""`videomind calibrate`: teach a model to say "not in this video", and which of several moments to believe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import track
from rich.table import Table
from rich.text import Text

from videomind.cli.loading import load_model
from videomind.cli.options import AsJson, Device, Dtype, EngineConfig, EngineName
from videomind.cli.outputs import json_text
from videomind.cli.terminal import printable, progress_console
from videomind.errors import InputError
from videomind.model_choice import ModelChoice

if TYPE_CHECKING:
    from videomind.agent import Agent
    from videomind.training.calibration import Measurement
    from videomind.training.record_set import RecordSet, Skip

ROLES = {False: "grounder alone", True: "with verifier"}


def calibrate(
    model: Annotated[Path, typer.Argument(help="Model folder to calibrate.", metavar="MODEL")],
    data: Annotated[
        Path,
        typer.Option(
            help="Grounding records (.jsonl) the model was not trained on; some with no spans, which never happen.",
            metavar="FILE",
        ),
    ],
    videos: Annotated[
        Path | None,
        typer.Option(help="Folder that the records' videos are in. Default: that of the records.", metavar="DIR"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write a calibrated copy here and leave MODEL as it is.", metavar="DIR"),
    ] = None,
    engine: EngineName = "torch",
    engine_config: EngineConfig = None,
    as_json: AsJson = False,
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> None:
    """Fit the rules by which a model says "not in this video" and tells true moments from others.

    Grounder and verifier look for every record; what they say is compared with what is known, and the rules go into
    the manifest of the model. Shown is how well they do by cross-validation over videos.
    """
    from videomind.lora_switch.calibrated import check_target, write_calibration
    from videomind.training.calibration import fit_calibration
    from videomind.training.jsonl import read_records

    console = progress_console()
    check_target(model, out)
    with _warnings(console):
        records = read_records(data, "grounder", videos)
        with console.status("loading") as status:
            agent = load_model(ModelChoice(model, engine, engine_config, device, dtype), status)
        with agent:
            if "grounder" not in agent.roles:
                raise InputError(f"{model} has no grounder: there is nothing to calibrate")
            measured, skipped = _measure(agent, records, console)
    calibration = fit_calibration(measured, data.name)
    report = describe(measured, len(records.skipped) + skipped)
    report["model"] = str(write_calibration(agent.bundle, calibration, out))
    if as_json or not sys.stdout.isatty():
        print(json_text(report | {"calibration": asdict(calibration)}))
    else:
        Console(highlight=False).print(report_table(report))


def describe(measured: list[Measurement], skipped: int) -> dict[str, Any]:
    """How many queries were used and skipped, and how well each rule does on videos it was not fitted on."""
    from videomind.roles.calibration import is_verified
    from videomind.training.calibration import CRITERIA, assess

    cases = (False, True) if any(is_verified(one.candidates) for one in measured) else (False,)
    return {
        "queries": len(measured),
        "never_happening": sum(not one.spans for one in measured),
        "skipped": skipped,
        "rules": {
            name: {ROLES[verified]: asdict(assess(measured, name, verified)) for verified in cases} for name in CRITERIA
        },
    }


def report_table(report: dict[str, Any]) -> Table:
    """The report for people."""
    title = f"{report['queries']} queries, {report['never_happening']} of them about what never happens"
    if report["skipped"]:
        title += f"; {report['skipped']} records were skipped"
    table = Table(box=SIMPLE, title=Text(title), title_justify="left", header_style="dim")
    for heading in ("rule", "roles", "ROC-AUC", "accuracy", "balanced", "F1", "n"):
        table.add_column(heading, justify="left" if heading in ("rule", "roles") else "right")
    for rule, cases in report["rules"].items():
        for roles, quality in cases.items():
            numbers = [f"{quality[key]:.3f}" for key in ("auc", "accuracy", "balanced", "f1")]
            table.add_row(rule, roles, *numbers, str(quality["rows"]))
    table.caption = Text(printable(f"5-fold cross-validation over videos; written to {report['model']}"))
    return table


def _measure(agent: Agent, records: RecordSet, console: Console) -> tuple[list[Measurement], int]:
    """What the model says, and how many records were skipped on the way."""
    from videomind.training.measurements import measure_records
    from videomind.training.record_set import Skip, nothing_left, report

    measured: list[Measurement] = []
    skips: list[Skip] = []
    for one in track(measure_records(agent, records), "measuring", len(records), console=console):
        if isinstance(one, Skip):
            skips.append(one)
            report(records.name, [one])
        else:
            measured.append(one)
    if not measured:
        raise InputError(nothing_left(records.name, skips))
    return measured, len(skips)


@contextmanager
def _warnings(console: Console) -> Iterator[None]:
    """Shows what is reported about records on the console."""
    from videomind.training.record_set import log

    handler = RichHandler(console=console, show_time=False, show_path=False, show_level=False)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
