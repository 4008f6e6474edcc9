"""A language model with an adapter and something to learn, for tests of the methods."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from videomind.model.qwen2_vl import load_model
from videomind.training.config import MethodConfig
from videomind.training.methods import METHODS, attach, default_learning_rate, initialise, optimizer

IDS = torch.randint(0, 200, (4, 24), generator=torch.Generator().manual_seed(1))
INVOCATION, BEGINS = [7, 8], 10
IDS[:, BEGINS : BEGINS + 2] = torch.tensor(INVOCATION)
RANKS = {"vera": 16, "randlora": 8, "fourierft": None, "c3a": None}
LORAS = [name for name, method in METHODS.items() if method.config == "LoraConfig"]
OTHERS = [name for name in METHODS if name not in LORAS]


def config(name: str, **settings: Any) -> MethodConfig:
    settings = {"rank": RANKS.get(name, 4), "options": {"n_frequency": 300} if name == "fourierft" else {}} | settings
    return MethodConfig(name=name, **settings)


@dataclass
class Lesson:
    """A base model with one adapter on its language model."""

    model: Any
    adapter: Any
    config: MethodConfig

    @property
    def text(self) -> nn.Module:
        text: nn.Module = self.model.model.language_model
        return text

    def states(self, ids: Tensor = IDS) -> Tensor:
        told = {"alora_offsets": [ids.shape[1] - BEGINS] * len(ids)} if self.config.name == "alora" else {}
        states: Tensor = self.adapter(inputs_embeds=F.embedding(ids, self.model.lm_head.weight), **told)[0]
        return states

    def loss(self, ids: Tensor = IDS) -> Tensor:
        """How far the second half of each row is from saying one and the same token."""
        logits = self.model.lm_head(self.states(ids)[:, 12:])
        return F.cross_entropy(logits.flatten(0, 1), torch.full((logits.shape[0] * logits.shape[1],), 9))

    def make_optimizer(self, rate: float = 5e-3) -> torch.optim.Optimizer:
        rate = default_learning_rate(self.config, rate)
        learned = [p for p in self.adapter.parameters() if p.requires_grad]
        return optimizer(self.adapter, self.config, rate) or torch.optim.AdamW(learned, lr=rate)

    def learn(self, steps: int = 4, made: torch.optim.Optimizer | None = None) -> list[float]:
        """The loss before each step."""
        made = made or self.make_optimizer()
        losses = []
        for _ in range(steps):
            loss = self.loss()
            made.zero_grad()
            loss.backward()
            made.step()
            losses.append(loss.item())
        return losses


def begin(base: Path, settings: MethodConfig) -> Lesson:
    """A lesson as a training run begins it."""
    torch.manual_seed(0)
    model = copy.deepcopy(load_base(base)).requires_grad_(False)
    invocation = INVOCATION if settings.name == "alora" else None
    lesson = Lesson(model, attach(model.model.language_model, settings, invocation), settings)
    initialise(lesson.adapter, settings, lesson.loss, [IDS[:2], IDS[2:]])
    return lesson


_LOADED: dict[Path, Any] = {}


def load_base(base: Path) -> Any:
    """transformers' model; not to be changed."""
    if base not in _LOADED:
        _LOADED[base] = load_model(base, torch.float32).eval()
    return _LOADED[base]
