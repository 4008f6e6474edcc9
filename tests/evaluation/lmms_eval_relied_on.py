"""What our model relies on in lmms-eval 0.7.3; where the package is not installed, this stands in for it."""

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

INSTALLED = importlib.util.find_spec("lmms_eval") is not None
HOW = "pip install --no-deps lmms-eval==0.7.3 pytz loguru"

ABSTRACT = {"loglikelihood", "generate_until", "generate_until_multi_round"}
"""The methods that a model has to have."""
REQUEST = ("context", "doc_to_messages", "generation_kwargs", "doc_id", "task", "split")
"""What `Instance.args` holds for a chat model."""
INSTANCE = {"request_type", "arguments", "idx", "metadata"}
"""What an `Instance` is made of."""
MODEL_ATTRIBUTES = {"accelerator", "device", "rank", "world_size", "task_dict", "is_simple", "clean"}
"""What the evaluator asks of a model beside its methods."""


class Model:
    """`lmms_eval.api.model.lmms`."""

    is_simple = True

    def __init__(self) -> None:
        self._rank, self._world_size = 0, 1
        self.task_dict: dict[str, Any] = {}

    @property
    def rank(self) -> int:
        return self._rank

    @property
    def world_size(self) -> int:
        return self._world_size

    def clean(self) -> None:
        self.cleaned = True


@dataclass
class Instance:
    """`lmms_eval.api.instance.Instance`."""

    request_type: str
    arguments: tuple[Any, ...]
    idx: int
    metadata: dict[str, Any]

    @property
    def args(self) -> tuple[Any, ...]:
        return self.arguments


@dataclass(frozen=True)
class ModelManifest:
    """`lmms_eval.models.registry_v2.ModelManifest`."""

    model_id: str
    simple_class_path: str | None = None
    chat_class_path: str | None = None
    aliases: Sequence[str] = ()


def stand_in(patch: pytest.MonkeyPatch) -> None:
    """Let the names above be imported from where lmms-eval has them."""
    names: dict[str, dict[str, type]] = {
        "lmms_eval": {},
        "lmms_eval.api": {},
        "lmms_eval.api.instance": {"Instance": Instance},
        "lmms_eval.api.model": {"lmms": Model},
        "lmms_eval.models": {},
        "lmms_eval.models.registry_v2": {"ModelManifest": ModelManifest},
    }
    for name, content in names.items():
        module = ModuleType(name)
        vars(module).update(content)
        patch.setitem(sys.modules, name, module)
