"""What a role is where no model folder says so: own prompts, published views."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from videomind.errors import InputError
from videomind.lora_switch.bundle import SpecialTokens
from videomind.lora_switch.convert import MIN_SPANS
from videomind.roles.spec import PUBLISHED_VIEWS, RoleSpec, spec_to_json
from videomind.roles.spec_file import RoleFile, first_problem
from videomind.training.config import RoleConfig

PROMPTS = {
    "planner": (
        "Before the question below is answered from this video, decide how. If the answer is to be seen in one moment, "
        'reply [{"type": "grounder", "value": WHAT}, {"type": "verifier"}, {"type": "answerer"}], where WHAT describes '
        'that moment; if it takes the whole video, reply [{"type": "answerer"}].\nQuestion: {query}'
    ),
    "grounder": "Find the moment of the video in which this happens: {query}",
    "verifier": "Two marks stand in the video. Does this happen between them, all of it and little else? {query}",
    "answerer": "",
}
REPLY = "It is at {reg}."
"""The grounder's whole reply."""
GENERATION = "<|im_start|>assistant\n"
"""An invocation that every prompt of Qwen2-VL's chat template holds: with it an aLoRA acts on the reply alone."""
_VIEW_KEYS = ("fps", "max_frames", "min_pixels", "max_pixels")


def default_spec(role: str, tokens: SpecialTokens) -> RoleSpec:
    """A role with our own prompt, looking as the published system does."""
    return RoleSpec(
        name=role,
        prompt=PROMPTS[role],
        view=PUBLISHED_VIEWS[role],
        reply_prefix=REPLY.format(reg=tokens.reg) if role == "grounder" else "",
        min_span=MIN_SPANS.get(role, 0.0),
    )


def changed_spec(spec: RoleSpec, changes: RoleConfig, alora: bool, tokens: SpecialTokens) -> RoleSpec:
    """The role with the changes that a config asks for.

    Args:
        spec: the role as it was.
        changes: from the config.
        alora: whether its adapter will act from an invocation on only.
        tokens: the model's own tokens.

    Raises:
        InputError: a value is out of range, or the parts do not go together.
    """
    given = changes.model_dump(exclude_none=True)
    view = {key: given.pop(key) for key in _VIEW_KEYS if key in given}
    invocation = given.pop("invocation", None)
    if invocation is not None and not alora:
        raise InputError(f"an invocation is for an adapter of method alora: leave role.invocation out ({invocation!r})")
    activation: dict[str, Any] = {"activation": "lora", "invocation": None}
    if alora:
        activation = {"activation": "alora", "invocation": invocation or spec.invocation or GENERATION}
    changed = replace(spec, view=replace(spec.view, **view), **given, **activation)
    try:
        checked = RoleFile.model_validate(spec_to_json(changed)).to_spec()
    except ValidationError as error:
        raise InputError(f"role: {first_problem(error)}") from None
    if checked.name == "grounder" and checked.reply_prefix.count(tokens.reg) != 1:
        raise InputError(f"the grounder's reply_prefix holds {tokens.reg} exactly once, not {checked.reply_prefix!r}")
    return checked
