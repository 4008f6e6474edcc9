"""Several conversations about one view in one sequence: they share the video and do not see each other.

A packed row is the prompt up to `<|vision_end|>` (the prefix) followed by slots, each with a question and its reply.
A token attends to the prefix and to the earlier tokens of its own slot, and a slot's positions continue from the
prefix, so each talk is computed exactly as if it stood alone. All rows of a batch have prefixes of one length; the
talks of a row are put in order of length, so that a slot is little longer than the talks in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from videomind.model.positions import mrope_positions
from videomind.synth.questions import OPTIONS
from videomind.training.nano.views import GRID

IGNORE = -100
TURN = "<|im_end|>\n<|im_start|>assistant\n"
OPENING = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n<|vision_start|>"
WINDOW = 4
"""Visual tokens per frame pair."""
Marks = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Talk:
    """One exchange.

    Attributes:
        text: of the user.
        reply: what to learn.
        sure: the beginning of the reply that is the same for every answer.
        answer: class of the answer (`talks.ANSWERS`), if it has one.
        options: classes of the options, which stand in the third line of the text and those after it.
        yes: for a verdict, the probability that "Yes" should have; its reply is then not learned otherwise.
    """

    text: str
    reply: str
    sure: str = ""
    answer: int | None = None
    options: tuple[int, ...] = ()
    yes: float | None = None


class _Encoded(NamedTuple):
    """A talk's tokens, and how many of them are the prompt."""

    ids: tuple[int, ...]
    asked: int


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch of packed rows.

    Attributes:
        ids: [B, L] tokens.
        positions: [3, B, L] multimodal RoPE positions.
        targets: [B, L] the token to predict at each place, or `IGNORE`.
        video: [B, L] whether it is a visual token.
        pairs: frame pairs per view.
        slots: lengths of the prefix and of each slot; they add up to L.
        replies: [B, talks] place where each talk's reply is predicted from (its last prompt token), talks in the
            order they were given.
        answers: [N, 3] for each talk whose answer has a class: its row, the place from which the first token of the
            reply that depends on the answer is predicted, and the class.
        options: [N, 4] for each option: its row, the place of the line break that ends it, its class, and its number.
        choices: [N, 3 + OPTIONS] for each talk with that many options: its row, the place from which the letter is
            predicted, the number of the right option, and the places where its options end.
        verdicts: [N, 2] for each talk that is a verdict: its row, and the place from which it is predicted.
        chances: [N] the probability that each verdict should give to "Yes".
    """

    ids: Tensor
    positions: Tensor
    targets: Tensor
    video: Tensor
    pairs: int
    slots: tuple[int, ...]
    replies: Tensor
    answers: Tensor
    options: Tensor
    choices: Tensor
    verdicts: Tensor
    chances: Tensor

    def to(self, device: torch.device) -> Packed:
        """The same batch on a device."""
        fields = ((name, getattr(self, name)) for name in self.__slots__)
        moved: dict[str, Any] = {name: value.to(device) for name, value in fields if isinstance(value, Tensor)}
        return replace(self, **moved)


class Packer:
    """Turns talks into packed rows with one tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.ids = lru_cache(maxsize=200_000)(self._ids)
        (self.line_break,) = self.ids("\n")
        self.video_pad, self.vision_start, self.vision_end = (
            tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in ("video_pad", "vision_start", "vision_end")
        )

    def pack(self, pairs: int, talks: Sequence[Sequence[Talk]], marks: Sequence[Marks] | None = None) -> Packed:
        """Pack a batch; every row has the same number of talks.

        Args:
            pairs: frame pairs of each view.
            talks: each row's talks.
            marks: per row (frame pair, token) of the two segment tokens to put into the video run; None: no such.
        """
        heads = [self._prefix(pairs, marks[row] if marks else None) for row in range(len(talks))]
        encoded = [[self._encode(talk) for talk in row] for row in talks]
        orders = [sorted(range(len(row)), key=lambda i: len(row[i].ids)) for row in encoded]
        lengths = [
            max(len(row[order[k]].ids) for row, order in zip(encoded, orders, strict=True))
            for k in range(len(talks[0]))
        ]
        slots = (len(heads[0]), *lengths)
        begins = np.cumsum(slots)
        ids = np.full((len(talks), begins[-1]), self.tokenizer.pad_token_id)
        targets = np.full(ids.shape, IGNORE)
        positions = np.zeros((3, *ids.shape), dtype=np.int64)
        replies = np.zeros((len(talks), len(talks[0])), dtype=np.int64)
        answers: list[tuple[int, int, int]] = []
        options: list[tuple[int, int, int, int]] = []
        choices: list[tuple[int, ...]] = []
        verdicts: list[tuple[int, int]] = []
        chances: list[float] = []
        for row, (head, parts, order) in enumerate(zip(heads, encoded, orders, strict=True)):
            ids[row, : slots[0]] = head
            positions[:, row, : slots[0]] = self._grid_positions(head, pairs)
            after = positions[0, row, slots[0] - 1] + 1
            for slot, talk in enumerate(order):
                part, at = parts[talk], begins[slot]
                ids[row, at : at + len(part.ids)] = part.ids
                yes = talks[row][talk].yes
                if yes is None:
                    targets[row, at + part.asked - 1 : at + len(part.ids) - 1] = part.ids[part.asked :]
                else:
                    verdicts.append((row, at + part.asked - 1))
                    chances.append(yes)
                positions[:, row, at : at + lengths[slot]] = after + np.arange(lengths[slot])
                replies[row, talk] = at + part.asked - 1
                answer, sure = talks[row][talk].answer, self.ids(talks[row][talk].sure)
                if answer is not None:
                    answers.append((row, replies[row, talk] + len(sure), answer))
                ends = [at + place for place, token in enumerate(part.ids) if token == self.line_break][2:]
                numbered = enumerate(zip(ends, talks[row][talk].options, strict=False))
                options += [(row, end, option, number) for number, (end, option) in numbered]
                given = talks[row][talk].options
                if answer is not None and len(given) == OPTIONS:
                    letter = int(replies[row, talk]) + len(sure)
                    choices.append((row, letter, given.index(answer), *ends[:OPTIONS]))
        tensors = [torch.from_numpy(array) for array in (ids, positions, targets, replies)]
        return Packed(
            ids=tensors[0],
            positions=tensors[1],
            targets=tensors[2],
            video=tensors[0] == self.video_pad,
            pairs=pairs,
            slots=slots,
            replies=tensors[3],
            answers=torch.tensor(answers, dtype=torch.long).reshape(-1, 3),
            options=torch.tensor(options, dtype=torch.long).reshape(-1, 4),
            choices=torch.tensor(choices, dtype=torch.long).reshape(-1, 3 + OPTIONS),
            verdicts=torch.tensor(verdicts, dtype=torch.long).reshape(-1, 2),
            chances=torch.tensor(chances),
        )

    def _prefix(self, pairs: int, marks: Marks | None) -> list[int]:
        run = [self.video_pad] * (pairs * WINDOW)
        if marks is not None:
            (start, start_id), (end, end_id) = marks
            run.insert(start * WINDOW, start_id)
            run.insert(end * WINDOW + 1, end_id)
        return [*self.ids(OPENING), *run, self.vision_end]

    def _grid_positions(self, prefix: list[int], pairs: int) -> npt.NDArray[np.int64]:
        grid = (pairs, GRID, GRID)
        return mrope_positions(prefix, grid, vision_start=self.vision_start, video_pad=self.video_pad)

    def _encode(self, talk: Talk) -> _Encoded:
        prompt = self.ids(talk.text + TURN)
        return _Encoded(prompt + self.ids(talk.reply + "<|im_end|>"), len(prompt))

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(text, add_special_tokens=False).input_ids)
