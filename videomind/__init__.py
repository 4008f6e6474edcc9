"""VideoMind: ask a question about a video, get the answer with the moment that proves it.

    from videomind import Agent

    agent = Agent.from_pretrained()
    result = agent.ask("holiday.mp4", "What does the dog do after it barks?")
    print(result.answer.text, result.moment.start, result.moment.end)

Names load on first use, so that `import videomind` is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from videomind.agent import Agent
    from videomind.asking import Question
    from videomind.client.client import Client
    from videomind.errors import (
        BundleError,
        Cancelled,
        EngineError,
        InputError,
        SubtitleError,
        VideoError,
        VideoMindError,
    )
    from videomind.events import AnswerToken, Done, Grounded, Judged, PlanReady, Verified
    from videomind.results import Answer, Candidate, Plan, Protocol, Result, Trace, VideoInfo

__all__ = [
    "Agent",
    "Answer",
    "AnswerToken",
    "BundleError",
    "Cancelled",
    "Candidate",
    "Client",
    "Done",
    "EngineError",
    "Grounded",
    "InputError",
    "Judged",
    "Plan",
    "PlanReady",
    "Protocol",
    "Question",
    "Result",
    "SubtitleError",
    "Trace",
    "Verified",
    "VideoError",
    "VideoInfo",
    "VideoMindError",
]

_HOMES = {
    "agent": ("Agent",),
    "asking": ("Question",),
    "client.client": ("Client",),
    "errors": (
        "BundleError",
        "Cancelled",
        "EngineError",
        "InputError",
        "SubtitleError",
        "VideoError",
        "VideoMindError",
    ),
    "events": ("AnswerToken", "Done", "Grounded", "Judged", "PlanReady", "Verified"),
    "results": ("Answer", "Candidate", "Plan", "Protocol", "Result", "Trace", "VideoInfo"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
