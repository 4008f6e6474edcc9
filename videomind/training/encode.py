"""From examples to items: the token ids, positions and places that serving will use too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from videomind.errors import InputError
from videomind.model.prompt import EncodedPrompt, PromptEncoder, find_invocation
from videomind.training.examples import Example, Span
from videomind.vision.patches import cut_patches

STOP = "<|im_end|>"


@dataclass(frozen=True, slots=True, eq=False)
class SeenView:
    """The pixels of one example.

    Attributes:
        patches: uint8 [T·h·w, 3, P], cut but not yet normalised.
        grid: (T, h, w) in patches.
        key: equal for equal pixels.
    """

    patches: Tensor
    grid: tuple[int, int, int]
    key: tuple[str, tuple[int, ...], int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """What the timestamp decoder should find.

    Attributes:
        reg_at: the position that predicts `<|reg|>`.
        spans: true spans in frame pairs; () = never happens.
        choice: in [0, 1), which frame inside is the contrastive loss's positive.
    """

    reg_at: int
    spans: tuple[Span, ...]
    choice: float


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One example as the text model sees it.

    Attributes:
        prompt: ids and positions of prompt and reply, stop token included.
        learned: number of reply tokens at the end that are learned.
        acts_from: the first token on which the role's adapter acts.
        view: the pixels.
        moments: for the grounder.
        source: where the example is from.
    """

    prompt: EncodedPrompt
    learned: int
    acts_from: int
    view: SeenView
    moments: Moments | None
    source: str


class ItemEncoder:
    """Makes items of a model's examples.

    Args:
        encoder: the model's tokenizer and template.
        segment_ids: ids of the two segment tokens.
        reg_id: id of `<|reg|>`.
        invocation: ids from which an aLoRA acts; () = the adapter acts on every token.
        max_length: of prompt and reply.
    """

    def __init__(
        self,
        encoder: PromptEncoder,
        segment_ids: tuple[int, int],
        reg_id: int,
        invocation: Sequence[int] = (),
        max_length: int = 2**20,
    ) -> None:
        self._encoder, self._segment_ids, self._reg_id = encoder, segment_ids, reg_id
        self._invocation, self._max_length = list(invocation), max_length
        stop = encoder.ids(STOP)
        self._stop = stop[0] if len(stop) == 1 and stop[0] in encoder.stop_ids else min(encoder.stop_ids)

    def encode(self, example: Example, choice: float = 0.0) -> Item:
        """One example.

        Args:
            example: its reply is learned, and the stop token after it.
            choice: see `Moments`.

        Raises:
            InputError: it is longer than the model's context, or lacks the invocation.
        """
        clip = example.clip
        bare = self._encoder.encode(
            example.text,
            clip.grid,
            reply_prefix=example.reply_prefix,
            segment=example.segment,
            segment_ids=self._segment_ids,
        )
        reply = [*self._encoder.ids(example.reply), self._stop]
        prompt = _longer(bare, reply)
        if len(prompt.ids) > self._max_length:
            raise InputError(
                f"it takes {len(prompt.ids):,} tokens, and the context of this model is {self._max_length:,}"
            )
        cut = cut_patches(clip.frames)
        return Item(
            prompt=prompt,
            learned=len(reply),
            acts_from=self._acts_from(bare),
            view=SeenView(cut.values, cut.grid, clip.key),
            moments=self._moments(example, prompt, len(bare.ids), choice),
            source=example.source,
        )

    def _acts_from(self, prompt: EncodedPrompt) -> int:
        if not self._invocation:
            return 0
        start = find_invocation(prompt, self._invocation)
        if start is None:
            raise InputError("its prompt does not hold the invocation: role.invocation must be a part of role.prompt")
        return start

    def _moments(self, example: Example, prompt: EncodedPrompt, reply_at: int, choice: float) -> Moments | None:
        if example.role != "grounder":
            return None
        pairs = example.clip.num_pairs
        spans = tuple((start * pairs, end * pairs) for start, end in example.spans)
        return Moments(prompt.ids.index(self._reg_id, reply_at) - 1, spans, choice)


def _longer(prompt: EncodedPrompt, reply: list[int]) -> EncodedPrompt:
    """A prompt with its reply: text positions go on."""
    first = int(prompt.positions.max()) + 1
    more = np.tile(np.arange(first, first + len(reply)), (3, 1))
    return replace(prompt, ids=[*prompt.ids, *reply], positions=np.concatenate([prompt.positions, more], axis=1))
