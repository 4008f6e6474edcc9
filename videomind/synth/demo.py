"""The demonstration: one fixed video, and four questions about it with known answers and moments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from videomind.synth.video import write_scene
from videomind.synth.world import Event, Scene

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class DemoQuestion:
    """A question about the demo video.

    Attributes:
        text: the question.
        answer: the right answer.
        span: the moment that shows it, in seconds; None = what it asks about is not in the video.
        options: options of a multiple-choice question, else ().
    """

    text: str
    answer: str
    span: Span | None
    options: tuple[str, ...] = ()


DEMO_SCENE = Scene(
    seed=20260,
    duration=36.0,
    fps=10.0,
    events=(
        Event("red", "circle", "moves right", 2.0, 6.5, "red", (0.22, 0.4, 0.78, 0.4), (0.2, 0.2), "yellow", 4.0),
        Event("blue", "square", "blinks", 8.5, 13.0, "blue", (0.6, 0.6, 0.6, 0.6), (0.2, 0.2)),
        Event("yellow", "triangle", "moves up", 14.5, 18.5, "yellow", (0.4, 0.8, 0.4, 0.22), (0.21, 0.21)),
        Event("red", "circle", "stays still", 21.0, 25.0, "red", (0.35, 0.55, 0.35, 0.55), (0.2, 0.2)),
        Event("green", "cross", "grows", 28.0, 33.0, "green", (0.55, 0.45, 0.55, 0.45), (0.1, 0.22)),
    ),
    background=(55.0, 8.0, -6.0),
    noise=2.5,
)
"""A thing comes twice and flashes once: chosen before any answer of the model to it was seen."""

DEMO_QUESTIONS = (
    DemoQuestion("What shape is the thing that blinks?", "square", (8.5, 13.0)),
    DemoQuestion(
        "What does the yellow triangle do?",
        "moves up",
        (14.5, 18.5),
        ("moves left", "moves up", "grows", "stays still"),
    ),
    DemoQuestion("Which colour does the red circle that moves right flash?", "yellow", (2.0, 6.5)),
    DemoQuestion("What does the white cross do?", "not in this video", None),
)


def write_demo(path: Path | str, size: int = 224) -> Path:
    """Write the demo video as an mp4 file; gives the path back."""
    return write_scene(DEMO_SCENE, path, size)
