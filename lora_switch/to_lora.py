"""A model folder whose adapters are of any kind becomes one with plain LoRA adapters, which every engine serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from videomind.errors import InputError
from videomind.lora_switch.adapter import CONFIG_FILE, WEIGHTS_FILE, Adapter
from videomind.lora_switch.bundle import open_bundle
from videomind.lora_switch.bundle_copy import copy_bundle
from videomind.lora_switch.files import read_json
from videomind.lora_switch.kinds import is_plain, kind_of
from videomind.lora_switch.low_rank import adapter_to_lora, check_rank

ENERGY = 0.9999
"""What share of a change's squared numbers is kept where no rank is asked for: a relative error of one percent."""


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of one role's adapter.

    Attributes:
        role: its name.
        kind: what it was.
        rank: the largest rank among its layers now.
        error: how far the LoRA's change of the weights is from the adapter's, relative, in the Frobenius norm.
    """

    role: str
    kind: str
    rank: int
    error: float


def bundle_to_lora(
    folder: Path,
    out: Path,
    rank: int | float = ENERGY,
    base: Path | None = None,
    watch: Callable[[str, int, int], None] = lambda role, layer, layers: None,
) -> list[Converted]:
    """Write a copy of a model folder with plain LoRA adapters in place of all other kinds.

    Everything else (prompts, embeddings, decoder, a base inside the folder) stays as it is.

    Args:
        folder: the model folder.
        out: the new one; must not exist yet, or be an empty folder.
        rank: a whole number is the rank of every layer (less where less is exact); a fraction is the share of the
            change's energy that each layer keeps, at the rank which that takes.
        base: the base model, where the manifest does not know its place any more.
        watch: told the role, and how many of its layers are done.

    Returns:
        The roles whose adapters were converted.

    Raises:
        BundleError: the folder or its base cannot be read, or they do not fit each other.
        InputError: `out` is in use, the rank is out of range, or nothing is to be converted.
    """
    check_rank(rank)
    manifest, base = open_bundle(folder, base)
    roles = [name for name in manifest.roles if _needs(folder / name)]
    if not roles:
        raise InputError(f"all adapters in {folder} are plain LoRA already")
    if out.resolve().is_relative_to(folder.resolve()) or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise InputError(f"{out} is in use; give a new folder outside {folder}")
    made: dict[str, Adapter] = {}
    done: list[Converted] = []
    for name in roles:
        adapter, kind, error = adapter_to_lora(base, folder / name, rank, partial(watch, name))
        made[name] = adapter
        done.append(Converted(name, kind, max(pair.a.shape[0] for pair in adapter.pairs.values()), error))

    copy_bundle(folder, out, manifest, base, made)
    return done


def _needs(folder: Path) -> bool:
    path = folder / CONFIG_FILE
    if not (folder / WEIGHTS_FILE).is_file():
        return False
    config = read_json(path)
    kind_of(config, str(path))
    return not is_plain(config)
