"""One batch of mixed roles against a batch of one role and a batch of the base: the same prompts and lengths."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from benchmarks.gpu import asked
from benchmarks.gpu.exam import CHOICES
from benchmarks.gpu.sizes import Size
from videomind.engines.base import Engine, RoleRequest, Service
from videomind.lora_switch.bundle import Bundle
from videomind.model.prompt import PromptEncoder
from videomind.vision.clip import load_clip

T = TypeVar("T")
CROWDS = {
    "base": ("base",),
    "one role": ("planner",),
    "one role with own tables": ("verifier",),
    "mixed roles": ("planner", "verifier", "base"),
}
"""Whose requests a batch holds, in turn. The grounder is left out: it says its draft and stops."""
LENGTHS = (1, 4)
"""Tokens of a reply in the load "decode", in multiples of a role's usual reply; the difference is pure decoding."""


class Run(NamedTuple):
    """One batch: how many tokens it took in or gave, in how many seconds."""

    load: str
    crowd: str
    tokens: int
    seconds: float

    @property
    def rate(self) -> float:
        """Tokens per second."""
        return self.tokens / self.seconds


def runs(engine: Engine, bundle: Bundle, size: Size, batch: int, repeat: int) -> Iterator[Run]:
    """Every crowd under every load, in turn, `repeat` times after a first time that does not count."""
    encoder = PromptEncoder(bundle.processor, merge=2)
    crowds = {name: _crowd(bundle, size, roles, batch) for name, roles in CROWDS.items()}
    for turn in range(1 + repeat):
        for name, requests in crowds.items():
            for run in (_prefill(engine, name, requests, turn), _decode(engine, name, requests, size, encoder)):
                if turn:
                    yield run


def _crowd(bundle: Bundle, size: Size, roles: Sequence[str], batch: int) -> list[RoleRequest]:
    """Requests of these roles in turn; all have the planner's text and see one short clip."""
    view = replace(bundle.roles["planner"].spec.view, max_frames=max(4, size.views["answerer"].max_frames))
    clip = load_clip(asked.video(size, 0, side=size.side // 2), view)
    return [
        replace(asked.request(bundle, size, "planner", clip, str(number)), role=roles[number % len(roles)])
        for number in range(batch)
    ]


def _prefill(engine: Engine, crowd: str, requests: list[RoleRequest], salt: int) -> Run:
    """One token each after prompts whose KV nobody has; the clip's visual tokens are at hand after the first time."""
    salted = [replace(one, service=Service(salt=f"{crowd} {salt} {number}")) for number, one in enumerate(requests)]
    chosen, seconds = _timed(lambda: engine.choose(salted, CHOICES))
    assert not any(one.usage.cached_tokens for one in chosen)
    return Run("prefill", crowd, sum(one.usage.prompt_tokens for one in chosen), seconds)


def _decode(engine: Engine, crowd: str, requests: list[RoleRequest], size: Size, encoder: PromptEncoder) -> Run:
    """Long replies against short ones, prompts at hand: the tokens that the long ones have more, and their time."""
    tokens, seconds = [], []
    for length in LENGTHS:
        asked_for = [replace(one, max_new_tokens=length * size.replies) for one in requests]
        replies, took = _timed(lambda those=asked_for: engine.generate(those))
        tokens.append(sum(len(encoder.ids(reply.text)) for reply in replies))
        seconds.append(took)
    return Run("decode", crowd, tokens[1] - tokens[0], seconds[1] - seconds[0])


def _timed(call: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    result = call()
    return result, time.perf_counter() - began
