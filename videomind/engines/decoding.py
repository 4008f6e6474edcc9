"""One reply on its way: what it said, what is guessed to follow, and where its KV stands."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import NamedTuple

import numpy as np
from torch import Tensor

from videomind.engines.batch import Piece, Prepared
from videomind.engines.draft import TAIL, Lookup
from videomind.model.kv_cache import KVTree


class Branch(NamedTuple):
    """Where the KV of a request stands: its branch of a tree."""

    tree: KVTree
    number: int


class Said(NamedTuple):
    """What a reply went on with.

    Attributes:
        tokens: in order, without the one that stops it.
        states: [n, H] pre-norm states, from each of which the token was predicted.
        ended: whether no more will come.
    """

    tokens: list[int]
    states: Tensor
    ended: bool


class Decoding:
    """One reply.

    Args:
        item: the request that it answers.
        branch: where its KV stands.
        states: [1 + n, H], of the last token of the prompt and of those guessed after it.
    """

    def __init__(self, item: Prepared, branch: Branch, states: Tensor) -> None:
        self.role, self.branch = item.request.role, branch
        self.prompt = item.prompt.ids[item.start :]
        self.known = Lookup([self.prompt])
        self.said: list[int] = []
        self._most = item.request.max_new_tokens
        self._place = int(item.prompt.positions.max()) + 1
        self._states, self._guessed = states, list(item.guessed)
        self._nothing = item.visual[:0]

    @property
    def states(self) -> Tensor:
        """[1 + n, H], of the last token that is sure, and of those guessed after it."""
        return self._states

    @property
    def tail(self) -> list[int]:
        """The last tokens of the prompt and the reply so far."""
        return [*self.prompt[-TAIL:], *self.said]

    @property
    def width(self) -> int:
        """Tokens of the next `piece`."""
        return 1 + len(self._guessed)

    def accept(self, predicted: Sequence[int], stop_ids: Set[int]) -> Said:
        """Take the token predicted after the last sure one, and those after it as long as the guesses were right.

        Args:
            predicted: the likeliest token after each of `states`.
            stop_ids: tokens that end the reply.
        """
        right = next((i for i, (a, b) in enumerate(zip(self._guessed, predicted, strict=False)) if a != b), None)
        sure = list(predicted if right is None else predicted[: right + 1])
        self.branch.tree.drop(self.branch.number, self.width - len(sure))
        left = self._most - len(self.said)
        stop = next((i for i, token in enumerate(sure) if token in stop_ids), left)
        self.said += sure[: stop + 1]
        self._place += len(sure) - 1
        self._guessed = []
        return Said(sure[: min(stop, left)], self._states[: min(stop, left)], stop < len(sure) or left <= len(sure))

    def guess(self, tokens: Sequence[int]) -> None:
        """What may follow the last token."""
        self._guessed = list(tokens[: self._most - len(self.said) - 1])

    def piece(self) -> Piece:
        """The last token and what is guessed after it, to go through the model."""
        ids = [self.said[-1], *self._guessed]
        positions = np.broadcast_to(np.arange(self._place, self._place + len(ids)), (3, len(ids)))
        self._place += 1
        return Piece(self.role, ids, positions, np.empty(0, dtype=np.int64), self._nothing, 0)

    def saw(self, states: Tensor) -> None:
        """The states [1 + n, H] that came of the piece."""
        self._states = states
