"""From a role's words and a video view to token ids: chat template, video run, segment tokens, positions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from videomind.errors import BundleError
from videomind.lora_switch.files import read_json
from videomind.model.positions import mrope_positions

IntArray = npt.NDArray[np.int64]
RECENT_TURNS = 256
"""Texts whose tokens are kept: the candidates of a question are asked about in the same words."""


@dataclass(frozen=True, slots=True)
class EncodedPrompt:
    """A prompt as the text model sees it.

    Attributes:
        ids: [L] token ids, reply prefix included.
        positions: [3, L] multimodal RoPE positions.
        video: indices of the video tokens, in order.
        prompt_length: where the reply begins (L minus the tokens of the reply prefix).
    """

    ids: list[int]
    positions: IntArray
    video: IntArray
    prompt_length: int


class PromptEncoder:
    """Tokenizer, chat template and pixel statistics of one model folder.

    Raises:
        BundleError: the folder lacks a tokenizer or chat template, or a needed token.
    """

    def __init__(self, folder: Path, merge: int) -> None:
        from transformers import AutoTokenizer

        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise BundleError(f"cannot load the tokenizer in {folder}: {str(error).splitlines()[0]}") from error
        if self.tokenizer.chat_template is None:
            self.tokenizer.chat_template = read_json(folder / "chat_template.json")["chat_template"]
        self.folder, self.merge = folder, merge
        self.vision_start = self.token_id("<|vision_start|>")
        self.video_pad = self.token_id("<|video_pad|>")
        pixels = read_json(folder / "preprocessor_config.json")
        self.mean: tuple[float, ...] = tuple(pixels["image_mean"])
        self.std: tuple[float, ...] = tuple(pixels["image_std"])
        self.stop_ids = self._stop_ids()
        self._turn = lru_cache(RECENT_TURNS)(self._tokenized)

    def token_id(self, text: str) -> int:
        """Id of a text that is exactly one token.

        Raises:
            BundleError: it is not one token of this vocabulary.
        """
        ids = self.ids(text)
        if len(ids) != 1:
            raise BundleError(f"{text!r} is not one token of the tokenizer in {self.folder}")
        return ids[0]

    def encode(
        self,
        text: str,
        grid: tuple[int, int, int],
        *,
        reply_prefix: str = "",
        segment: tuple[int, int] | None = None,
        segment_ids: tuple[int, int] = (-1, -1),
    ) -> EncodedPrompt:
        """Encode one user turn, the video before the text.

        Args:
            text: the user text.
            grid: (T, h, w) of the view, in patches.
            reply_prefix: what the reply is made to begin with.
            segment: frame-pair positions (start, end) at which the segment tokens stand inside the video run.
            segment_ids: ids of the two segment tokens.
        """
        ids, reply_tokens = self._turn(text, reply_prefix)
        at = ids.index(self.video_pad)
        pairs, window = grid[0], grid[1] * grid[2] // self.merge**2
        run = [self.video_pad] * (pairs * window)
        if segment is not None:
            start, end = segment
            run.insert(start * window, segment_ids[0])
            run.insert(end * window + 1, segment_ids[1])
        ids = [*ids[:at], *run, *ids[at + 1 :]]
        positions = mrope_positions(
            ids, grid, vision_start=self.vision_start, video_pad=self.video_pad, merge=self.merge
        )
        video = np.flatnonzero(np.asarray(ids) == self.video_pad)
        return EncodedPrompt(ids, positions, video, len(ids) - reply_tokens)

    def decode(self, ids: list[int]) -> str:
        """Text of reply tokens, special tokens kept as published replies keep them."""
        text: str = self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    def ids(self, text: str) -> list[int]:
        """Token ids of a text, special tokens understood."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=False).input_ids
        return ids

    def _tokenized(self, text: str, reply_prefix: str) -> tuple[list[int], int]:
        """Token ids of a turn with one `<|video_pad|>` for the video, and how many of them are the reply prefix."""
        content = [{"type": "video"}, {"type": "text", "text": text}]
        chat = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        prompt = self.ids(chat)
        ids = self.ids(chat + reply_prefix) if reply_prefix else prompt
        return ids, len(ids) - _common(prompt, ids)

    def _stop_ids(self) -> frozenset[int]:
        ids = {self.tokenizer.eos_token_id}
        path = self.folder / "generation_config.json"
        if path.is_file():
            given = read_json(path).get("eos_token_id", [])
            ids.update(given if isinstance(given, list) else [given])
        return frozenset(ids - {None})


def find_invocation(prompt: EncodedPrompt, invocation: list[int]) -> int | None:
    """Where the last invocation of an activated LoRA begins in a prompt, or None if it holds none."""
    size = len(invocation)
    starts = range(prompt.prompt_length - size, -1, -1)
    return next((start for start in starts if prompt.ids[start : start + size] == invocation), None)


def _common(a: list[int], b: list[int]) -> int:
    """Length of the common beginning."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
