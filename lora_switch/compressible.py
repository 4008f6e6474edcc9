"""Which adapters can be compressed together, and to which ranks; what cannot is said with the way out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from videomind.errors import AdapterKindError, BundleError, InputError
from videomind.lora_switch.adapter import Adapter, LoRAPair, read_adapter
from videomind.lora_switch.adapter_name import check_adapter_name
from videomind.lora_switch.bundle import EMBEDDINGS_FILE, MANIFEST
from videomind.lora_switch.compression import largest_rank

_PLAIN_FIRST = "make its model's adapters plain LoRA first: videomind convert MODEL OUT --to lora"
_EMBEDDINGS = "it has embeddings of its own, which a shared basis cannot hold: leave it out"

Shape = tuple[int, int]


def read_adapters(folders: Mapping[str, Path]) -> dict[str, Adapter]:
    """Read PEFT LoRA folders, by name, that are to be compressed together.

    Raises:
        AdapterKindError: one is not plain LoRA.
        BundleError: one cannot be read or compressed, or they do not belong together.
        InputError: there is but one, a name is no name, or a folder is a whole model.
    """
    adapters = {}
    for name, folder in folders.items():
        check_adapter_name(name)
        if (folder / MANIFEST).is_file():
            raise InputError(f"{folder} is a model folder: give the folders of adapters, such as {folder / 'answerer'}")
        try:
            adapters[name] = read_adapter(folder)
        except AdapterKindError as error:
            raise AdapterKindError(f"{error}; {_PLAIN_FIRST}") from None
        if (folder / EMBEDDINGS_FILE).exists():
            raise BundleError(f"{folder}: {_EMBEDDINGS}")
    check_adapters(adapters)
    return adapters


def check_adapters(adapters: Mapping[str, Adapter]) -> None:
    """That adapters can be compressed together.

    Raises:
        InputError: there is but one.
        AdapterKindError: one is a DoRA.
        BundleError: one has nothing to compress, embeddings or broken numbers, or they are for different bases.
    """
    if len(adapters) < 2:
        raise InputError("one adapter alone has nothing to share: give two or more of the same base")
    for name, adapter in adapters.items():
        _check_one(name, adapter)
    _check_shapes(adapters)


def check_rank(adapters: Mapping[str, Adapter], rank: int) -> None:
    """That a basis of this rank makes sense.

    Raises:
        InputError: it is below 1, or beyond where nothing is lost.
    """
    if rank < 1:
        raise InputError(f"rank {rank}: give a whole number from 1")
    if rank > (most := useful_rank(adapters)):
        raise InputError(f"rank {rank} is more than these adapters have use for: at rank {most} nothing is lost")


def useful_rank(adapters: Mapping[str, Adapter]) -> int:
    """The rank at which nothing is lost of any module."""
    grouped: dict[str, list[LoRAPair]] = {}
    for adapter in adapters.values():
        for module, pair in adapter.pairs.items():
            grouped.setdefault(module, []).append(pair)
    return max(map(largest_rank, grouped.values()))


def _check_one(name: str, adapter: Adapter) -> None:
    if not adapter.pairs:
        raise BundleError(f"{name}: it adapts no module: there is nothing to compress")
    if any(pair.magnitude is not None for pair in adapter.pairs.values()):
        raise AdapterKindError(f"{name}: a DoRA's change is of no low rank; {_PLAIN_FIRST}")
    if adapter.embeddings or adapter.rows:
        raise BundleError(f"{name}: {_EMBEDDINGS}")
    for module, pair in adapter.pairs.items():
        if not (pair.a.isfinite().all() and pair.b.isfinite().all()):
            raise BundleError(f"{name}: {module} holds numbers that are not finite: train or fetch it again")


def _check_shapes(adapters: Mapping[str, Adapter]) -> None:
    first: dict[str, tuple[str, Shape]] = {}
    for name, adapter in adapters.items():
        for module, pair in adapter.pairs.items():
            shape = (pair.a.shape[1], pair.b.shape[0])
            other, known = first.setdefault(module, (name, shape))
            if shape != known:
                raise BundleError(
                    f"{name} and {other} are for different bases: {module} maps {shape[0]} to {shape[1]} in the one, "
                    f"{known[0]} to {known[1]} in the other; compress those of one base together"
                )
