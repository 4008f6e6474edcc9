"""`videomind demo`: a video with known events is made, asked about, and the answers are checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from videomind.cli.evidence import save_clip
from videomind.cli.loading import load_model
from videomind.cli.options import Device, Dtype, EngineConfig, EngineName, Model
from videomind.cli.panel import result_panel
from videomind.cli.progress import follow
from videomind.cli.terminal import clock, moment_text, progress_console
from videomind.errors import InputError
from videomind.model_choice import ModelChoice
from videomind.results import Result
from videomind.roles.spans import temporal_iou

if TYPE_CHECKING:
    from videomind.agent import Agent
    from videomind.synth.demo import DemoQuestion


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one answer compares with what is known: `iou` is the overlap of the moment with the true one, if there is."""

    asked: DemoQuestion
    result: Result
    right: bool
    iou: float | None


def demo(
    out: Annotated[Path, typer.Argument(help="Folder for the video and the evidence.", metavar="OUT")] = Path("demo"),
    model: Model = None,
    engine: EngineName = "torch",
    engine_config: EngineConfig = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> None:
    """Make a video, ask it four questions, and check answers and moments against what is known."""
    console, chain = Console(highlight=False), progress_console()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot create the folder {out}: {error.strerror}") from None
    with chain.status("rendering the video") as status:
        from videomind.synth.demo import DEMO_QUESTIONS, write_demo

        video = write_demo(out / "demo.mp4")
        agent = load_model(ModelChoice(model, engine, engine_config, device, dtype), status)
    console.print(Text(f"A video with known events: {video}"))
    with agent:
        verdicts = [
            ask_and_check(agent, video, number, asked, console, chain) for number, asked in enumerate(DEMO_QUESTIONS, 1)
        ]
    console.print(verdict_table(verdicts))


def ask_and_check(
    agent: Agent, video: Path, number: int, asked: DemoQuestion, console: Console, chain: Console
) -> Verdict:
    """Asks one question, shows the chain and the result, and writes the evidence beside the video."""
    console.print(Text(f"\n{number}. {asked.text}", style="bold"))
    result = follow(agent.stream(video, asked.text, options=asked.options), chain)
    with chain.status("writing files"):
        written = write_evidence(result, video.parent, number)
    console.print(result_panel(result, asked.options, written))
    return judge(asked, result)


def write_evidence(result: Result, folder: Path, number: int) -> dict[str, Path]:
    """Writes a film strip, a timeline, both in one figure, and the moment (if any) as a clip; says what is where."""
    from videomind.vision.figure import plot_result
    from videomind.vision.filmstrip import film_strip
    from videomind.vision.reader import open_video
    from videomind.vision.timeline import timeline

    names = {"figure": "figure.png", "film strip": "film_strip.png", "timeline": "timeline.png"}
    files = {what: folder / f"{number}_{name}" for what, name in names.items()}
    with open_video(result.video.path) as reader:
        plot_result(reader, result, files["figure"])
        film_strip(reader, files["film strip"], [(moment.start, moment.end) for moment in result.moments])
    timeline(result, files["timeline"])
    if result.moment is not None:
        files["clip"] = folder / f"{number}_clip.mp4"
        save_clip(result, result.moment, files["clip"])
    return files


def judge(asked: DemoQuestion, result: Result) -> Verdict:
    """Compares an answer and its moment with the truth."""
    moment, answer = result.moment, result.answer
    said = ""
    if answer is not None and answer.option is not None and asked.options:
        said = asked.options[ord(answer.option) - ord("A")]
    elif answer is not None:
        said = answer.text
    iou = None
    if asked.span is not None:
        iou = 0.0 if moment is None else temporal_iou((moment.start, moment.end), asked.span)
    return Verdict(asked, result, right=said.strip(" .").casefold() == asked.answer, iou=iou)


def verdict_table(verdicts: list[Verdict]) -> Table:
    """Question by question: is the answer right, and how well does the moment fit."""
    table = Table(box=SIMPLE, title="Against what is known", title_justify="left", header_style="dim")
    for heading in ("question", "answer", "moment", "known", "IoU"):
        table.add_column(heading, justify="right" if heading == "IoU" else "left")
    for verdict in verdicts:
        moment, span, iou = verdict.result.moment, verdict.asked.span, verdict.iou
        table.add_row(
            verdict.asked.text,
            Text(*(("✓ right", "green") if verdict.right else (f"✗ not {verdict.asked.answer!r}", "red"))),
            "–" if moment is None else moment_text(moment),
            "–" if span is None else f"{clock(span[0])}–{clock(span[1])}",
            "–" if iou is None else Text(f"{iou:.2f}", style="green" if iou >= 0.5 else "red"),
        )
    return table
