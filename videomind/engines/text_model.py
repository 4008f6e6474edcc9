"""Putting prompts through the text model: what prompts have in common once, the rest in batches, then decoding."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from videomind.cancellable import Cancel
from videomind.engines.batch import Prepared, collate, split_by_tokens
from videomind.engines.prefix import Prefix, cut_prefixes, fill_cache
from videomind.errors import Cancelled, EngineError
from videomind.kernels.lora import BASE
from videomind.lora_switch.switch import RoleSwitch
from videomind.model.byte_cache import ByteCache
from videomind.model.qwen2_vl import Qwen2VLBackbone

T = TypeVar("T")
PREFIX_CACHE_BYTES = 1 << 30
MAX_BATCH_TOKENS = 32_768
"""Tokens of a batch, those in the KV cache included."""
MAX_NEW_TOKENS_ON_CPU = 2048
"""Tokens that go through the text model at once; more no longer fit the processor's caches, and take longer each."""


class Prefilled(NamedTuple):
    """What a prefill gives: the states [B, L, H] of what was not in the prefixes, and how to go on decoding.

    Attributes:
        states: left-padded, as the batch was.
        cache: KV of everything.
        mask: [B, K + L], or None when nothing is padded.
        place: [B] the next position.
        adapters: [B, 1] adapter of what comes next.
    """

    states: Tensor
    cache: Any
    mask: Tensor | None
    place: Tensor
    adapters: Tensor


class Step(NamedTuple):
    """One decoded token per row [B] and the pre-norm states [B, H] that predicted it."""

    tokens: list[int]
    states: Tensor


