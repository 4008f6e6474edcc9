"""The chain as a chat model of lmms-eval (docs/lmms-eval.md).

`manifest` is the entry point of the group `lmms_eval.models`; lmms-eval calls it when it starts. Nothing here imports
lmms-eval before that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lmms_eval.models.registry_v2 import ModelManifest

MODEL_ID = "videomind"
"""Its name in lmms-eval: `--model videomind`."""


def manifest() -> ModelManifest:
    """Where lmms-eval finds the model class."""
    from lmms_eval.models.registry_v2 import ModelManifest

    return ModelManifest(MODEL_ID, chat_class_path="videomind.evaluation.lmms_eval.model.VideoMind")
