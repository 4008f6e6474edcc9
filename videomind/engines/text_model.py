"""Putting prompts through the text model: what they have in common once, the rest packed, then decoding."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Sequence, Set
from contextlib import contextmanager
from itertools import groupby
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from videomind.cancellable import Cancel, check
from videomind.engines.batch import Piece, Prepared, pack, split_by_tokens
from videomind.engines.decoding import Branch, Decoding, Said
from videomind.engines.draft import Drafter
from videomind.engines.prefix import Prefix, pooled
from videomind.errors import EngineError
from videomind.kernels.lora import BASE, route
from videomind.lora_switch.switch import RoleSwitch
from videomind.model.byte_cache import ByteCache
from videomind.model.kv_cache import TRUNK, KVTree
from videomind.model.kv_pack import KVFormat, pack_kv
from videomind.model.qwen2_vl import Qwen2VLBackbone
from videomind.model.text import Grown, TextDecoder

T = TypeVar("T")
MAX_BATCH_TOKENS = 32_768
"""Tokens of a batch, those in the KV cache included."""
MAX_NEW_TOKENS_ON_CPU = 2048
"""Tokens that go through the text model at once; more no longer fit the processor's caches, and take longer each."""
ROOM = 32
"""Tokens of a reply that room is made for beforehand."""


class Prefilled(NamedTuple):
    """What a prefill gives, for each request.

    Attributes:
        items: the requests, with their prefixes.
        rests: states [n, H] of what is not in the prefix, guesses included.
        branches: where decoding goes on.
    """

    items: list[Prepared]
    rests: list[Tensor]
    branches: list[Branch]


class _Kin(NamedTuple):
    """Requests whose prompts begin alike (or one by itself, which shares nothing).

    Attributes:
        key: by which the beginning is known.
        places: which requests.
        shared: tokens that they have in common.
        known: what the model made of these, if it did before.
    """

    key: Hashable
    places: list[int]
    shared: int
    known: Prefix | None

    @property
    def is_new(self) -> bool:
        """Whether what they have in common goes through the model now."""
        return self.shared > 0 and self.known is None


