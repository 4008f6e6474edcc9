"""Questions about the demo video, as the OpenAI client asks them."""

from __future__ import annotations

from typing import Any

import openai

from videomind.synth.demo import DEMO_QUESTIONS, DemoQuestion

BLINKS, MOVES, _, ABSENT = DEMO_QUESTIONS


def about(video: str, question: str) -> list[Any]:
    shown = {"type": "video_url", "video_url": {"url": video}}
    return [{"role": "user", "content": [shown, {"type": "text", "text": question}]}]


def ask(client: openai.OpenAI, video: str, asked: DemoQuestion, **fields: Any) -> Any:
    fields = {"model": "videomind"} | fields
    settings = fields.setdefault("extra_body", {}).setdefault("videomind", {})
    if asked.options:
        settings["options"] = list(asked.options)
    return client.chat.completions.create(messages=about(video, asked.text), **fields)
