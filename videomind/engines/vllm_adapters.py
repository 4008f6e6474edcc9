"""Answerer adapters that come and go while an engine runs."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videomind.engines.vllm_client import VLLMClient
from videomind.engines.vllm_setup import AdapterRoom
from videomind.errors import BundleError, InputError
from videomind.lora_switch.adapter import read_adapter
from videomind.lora_switch.adapter_name import check_adapter_name
from videomind.lora_switch.fit import check_fit, text_shape
from videomind.lora_switch.vllm_plugin.served_adapter import write_served

_POLL = 0.01
"""Seconds between looks at whether an adapter is still in use."""


@dataclass(frozen=True, slots=True)
class AnswererAdapter:
    """Attributes:
    number: vLLM's number of it; never used twice.
    folder: where vLLM loads it from.
    invocation: the tokens from which on it acts, or None for all.
    """

    number: int
    folder: Path
    invocation: tuple[int, ...] | None


class AnswererAdapters:
    """The adapters by name. vLLM keeps the recently used on the device and in memory, and loads others when asked for.

    Args:
        folder: where they are written for vLLM.
        first: the first free number.
        base: folder of the base model.
        room: what the engine has room for.
    """

    def __init__(self, folder: Path, first: int, base: Path, room: AdapterRoom) -> None:
        self._folder, self._next, self._room = folder, first, room
        self._shape = text_shape(base)
        self._known: dict[str, AnswererAdapter] = {}
        self._users: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._adding = asyncio.Lock()

    def names(self) -> tuple[str, ...]:
        """In the order in which they were added."""
        return tuple(self._known)

    def get(self, name: str) -> AnswererAdapter:
        """Raises:
        InputError: there is none of this name.
        """
        try:
            return self._known[name]
        except KeyError:
            known = ", ".join(self._known) or "none"
            raise InputError(f"no answerer adapter {name!r}; there is: {known}") from None

    @contextmanager
    def lease(self, names: Iterable[str]) -> Iterator[None]:
        """Keep adapters from being unloaded while requests use them.

        Raises:
            InputError: there is none of a name.
        """
        with self._lock:
            held = [self.get(name).number for name in names]
            self._users.update(held)
        try:
            yield
        finally:
            with self._lock:
                self._users.subtract(held)

    async def add(self, name: str, source: Path, client: VLLMClient) -> None:
        """See `VLLMEngine.add_adapter`."""
        check_adapter_name(name)
        async with self._adding:
            if name in self._known:
                raise InputError(f"there is an answerer adapter {name!r} already; remove it first")
            number, self._next = self._next, self._next + 1
            folder = self._folder / str(number)
            invocation = await asyncio.to_thread(self._write, source, folder)
            await client.load(lora_request(name, number, folder), pin=False)
            self._known[name] = AnswererAdapter(number, folder, invocation)

    async def remove(self, name: str, client: VLLMClient) -> None:
        """See `VLLMEngine.remove_adapter`."""
        with self._lock:
            removed = self.get(name)
            del self._known[name]
        while self._users[removed.number] > 0:
            await asyncio.sleep(_POLL)
        await client.unload(removed.number)
        await asyncio.to_thread(shutil.rmtree, removed.folder)

    def _write(self, source: Path, folder: Path) -> tuple[int, ...] | None:
        adapter = read_adapter(source)
        if adapter.embeddings or adapter.rows:
            raise BundleError(f"{source}: an answerer adapter that owns embeddings can only be part of a model folder")
        check_fit(adapter, self._shape, str(source))
        if other := sorted({module.rsplit(".", 1)[1] for module in adapter.pairs} - set(self._room.modules)):
            raise BundleError(
                f"{source} adapts {', '.join(other)}; this engine has room for adapters of "
                f"{', '.join(self._room.modules)} (option adapter_modules)"
            )
        rank = max(pair.a.shape[0] for pair in adapter.pairs.values())
        if rank > self._room.rank:
            raise BundleError(
                f"{source}: rank {rank}; this engine has room for {self._room.rank} (option max_adapter_rank)"
            )
        write_served(folder, adapter, str(source))
        return adapter.invocation


def lora_request(name: str, number: int, folder: Path) -> Any:
    """An adapter as a request to vLLM names it.

    vLLM takes adapters of one name for the same, up to 0.30 their KV too; a number is never used twice.
    """
    from vllm.lora.request import LoRARequest

    return LoRARequest(f"{number}-{name}", number, str(folder))
