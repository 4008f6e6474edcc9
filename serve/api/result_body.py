"""A result as endpoints give it: the keys of the command line's JSON, and where its evidence can be had."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from videomind.results import Answer, Candidate, Plan, Result, VideoInfo


class ResultBody(BaseModel):
    """Times in seconds, scores and probabilities in [0, 1]; candidates and moments best first."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    id: Annotated[str, Field(description="The stored turn (/v1/results/{id}).")]
    links: Annotated[dict[str, str], Field(description="Paths of its evidence: clip, strip, timeline, and so on.")]
    video: VideoInfo
    question: str
    query: Annotated[str, Field(description="What was grounded.")]
    plan: Plan
    candidates: tuple[Candidate, ...]
    moments: tuple[Candidate, ...]
    moment: Annotated[Candidate | None, Field(description="The best of the moments; null where there is none.")]
    answer: Annotated[Answer | None, Field(description="null where nobody was asked for one.")]
    timings: Annotated[dict[str, float], Field(description="Seconds per role, of decoding, and in total.")]
    model: str
    engine: str
    presence: Annotated[float | None, Field(description="Probability that it is in the video; null = not calibrated.")]
    reuse: Annotated[dict[str, int], Field(description="Tokens and views, and how many were there already.")]


def result_body(turn: str, result: Result) -> ResultBody:
    """Args:
    turn: its id in the store.
    result: as it was stored.
    """
    return ResultBody.model_validate({"id": turn, "links": links_of(turn, result), **result.to_json()})


def links_of(turn: str, result: Result) -> dict[str, str]:
    """Paths on this server; a clip only where there is something to show."""
    names = {
        "clip": "clip.mp4",
        "strip": "strip.png",
        "timeline": "timeline.svg",
        "subtitles": "moments.vtt",
        "report": "report.html",
        "trace": "trace.json",
    }
    if not result.moments:
        del names["clip"]
    return {what: f"/v1/results/{turn}/{name}" for what, name in names.items()}