class TextModel:
    """The text model with the adapters of all roles. One forward runs at a time.

    Args:
        backbone: the base.
        switch: the adapters on it.
        device: where it is.
    """

    def __init__(self, backbone: Qwen2VLBackbone, switch: RoleSwitch, device: torch.device) -> None:
        self._backbone, self._switch, self._device = backbone, switch, device
        self._most = MAX_NEW_TOKENS_ON_CPU if device.type == "cpu" else MAX_BATCH_TOKENS
        self._prefixes = ByteCache[Prefix](PREFIX_CACHE_BYTES)
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Drop what is kept of beginnings."""
        self._prefixes.clear()

    def with_prefixes(self, items: list[Prepared], cancel: Cancel | None) -> list[Prepared]:
        """The items with the KV of their beginnings, which is made now where it is not there yet."""
        keys = {place: key for place, item in enumerate(items) if (key := self._prefix_key(item)) is not None}
        places = list(keys)
        found = self._prefixes.get_all(
            list(keys.values()), lambda new: self._make_prefixes([items[places[one]] for one in new], cancel)
        )
        for place, (prefix, made) in zip(places, found, strict=True):
            items[place] = items[place]._replace(prefix=prefix, reused=not made)
        return items

    def _prefix_key(self, item: Prepared) -> Hashable | None:
        """By what to know the beginning of a prompt, up to the end of its view; None where it has none to share.

        Candidates that are verified are marked inside the view, each in its own way, and share nothing.
        """
        end, request = _view_end(item), item.request
        if request.segment is not None or 0 < item.acts_from < end:
            return None
        adapter = BASE if item.acts_from >= end else self._switch.index(request.role)
        ids = item.prompt.ids[:end]
        return request.clip.key, adapter, self._switch.owner(request.role, ids), tuple(ids)

    def _make_prefixes(self, items: list[Prepared], cancel: Cancel | None) -> list[Prefix]:
        return self.in_groups(items, lambda group: self._make_some_prefixes(group, cancel))

    @torch.inference_mode()
    def _make_some_prefixes(self, items: list[Prepared], cancel: Cancel | None) -> list[Prefix]:
        check(cancel)
        ends = [_view_end(item) for item in items]
        pieces = [item.piece(0, end) for item, end in zip(items, ends, strict=True)]
        batch, cache = collate(pieces, self._switch, self._device), self._backbone.new_cache()
        with self.guarded(), self._switch.acting(batch.adapters):
            states = self._backbone.forward(batch.embeds, batch.positions, batch.mask, cache)
        return cut_prefixes(cache, states, ends)

    @torch.inference_mode()
    def prefill(self, items: list[Prepared], cancel: Cancel | None) -> Prefilled:
        """One forward of a batch: of each prompt what its prefix does not hold."""
        check(cancel)
        batch, cache = collate([item.rest for item in items], self._switch, self._device), self._backbone.new_cache()
        fill_cache(cache, [item.prefix for item in items])
        with self.guarded(), self._switch.acting(batch.adapters):
            states = self._backbone.forward(batch.embeds, batch.positions, batch.mask, cache)
        place = batch.positions.amax(dim=(0, 2)) + 1
        return Prefilled(states, cache, batch.mask, place, batch.adapters[:, -1:])

    def decode(self, items: list[Prepared], cancel: Cancel | None) -> Iterator[Step]:
        """Prefill and decode."""
        yield from self.decode_on(items, self.prefill(items, cancel), cancel)

    @torch.inference_mode()
    def decode_on(self, items: list[Prepared], prefilled: Prefilled, cancel: Cancel | None) -> Iterator[Step]:
        """Greedy decoding, one step for the whole batch at a time, up to the longest reply asked for."""
        states, cache, mask, place, adapters = prefilled
        roles = [item.request.role for item in items]
        for _ in range(max(item.request.max_new_tokens for item in items)):
            last = states[:, -1]
            tokens = self._next_tokens(last, roles)
            yield Step(tokens, last)
            check(cancel)
            if mask is not None:
                mask = torch.nn.functional.pad(mask, (0, 1), value=1)
            ids = torch.tensor(tokens, device=self._device)[:, None]
            with self.guarded(), self._switch.acting(adapters):
                embeds = self._switch.embed(ids, roles)
                states = self._backbone.forward(embeds, place[None, :, None].expand(3, -1, -1), mask, cache)
            place = place + 1

    def _next_tokens(self, states_BH: Tensor, roles: list[str]) -> list[int]:
        if len(set(roles)) == 1:
            return self.logits(states_BH, roles[0]).argmax(-1).tolist()
        rows = zip(states_BH, roles, strict=True)
        return [int(self.logits(state, role).argmax()) for state, role in rows]

    def logits(self, states: Tensor, role: str) -> Tensor:
        """Float32 logits [..., V] of states [..., H] before the final norm, as a role scores them."""
        return self._switch.logits(self._backbone.final_norm(states), role)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """One forward at a time; a device out of memory is an error that says what to do."""
        with self._lock:
            try:
                yield
            except torch.OutOfMemoryError as error:
                raise EngineError(
                    "the device ran out of memory: use a smaller model, --dtype bfloat16, or --device cpu"
                ) from error

    def in_groups(self, items: list[Prepared], run: Callable[[list[Prepared]], list[T]]) -> list[T]:
        """What `run` gives for each item, of as many at a time as go through the model well."""
        results: dict[int, T] = {}
        for group in split_by_tokens(items, self._most, MAX_BATCH_TOKENS):
            results |= zip(group, run([items[place] for place in group]), strict=True)
        return [results[place] for place in range(len(items))]


def _view_end(item: Prepared) -> int:
    """How many tokens there are up to the end of the view, the token that closes it included."""
    return int(item.prompt.video[-1]) + 2


def all_states(item: Prepared, states_LH: Tensor) -> Tensor:
    """The states of all tokens of a prompt, from a left-padded row of what its prefix does not hold."""
    rest = states_LH[-(item.length - item.start) :]
    return rest if item.prefix is None else torch.cat([item.prefix.states, rest])


def check(cancel: Cancel | None) -> None:
    """Raises:
    Cancelled: the caller wants no more.
    """
    if cancel is not None and cancel.is_set():
        raise Cancelled("cancelled by the caller")
