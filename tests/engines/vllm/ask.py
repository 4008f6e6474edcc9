"""Requests to compare engines with, and how alike their results have to be."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from videomind.engines.base import Engine, RoleRequest, Service
from videomind.lora_switch.bundle import Bundle, load_bundle
from videomind.roles.verifier import NO, YES
from videomind.synth.reader import SceneReader
from videomind.synth.world import sample_scene
from videomind.vision.clip import Clip, load_clip

CHOICES = (YES, NO, "<|reg|>", "<|im_end|>")
LOG_TOLERANCE = 1e-4
SPAN_TOLERANCE = 1e-4
"""As a fraction of the duration."""
BUNDLE = load_bundle()
QUESTIONS = ("When does the red circle move?", "What does the blue square do?", "Which shape grows?")


def clip(seed: int, role: str = "planner", span: tuple[float, float] | None = None) -> Clip:
    """What a role of the embedded model sees of a made scene."""
    return load_clip(SceneReader(sample_scene(seed), 56), BUNDLE.roles[role].spec.view, span)


def request(
    role: str, seen: Clip, query: str = QUESTIONS[0], bundle: Bundle = BUNDLE, service: Service | None = None
) -> RoleRequest:
    """A call of a role as the chain makes it; "base" is the bare base model."""
    spec = bundle.roles["answerer" if role == "base" else role].spec
    segment = (2, 7) if role == "verifier" else None
    prefix = spec.reply_prefix if role == "grounder" else ""
    return RoleRequest(role, seen, spec.user_text(query), prefix, segment, 24, service or Service())


def mixed(seeds: Sequence[int]) -> list[RoleRequest]:
    """All roles and the base on some scenes."""
    roles = ("planner", "verifier", "answerer", "base", "grounder")
    return [request(role, clip(seed), QUESTIONS[seed % 3]) for seed in seeds for role in roles]


def assert_same(engine: Engine, reference: Engine, requests: Sequence[RoleRequest]) -> None:
    """Replies identical, log-probabilities of some first tokens and spans within the tolerances."""
    ours, theirs = engine.generate(requests), reference.generate(requests)
    assert [reply.text for reply in ours] == [reply.text for reply in theirs]
    assert_same_choices(engine, reference, requests)
    grounding = [one for one in requests if one.role == "grounder"]
    for found, expected in zip(engine.ground(grounding), reference.ground(grounding), strict=True):
        assert found.reply == expected.reply
        assert (found.spans is None) == (expected.spans is None)
        if found.spans is not None and expected.spans is not None:
            np.testing.assert_allclose(found.spans, expected.spans, atol=SPAN_TOLERANCE)


def assert_same_choices(engine: Engine, reference: Engine, requests: Sequence[RoleRequest]) -> None:
    """Log-probabilities of some first tokens of the reply, within the tolerance; also their order."""
    for found, expected in zip(engine.choose(requests, CHOICES), reference.choose(requests, CHOICES), strict=True):
        logs = [[math.log(p) for p in choice.probabilities] for choice in (found, expected)]
        np.testing.assert_allclose(*logs, atol=LOG_TOLERANCE)
        assert np.argsort(logs[0]).tolist() == np.argsort(logs[1]).tolist()
