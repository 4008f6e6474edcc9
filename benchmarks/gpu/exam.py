"""What two engines are compared by: whole replies, next tokens after begun ones, log-probabilities, spans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from benchmarks.gpu import asked, words
from benchmarks.gpu.sizes import Size
from videomind.engines.base import Engine, Grounding, RoleRequest
from videomind.lora_switch.bundle import Bundle
from videomind.model.prompt import PromptEncoder
from videomind.vision.clip import load_clip

CHOICES = ("Yes", "No", words.REG, words.STOP)
POINTS = (0.25, 0.5, 0.75)
"""Where in a reply the next token and its log-probabilities are compared, all engines given the same beginning."""


@dataclass(frozen=True, slots=True)
class Exam:
    """Attributes:
    free: requests for whole replies: all roles without the grounder, and the base.
    along: the same with a reply begun, each to be continued by one token.
    grounding: requests to the grounder, with its draft and (to be generated) without.
    """

    free: list[RoleRequest]
    along: list[RoleRequest]
    grounding: list[RoleRequest]


class Given(NamedTuple):
    """What an engine gave: reply tokens, next tokens, log-probabilities of the choices [N, C], groundings."""

    replies: list[list[int]]
    following: list[list[int]]
    logs: np.ndarray
    groundings: list[Grounding]


def make_exam(bundle: Bundle, size: Size, videos: int) -> Exam:
    """Requests about random videos at the bundle's views; of the verifier with segments in several places."""
    free, grounding = [], []
    for seed in range(videos):
        reader = asked.video(size, seed, side=size.side // 2)
        clips = {role: load_clip(reader, made.spec.view) for role, made in bundle.roles.items()}
        pairs = clips["verifier"].num_pairs
        for role in ("planner", "answerer"):
            free.append(asked.request(bundle, size, role, clips[role], str(seed)))
        free.append(replace(free[-2], role="base"))
        for segment in ((pairs // 4, pairs - pairs // 4), (0, pairs // 2)):
            free.append(asked.request(bundle, size, "verifier", clips["verifier"], str(seed), segment))
        bare = asked.request(bundle, size, "grounder", clips["grounder"], str(seed))
        grounding += [replace(bare, reply_prefix=bundle.roles["grounder"].spec.reply_prefix), bare]
    return Exam(free, [], grounding)


def begun(requests: Sequence[RoleRequest], replies: Sequence[str], encoder: PromptEncoder) -> list[RoleRequest]:
    """The requests with parts of these replies as what the reply is made to begin with."""
    made = []
    for one, reply in zip(requests, replies, strict=True):
        tokens = encoder.ids(reply)
        cuts = sorted({int(len(tokens) * point) for point in POINTS} - {0})
        made += [replace(one, reply_prefix=encoder.decode(tokens[:cut]), max_new_tokens=1) for cut in cuts]
    return made


def sit(engine: Engine, exam: Exam, encoder: PromptEncoder) -> Given:
    """An engine's answers."""
    chosen = engine.choose([*exam.free, *exam.along], CHOICES)
    return Given(
        [encoder.ids(reply.text) for reply in engine.generate(exam.free)],
        [encoder.ids(reply.text) for reply in engine.generate(exam.along)],
        np.log([one.probabilities for one in chosen]),
        engine.ground(exam.grounding),
    )
