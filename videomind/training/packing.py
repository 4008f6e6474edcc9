"""Several conversations about one view in one sequence: they share the video and do not see each other.

A packed row is the prompt up to `<|vision_end|>` (the prefix) followed by segments, each a question and its reply.
A token attends to the prefix and to the earlier tokens of its own segment, and a segment's positions continue from
the prefix, so each segment is computed exactly as if it stood alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from videomind.model.positions import mrope_positions
from videomind.training.views import GRID

IGNORE = -100
TURN = "<|im_end|>\n<|im_start|>assistant\n"
OPENING = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n<|vision_start|>"
WINDOW = 4
"""Visual tokens per frame pair."""


@dataclass(frozen=True, slots=True)
class Talk:
    """One exchange: the user text and the reply to learn."""

    text: str
    reply: str


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch of packed rows, padded on the right.

    Attributes:
        ids: [B, L] tokens.
        positions: [3, B, L] multimodal RoPE positions.
        segment: [B, L] 0 in the prefix, 1, 2, … in the segments, -1 in the padding.
        targets: [B, L] the token to predict at each place, or `IGNORE`.
        video: [B, L] whether it is a visual token.
        pairs: frame pairs per row.
        rows: row of each talk, talks in order.
        replies: place in its row where each talk's reply is predicted from (the last prompt token).
    """

    ids: Tensor
    positions: Tensor
    segment: Tensor
    targets: Tensor
    video: Tensor
    pairs: list[int]
    rows: Tensor
    replies: Tensor

    @property
    def mask(self) -> Tensor:
        """[B, 1, L, L] which key each query sees."""
        keys, queries = self.segment[:, None, :], self.segment[:, :, None]
        past = torch.ones(keys.shape[-1], keys.shape[-1], dtype=torch.bool, device=keys.device).tril()
        return (past & ((keys == 0) | (keys == queries)))[:, None]


class Packer:
    """Turns talks into packed rows with one tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.ids = lru_cache(maxsize=200_000)(self._ids)
        self.video_pad, self.vision_start, self.vision_end = (
            tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in ("video_pad", "vision_start", "vision_end")
        )

    def pack(
        self,
        pairs: Sequence[int],
        talks: Sequence[Sequence[Talk]],
        marks: Sequence[tuple[tuple[int, int], tuple[int, int]] | None] | None = None,
    ) -> Packed:
        """Pack a batch.

        Args:
            pairs: frame pairs of each row's view.
            talks: each row's talks.
            marks: per row None, or two (frame pair, token) of segment tokens to put into the video run.
        """
        rows = [self._row(*row) for row in zip(pairs, talks, marks or [None] * len(pairs), strict=True)]
        longest = max(len(row[0]) for row in rows)
        ids, segment, targets, positions = (
            torch.stack([_padded(row[i], longest, fill) for row in rows])
            for i, fill in enumerate((self.tokenizer.pad_token_id, -1, IGNORE, 0))
        )
        places = [place for row in rows for place in row[4]]
        owner = [index for index, row in enumerate(rows) for _ in row[4]]
        return Packed(
            ids=ids,
            positions=positions.movedim(1, 0),
            segment=segment,
            targets=targets,
            video=ids == self.video_pad,
            pairs=list(pairs),
            rows=torch.tensor(owner),
            replies=torch.tensor(places),
        )

    def _row(
        self, pairs: int, talks: Sequence[Talk], marks: tuple[tuple[int, int], tuple[int, int]] | None
    ) -> tuple[list[int], list[int], list[int], np.ndarray[Any, Any], list[int]]:
        run = [self.video_pad] * (pairs * WINDOW)
        if marks is not None:
            (start, start_id), (end, end_id) = marks
            run.insert(start * WINDOW, start_id)
            run.insert(end * WINDOW + 1, end_id)
        ids = [*self.ids(OPENING), *run, self.vision_end]
        grid = (pairs, GRID, GRID)
        prefix = mrope_positions(ids, grid, vision_start=self.vision_start, video_pad=self.video_pad)
        positions, after = [prefix], int(prefix[0, -1]) + 1
        segment, targets, places = [0] * len(ids), [IGNORE] * len(ids), []
        for number, talk in enumerate(talks, start=1):
            prompt, reply = self.ids(talk.text + TURN), self.ids(talk.reply + "<|im_end|>")
            places.append(len(ids) + len(prompt) - 1)
            ids += [*prompt, *reply]
            length = len(prompt) + len(reply)
            segment += [number] * length
            targets += [IGNORE] * (len(prompt) - 1) + [*reply, IGNORE]
            positions.append(np.tile(np.arange(after, after + length), (3, 1)))
        return ids, segment, targets, np.concatenate(positions, axis=1), places

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(text, add_special_tokens=False).input_ids)


def _padded(values: Sequence[int] | np.ndarray[Any, Any], length: int, fill: int) -> Tensor:
    tensor = torch.as_tensor(np.asarray(values))
    return torch.nn.functional.pad(tensor, (0, length - tensor.shape[-1]), value=fill)
