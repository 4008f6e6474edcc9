"""`videomind eval run`: a model on benchmarks, from where an earlier start left off."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from videomind.cli.eval_score import scores_table
from videomind.cli.options import Compat, Device, Dtype, EngineConfig, EngineName, Model, parse_roles
from videomind.cli.outputs import json_text
from videomind.cli.terminal import progress_console
from videomind.errors import InputError
from videomind.model_choice import ModelChoice

if TYPE_CHECKING:
    from videomind.evaluation.run.line import Manner
    from videomind.evaluation.run.run import RunSettings
    from videomind.evaluation.run.workers import Workers
    from videomind.evaluation.scoring.score import Scores

INTERRUPTED = 130
DATA, ASKING, MACHINES = "Data", "Asking", "Machines"
MOST_DECODERS = 4
"""Processes that decode ahead for one worker, where nothing is said and there are processors enough."""


def eval_run(
    tasks: Annotated[str, typer.Option(help="Benchmarks, e.g. charades_sta,nextgqa (docs/evaluation.md).")],
    output: Annotated[Path, typer.Option(help="Folder of the run; an earlier run in it goes on.", metavar="DIR")],
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many samples of each task.")] = None,
    data: Annotated[
        Path, typer.Option(help="Folder of annotations and videos.", metavar="DIR", rich_help_panel=DATA)
    ] = Path("data"),
    annotations: Annotated[
        Path | None,
        typer.Option(help="Annotations of the only task, if elsewhere.", metavar="PATH", rich_help_panel=DATA),
    ] = None,
    videos: Annotated[
        Path | None, typer.Option(help="Videos of the only task, if elsewhere.", metavar="DIR", rich_help_panel=DATA)
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Split of the only task. Default: the usual one.", rich_help_panel=DATA)
    ] = None,
    skip_missing: Annotated[
        bool, typer.Option("--skip-missing", help="Go on without videos that are missing.", rich_help_panel=DATA)
    ] = False,
    model: Model = None,
    engine: EngineName = "torch",
    engine_config: EngineConfig = None,
    roles: Annotated[
        str | None,
        typer.Option(
            help="Roles that may be called. Default: all of the model.", metavar="LIST", rich_help_panel=ASKING
        ),
    ] = None,
    subtitles: Annotated[
        bool, typer.Option("--subtitles", help="Use the benchmark's subtitles.", rich_help_panel=ASKING)
    ] = False,
    device: Device = "auto",
    dtype: Dtype = "auto",
    compat: Compat = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=256,
            help="Processes with a model each. Default: one per GPU, or per processor.",
            rich_help_panel=MACHINES,
        ),
    ] = None,
    decoders: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=64,
            help="Processes per worker that decode ahead. Default: as processors are left.",
            rich_help_panel=MACHINES,
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            help='Ray cluster to run on: its address, or "local".', metavar="ADDRESS", rich_help_panel=MACHINES
        ),
    ] = None,
    num_gpus: Annotated[float, typer.Option(min=0, help="GPUs of each worker on Ray.", rich_help_panel=MACHINES)] = 0,
) -> None:
    """Ask a model all questions of one or several benchmarks, and score the answers.

    Every finished sample is on disk at once: run the same command again to go on after it was stopped or killed.
    """
    console = progress_console()
    with console.status("loading"):
        from videomind.cli.eval_progress import EvalProgress
        from videomind.evaluation.run.run import RunSettings, run
        from videomind.evaluation.tasks import task

        chosen = tuple(task(name) for name in dict.fromkeys(name.strip() for name in tasks.split(",")))
        _check_of_one_task(len(chosen), annotations, videos, split)
        settings = RunSettings(
            tasks=chosen,
            output=output,
            data=data,
            model=ModelChoice(model, engine, engine_config, device, dtype, compat),
            annotations=annotations,
            videos=videos,
            splits={} if split is None else {chosen[0].name: split},
            limit=limit,
            roles=parse_roles(roles),
            subtitles=subtitles,
            skip_missing=skip_missing,
        )

    def hire(manner: Manner) -> Workers:
        if ray is not None:
            from videomind.evaluation.run.ray_workers import RayWorkers

            return RayWorkers(settings.model, manner, ray, workers, num_gpus)
        return _local(settings.model, manner, workers, decoders)

    with EvalProgress(console) as progress:
        try:
            scores = run(settings, hire, progress)
        except KeyboardInterrupt:
            progress.say("stopped: the same command goes on from here")
            raise typer.Exit(INTERRUPTED) from None
    _show(scores, settings)


def _check_of_one_task(tasks: int, annotations: Path | None, videos: Path | None, split: str | None) -> None:
    for flag, value in (("--annotations", annotations), ("--videos", videos), ("--split", split)):
        if value is not None and tasks > 1:
            raise InputError(f"{flag} is for a run of one task; for several use --data, in which each has its folder")


def _local(choice: ModelChoice, manner: Manner, workers: int | None, decoders: int | None) -> Workers:
    """Workers on this machine: as many as there are GPUs or processors; one of vLLM, which batches by itself."""
    from videomind.evaluation.run.workers import LocalWorkers

    processors = len(os.sched_getaffinity(0))
    gpus = _gpus() if choice.device in ("auto", "cuda") and choice.engine == "torch" else ()
    count = workers or (1 if choice.engine == "vllm" else len(gpus) or processors)
    spare = max(0, processors - count) // count
    return LocalWorkers(choice, manner, count, gpus, min(MOST_DECODERS, spare) if decoders is None else decoders)


def _gpus() -> tuple[str, ...]:
    """The GPUs that may be used, as CUDA_VISIBLE_DEVICES names them."""
    import torch

    count = torch.cuda.device_count()
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return tuple(named.split(",") if named else map(str, range(count)))[:count]


def _show(scores: dict[str, Scores], settings: RunSettings) -> None:
    if not sys.stdout.isatty():
        print(json_text({name: one.to_json() for name, one in scores.items()}))
        return
    console = Console(highlight=False)
    for task in settings.tasks:
        console.print(scores_table(task, settings.splits.get(task.name, task.split), scores[task.name]))
    print(f"next: videomind eval report {shlex.quote(str(settings.output))} --html report.html")
