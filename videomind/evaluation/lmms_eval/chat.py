"""lmms-eval's chat messages ↔ what the agent is asked and answers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from videomind.errors import InputError, VideoError
from videomind.evaluation.lmms_eval.prompt import Prompt, read_prompt
from videomind.results import Answer

Messages = Sequence[Mapping[str, Any]]
"""Turns with a `role` and their `content`: a list of {"type": "text", "text": …} or {"type": "video", "url": …}."""


@dataclass(frozen=True, slots=True)
class Request:
    """A video file and what is asked about it."""

    video: Path
    prompt: Prompt


def read_messages(messages: Messages) -> Request:
    """The one video and the question in a chat; what a system turn says about the reply is left out.

    Raises:
        InputError: it holds examples with answers, pictures, sound, no video or several, a part of a video or frames
            instead of a file, or nothing is asked.
    """
    if any(turn["role"] == "assistant" for turn in messages):
        raise InputError("examples with answers cannot be shown to this model: leave --num_fewshot out")
    contents = [content for turn in messages if turn["role"] == "user" for content in turn["content"]]
    if other := sorted({content["type"] for content in contents} - {"text", "video"}):
        raise InputError(f"this model sees one video file, not {', '.join(other)}: leave the task out")
    videos = [content for content in contents if content["type"] == "video"]
    if len(videos) != 1:
        raise InputError(f"{len(videos)} videos in one question: this model answers about one")
    text = "\n".join(content["text"] for content in contents if content["type"] == "text")
    if not text.strip():
        raise InputError("nothing is asked: leave the task out")
    return Request(_video_file(videos[0]), read_prompt(text))


def check_videos(requests: Sequence[Request]) -> None:
    """Whether the videos are there.

    Raises:
        VideoError: some are not; how many, and which the first of them are.
    """
    if missing := [str(video) for video in dict.fromkeys(one.video for one in requests) if not video.exists()]:
        shown = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
        raise VideoError(f"{len(missing)} of the videos are not there: {shown}; the task's page says where to get them")


def by_video(requests: Sequence[Request]) -> list[int]:
    """Their places, those about one video together, in the order in which the videos first come up."""
    groups: dict[Path, list[int]] = {}
    for place, request in enumerate(requests):
        groups.setdefault(request.video, []).append(place)
    return [place for group in groups.values() for place in group]


def reply_text(answer: Answer, prompt: Prompt, until: str | Sequence[str] | None) -> str:
    """What lmms-eval gets: the letter of the chosen option, else the text up to the first of the stop strings.

    Args:
        answer: to the question in `prompt`; its letter counts the options there.
        until: the stop strings (`generation_kwargs.until` of a task).
    """
    if answer.option is not None:
        return prompt.letters[ascii_uppercase.index(answer.option)]
    text = answer.text
    for stop in [until] if isinstance(until, str) else until or ():
        text = text.partition(stop)[0] if stop else text
    return text


def _video_file(content: Mapping[str, Any]) -> Path:
    if content.get("start_time") is not None or content.get("end_time") is not None:
        raise InputError("only a part of the video is asked about: this model takes whole files; cut the file first")
    url = content["url"]
    if not isinstance(url, str | os.PathLike):
        raise InputError(f"the video is given as {type(url).__name__}: this model reads video files itself")
    return Path(url)