class TextModel:
    """The text model with the adapters of all roles. One forward runs at a time.

    Args:
        backbone: the base.
        switch: the adapters on it.
        device: where it is.
        stop_ids: tokens that end a reply.
        kv_bytes: bytes of KV that are kept for further questions.
        kv_format: how it is kept.
    """

    def __init__(
        self,
        backbone: Qwen2VLBackbone,
        switch: RoleSwitch,
        device: torch.device,
        stop_ids: Set[int],
        kv_bytes: int,
        kv_format: KVFormat,
    ) -> None:
        self._backbone, self._switch, self._device, self._stop_ids = backbone, switch, device, stop_ids
        self._decoder = TextDecoder(backbone.text, switch)
        self._most = MAX_NEW_TOKENS_ON_CPU if device.type == "cpu" else MAX_BATCH_TOKENS
        self._prefixes, self._kv_format = ByteCache[Prefix](kv_bytes), kv_format
        self._drafter = Drafter()
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Drop what is kept of beginnings and replies."""
        self._prefixes.clear()
        self._drafter.forget()

    @torch.inference_mode()
    def prefill(self, items: Sequence[Prepared], cancel: Cancel | None) -> Prefilled:
        """One forward of a batch; what prompts have in common, or had with earlier ones, is computed once."""
        check(cancel)
        kin = self._kin(items)
        pieces = [self._pieces(one, items) for one in kin]
        grown = [self._plant(one, new) for one, new in zip(kin, pieces, strict=True)]
        states = self._forward([piece for new in pieces for piece in new], grown)
        filled: dict[int, tuple[Prepared, Tensor, Branch]] = {}
        for one, new, (tree, _), part in zip(kin, pieces, grown, states.split([g.tokens for g in grown]), strict=True):
            parts = list(part.split([len(piece.ids) for piece in new]))
            prefix = self._keep(one, items[one.places[0]], tree, parts.pop(0)) if one.is_new else one.known
            for number, (place, rest) in enumerate(zip(one.places, parts, strict=True)):
                reused = prefix is not None and not (one.is_new and number == 0)
                item = items[place]._replace(prefix=prefix, reused=reused)
                filled[place] = item, rest, Branch(tree, number)
        found, rests, branches = zip(*(filled[place] for place in range(len(items))), strict=True)
        return Prefilled(list(found), list(rests), list(branches))

    def with_guesses(self, items: Sequence[Prepared]) -> list[Prepared]:
        """The items, each with what its reply will probably begin with, for a prefill that is to be decoded on."""
        return [
            item._replace(guessed=self._drafter.begin(item.request.role, item.prompt.ids, item.request.max_new_tokens))
            for item in items
        ]

    @torch.inference_mode()
    def decode(self, prefilled: Prefilled, cancel: Cancel | None) -> Iterator[dict[int, Said]]:
        """Greedy decoding of a batch: in each step, for every request that is not done, what its reply goes on with.

        What is guessed to follow (`draft.py`) goes through the model with it, so several tokens may come at once.
        """
        replies = {
            place: Decoding(item, branch, rest[-1 - len(item.guessed) :])
            for place, (item, rest, branch) in enumerate(zip(*prefilled, strict=True))
        }
        while replies:
            said = dict(zip(replies, self._read(list(replies.values())), strict=True))
            yield said
            check(cancel)
            for place, one in said.items():
                if one.ended:
                    done = replies.pop(place)
                    self._drafter.learn(done.role, done.prompt, done.said)
            if replies:
                self._go_on(list(replies.values()))

    @torch.inference_mode()
    def logits(self, states: Sequence[Tensor], roles: Sequence[str]) -> list[Tensor]:
        """Float32 logits [n, V] of the states [n, H] of several requests before the final norm, as each role scores."""
        scored: list[Tensor] = []
        for role, same in groupby(zip(states, roles, strict=True), key=lambda one: one[1]):
            parts = [part for part, _ in same]
            logits = self._switch.logits(self._backbone.final_norm(torch.cat(parts)), role)
            scored += logits.split([len(part) for part in parts])
        return scored

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
        kin = [(one.places, one.shared, one.is_new) for one in self._kin(items)]
        for group in split_by_tokens([item.length for item in items], kin, self._most, MAX_BATCH_TOKENS):
            results |= zip(group, run([items[place] for place in group]), strict=True)
        return [results[place] for place in range(len(items))]

    def _forward(self, pieces: Sequence[Piece], grown: Sequence[Grown]) -> Tensor:
        packed = pack(pieces, self._switch, self._device)
        with self.guarded():
            return self._decoder.forward(packed.embeds, packed.positions, route(packed.adapters), grown)

    def _prefix_key(self, item: Prepared) -> Hashable | None:
        """By what to know the beginning of a prompt, up to the end of its view; None where its adapter begins inside.

        The tokens belong to it: candidates that are verified are marked inside the view, each in its own way.
        """
        end, request = _view_end(item), item.request
        if 0 < item.acts_from < end:
            return None
        adapter = BASE if item.acts_from >= end else self._switch.index(request.role)
        ids = item.prompt.ids[:end]
        return request.clip.key, adapter, self._switch.owner(request.role, ids), tuple(ids)

    def _kin(self, items: Sequence[Prepared]) -> list[_Kin]:
        """The requests by how they begin."""
        keys = [self._prefix_key(item) for item in items]
        known = self._prefixes.find([key for key in keys if key is not None])
        places: dict[Hashable, list[int]] = {}
        for place, key in enumerate(keys):
            places.setdefault(place if key is None else key, []).append(place)
        return [
            _Kin(key, same, 0 if keys[same[0]] is None else _view_end(items[same[0]]), known.get(key))
            for key, same in places.items()
        ]

    def _pieces(self, kin: _Kin, items: Sequence[Prepared]) -> list[Piece]:
        """What has to go through the model: what they share, if it is new, and then the rest of each."""
        rests = [items[place].rest(kin.shared) for place in kin.places]
        return [items[kin.places[0]].piece(0, kin.shared), *rests] if kin.is_new else rests

    def _plant(self, kin: _Kin, pieces: Sequence[Piece]) -> Grown:
        """A tree for them, its new tokens announced."""
        tokens = sum(len(piece.ids) for piece in pieces)
        trunk = None if kin.known is None else kin.known.kv.unpacked()
        tree = KVTree(self._decoder.kv_shape, trunk, tokens + ROOM * len(kin.places))
        owners = enumerate(pieces, TRUNK if kin.is_new else 0)
        tree.extend([owner for owner, piece in owners for _ in piece.ids])
        return Grown(tree, tokens)

    def _keep(self, kin: _Kin, item: Prepared, tree: KVTree, states_PH: Tensor) -> Prefix:
        """A beginning that was just computed, kept for others."""
        kv = pack_kv(tree.beginning(kin.shared), self._kv_format)
        prefix = Prefix(kv, pooled(states_PH, item.prompt.video, item.request.clip.num_pairs))
        self._prefixes.keep(kin.key, prefix)
        return prefix

    def _read(self, replies: Sequence[Decoding]) -> list[Said]:
        """What each reply goes on with, the likeliest token every time."""
        logits = self.logits([reply.states for reply in replies], [reply.role for reply in replies])
        return [
            reply.accept(scores.argmax(-1).tolist(), self._stop_ids)
            for reply, scores in zip(replies, logits, strict=True)
        ]

    def _go_on(self, replies: Sequence[Decoding]) -> None:
        """One forward of the last token of each reply and of what is guessed after it."""
        trees: dict[int, list[Decoding]] = {}
        for reply in replies:
            reply.guess(self._drafter.draft(reply.role, reply.known, reply.tail))
            trees.setdefault(id(reply.branch.tree), []).append(reply)
        grown = []
        for same in trees.values():
            tree = same[0].branch.tree
            owners = [reply.branch.number for reply in same for _ in range(reply.width)]
            tree.extend(owners)
            grown.append(Grown(tree, len(owners)))
        ordered = [reply for same in trees.values() for reply in same]
        states = self._forward([reply.piece() for reply in ordered], grown)
        for reply, part in zip(ordered, states.split([reply.width for reply in ordered]), strict=True):
            reply.saw(part)


def frame_states(item: Prepared, rest_nH: Tensor) -> Tensor:
    """Mean state [T, H] of each frame pair: from the prefix or, where there is none, from the states of all tokens."""
    if item.prefix is not None:
        return item.prefix.frames
    return pooled(rest_nH, item.prompt.video, item.request.clip.num_pairs)


def _view_end(item: Prepared) -> int:
    """How many tokens there are up to the end of the view, the token that closes it included."""
    return int(item.prompt.video[-1]) + 2
