"""Stage 3: an adapter per role on the frozen base, each on its own task; the grounder's decoder learns along."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import torch
from torch import Tensor, nn

from videomind.training.nano.language import Lessons, Trainee
from videomind.training.nano.lora import LoraLinear, attach, detach

RANK, ALPHA = 16, 32.0
SHOWN = ("reply", "token", "focal", "offset", "contrast")


class RoleTrainee(nn.Module):
    """The adapter of one role, and the timestamp decoder if the role is the grounder."""

    def __init__(self, trainee: Trainee, role: str) -> None:
        super().__init__()
        trainee.requires_grad_(False)
        self.text = [trainee.model.model.language_model]  # in a list, so that it is not taken for a submodule
        self.layers = attach(self.text[0], RANK, ALPHA)
        factors = {
            f"{name.replace('.', '_')}_{part}": getattr(layer, part)
            for name, layer in self.layers.items()
            for part in ("a", "b")
        }
        self.factors = nn.ParameterDict(factors)
        if role == "grounder":
            self.decoder = trainee.decoder.requires_grad_(True)

    def release(self) -> dict[str, LoraLinear]:
        """Take the adapter off the base and give it back."""
        detach(self.text[0], self.layers)
        return self.layers


def role_lesson(lessons: Lessons, role: str, seed: int) -> Mapping[str, Tensor]:
    """One step of a role's own task."""
    rng = Random(seed)
    match role:
        case "planner":
            numbers = lessons.whole(rng, answers=0, plans=5, grounds=0)
        case "grounder":
            numbers = lessons.whole(rng, answers=0, plans=0, grounds=6)
        case "verifier":
            numbers = lessons.candidate(rng)
        case "answerer" if seed % 2:
            numbers = lessons.moment(rng, answers=4)
        case _:
            numbers = lessons.whole(rng, answers=5, plans=0, grounds=0)
    shown = {name: value for name, value in numbers.items() if name in SHOWN}
    return shown | {"loss": numbers["loss"] + numbers.get("ground_loss", torch.zeros(()))}
