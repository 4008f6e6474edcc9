"""The demonstration: one fixed video, and three questions about it with known answers and moments."""

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
        span: the moment that shows it, in seconds.
        options: options of a multiple-choice question, else ().
    """

    text: str
    answer: str
    span: Span
    options: tuple[str, ...] = ()


DEMO_SCENE = Scene(
    seed=20260,
    duration=24.0,
    fps=10.0,
    events=(
        Event("red", "circle", "moves right", 1.5, 6.0, "red", (0.22, 0.4, 0.78, 0.4), (0.2, 0.2)),
        Event("blue", "square", "blinks", 7.5, 12.0, "blue", (0.6, 0.6, 0.6, 0.6), (0.2, 0.2)),
        Event("yellow", "triangle", "moves up", 13.5, 17.5, "yellow", (0.4, 0.8, 0.4, 0.22), (0.21, 0.21)),
        Event("green", "cross", "stays still", 19.0, 23.0, "green", (0.55, 0.45, 0.55, 0.45), (0.2, 0.2)),
    ),
    background=(55.0, 8.0, -6.0),
    noise=2.5,
)
"""Four different things, one after another: a plain scene of the world, chosen before the model was trained."""

DEMO_QUESTIONS = (
    DemoQuestion("What colour is the thing that blinks?", "blue", (7.5, 12.0)),
    DemoQuestion(
        "What does the yellow triangle do?",
        "moves up",
        (13.5, 17.5),
        ("moves left", "moves up", "grows", "stays still"),
    ),
    DemoQuestion("What shape is the red thing that moves right?", "circle", (1.5, 6.0)),
)


def write_demo(path: Path | str, size: int = 224) -> Path:
    """Write the demo video as an mp4 file; gives the path back."""
    return write_scene(DEMO_SCENE, path, size)
