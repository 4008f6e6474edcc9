"""Grounding inside the worker: from paged hidden states to spans, at the end of a prompt that holds the draft."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from videomind.lora_switch.files import read_tensors
from videomind.lora_switch.vllm_plugin.notes import Draft
from videomind.model.byte_cache import ByteCache
from videomind.model.decoder import TimestampDecoder

MAX_POOLED_BYTES = 256 << 20
"""Of the mean states of views seen before."""


class Grounded(NamedTuple):
    """What one grounding gave.

    Attributes:
        said: the tokens that the role would say from the start of the draft on, one more than the draft has.
        spans: rows of start, end (fractions of the clip) and score, best first.
    """

    said: list[int]
    spans: list[list[float]]


class Grounder:
    """The timestamp decoder beside the model.

    Args:
        path: its weights (safetensors).
        hidden_act: the backbone's activation.
        device: where to compute; always in float32.
    """

    def __init__(self, path: str, hidden_act: str, device: torch.device) -> None:
        self._decoder = TimestampDecoder.from_state_dict(read_tensors(Path(path)), hidden_act).to(device)
        self.pooled = ByteCache[Tensor](MAX_POOLED_BYTES)

    def ground(
        self,
        draft: Draft,
        view: Any,
        read: Callable[[int, int], Tensor],
        logits: Callable[[Tensor], Tensor | None],
    ) -> Grounded | None:
        """Check the draft and localise.

        Args:
            draft: where draft and video stand in the prompt.
            view: what the states of the video depend on.
            read: the states [n, H] of the prompt's tokens from one index up to another.
            logits: the logits of states as the role scores them; None on ranks that do not have them.
        """

        def pool() -> Tensor:
            return read(draft.video, draft.video + draft.tokens).float().unflatten(0, (draft.pairs, -1)).mean(1)

        frames, _ = self.pooled.get(view, pool)
        states = read(draft.start - 1, -1)
        scores = logits(states)
        if scores is None:
            return None
        rows = self._decoder.spans(frames, states[draft.reg - draft.start].float())
        return Grounded(scores.argmax(-1).tolist(), rows.tolist())
