"""Stage 3: what is trained per role on the base, each on its own task; the grounder's decoder learns along."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Literal

import torch
from torch import Tensor, nn

from videomind.roles.spec import ROLES
from videomind.training.nano.language import Lessons, Trainee
from videomind.training.nano.lora import LoraLinear, attach, detach

RANK, ALPHA = 16, 32.0
SHOWN = ("reply", "token", "focal", "offset", "contrast", "verdict")
Method = Literal["alora", "lora", "full"]
"""An adapter that acts from its invocation on, one that acts on every token, or a whole text model of its own."""
ALL = "all"
"""The name of one that does the work of all roles."""


class RoleTrainee(nn.Module):
    """What one role adds to the base, and the timestamp decoder if the role grounds."""

    def __init__(self, trainee: Trainee, role: str, method: Method = "alora") -> None:
        super().__init__()
        trainee.requires_grad_(False)
        self.text = [trainee.model.model.language_model]  # in a list, so that it is not taken for a submodule
        self.layers: dict[str, LoraLinear] = {}
        if method == "full":
            self.model = self.text[0].requires_grad_(True)
        else:
            self.layers = attach(self.text[0], RANK, ALPHA)
        factors = {
            f"{name.replace('.', '_')}_{part}": getattr(layer, part)
            for name, layer in self.layers.items()
            for part in ("a", "b")
        }
        self.factors = nn.ParameterDict(factors)
        if role in ("grounder", ALL):
            self.decoder = trainee.decoder.requires_grad_(True)

    def release(self) -> dict[str, LoraLinear]:
        """Take the adapter off the base and give it back."""
        detach(self.text[0], self.layers)
        return self.layers


def role_lesson(lessons: Lessons, role: str, seed: int) -> Mapping[str, Tensor]:
    """One step of a role's own task, or of every role's in turn."""
    rng = Random(seed)
    turn, role = (seed // len(ROLES), ROLES[seed % len(ROLES)]) if role == ALL else (seed, role)
    match role:
        case "planner":
            numbers = lessons.whole(rng, answers=0, plans=5, grounds=0)
        case "grounder":
            numbers = lessons.whole(rng, answers=0, plans=0, grounds=6)
        case "verifier":
            numbers = lessons.predicted(rng)
        case "answerer" if turn % 2:
            numbers = lessons.moment(rng, answers=5)
        case _:
            numbers = lessons.whole(rng, answers=5, plans=0, grounds=0)
    shown = {name: value for name, value in numbers.items() if name in SHOWN}
    return shown | {"loss": numbers["loss"] + numbers.get("ground_loss", torch.zeros(()))}
