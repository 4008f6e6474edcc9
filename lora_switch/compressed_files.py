"""A compressed set of adapters on disk, safetensors only, checked on reading.

set/compressed.json              manifest: rank, adapters, errors, format version
set/basis.safetensors            "<module>.u" [out, R] and "<module>.v" [R', in], once for all adapters
set/<name>/core.safetensors      "<module>.core" [R, R'], or "<module>.left" [R, r] and "<module>.right" [r, R']
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from videomind.errors import BundleError, InputError
from videomind.lora_switch.adapter import Adapter
from videomind.lora_switch.compressed_manifest import MANIFEST, Manifest, Original, read_manifest
from videomind.lora_switch.compressed_set import CompressedSet, Core, Member, expand
from videomind.lora_switch.compression import Basis
from videomind.lora_switch.files import read_tensors, write_json

BASIS_FILE, CORE_FILE = "basis.safetensors", "core.safetensors"
_TENSOR = re.compile(r"(layers\.\d+\.(?:self_attn|mlp)\.\w+)\.(u|v|core|left|right)")

Parts = dict[str, dict[str, Tensor]]


def check_new(folder: Path) -> None:
    """That a set can be written to a folder, before anything is computed.

    Raises:
        InputError: it is in use.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not empty; give a new folder")


def write_set(
    folder: Path, compressed: CompressedSet, adapter_errors: Mapping[str, float], module_errors: Mapping[str, float]
) -> None:
    """Write a set; the folder appears whole or not at all.

    Raises:
        InputError: the folder is in use, or the disk refuses.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    check_new(folder)
    members = compressed.members
    manifest = Manifest(
        rank=compressed.rank,
        adapters={
            name: Original(rank=member.rank, invocation=member.invocation, error=adapter_errors[name])
            for name, member in members.items()
        },
        modules=dict(module_errors),
    )
    building = folder.with_name(folder.name + ".partial")
    try:
        shutil.rmtree(building, ignore_errors=True)
        for name, member in members.items():
            (building / name).mkdir(parents=True)
            save_file(_stored(member), building / name / CORE_FILE)
        bases = {f"{m}.{part}": getattr(basis, part) for m, basis in compressed.bases.items() for part in ("u", "v")}
        save_file({name: tensor.contiguous() for name, tensor in bases.items()}, building / BASIS_FILE)
        write_json(building / MANIFEST, manifest.model_dump(mode="json"))
        if folder.exists():
            folder.rmdir()
        building.rename(folder)
    except (OSError, SafetensorError) as error:
        raise InputError(f"cannot write {folder}: {getattr(error, 'strerror', None) or error}") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def read_set(folder: Path) -> CompressedSet:
    """Read and check a whole set.

    Raises:
        BundleError: something is missing or malformed.
    """
    manifest = read_manifest(folder)
    bases = _read_bases(folder, manifest)
    members = {name: _read_member(folder, name, original, bases) for name, original in manifest.adapters.items()}
    return CompressedSet(manifest.rank, bases, members)


def expand_one(folder: Path, name: str) -> Adapter:
    """One adapter of a set, of which only its own part and the basis are read.

    Raises:
        InputError: the set holds no such adapter.
        BundleError: as `read_set`.
    """
    manifest = read_manifest(folder)
    if name not in manifest.adapters:
        known = sorted(manifest.adapters)
        shown = ", ".join(known[:8]) + (f" and {len(known) - 8} more" if len(known) > 8 else "")
        raise InputError(f"{folder} holds no adapter {name!r}: it holds {shown}")
    bases = _read_bases(folder, manifest)
    return expand(bases, _read_member(folder, name, manifest.adapters[name], bases))


def _stored(member: Member) -> dict[str, Tensor]:
    names = {1: ("core",), 2: ("left", "right")}
    return {
        f"{module}.{name}": part
        for module, core in member.cores.items()
        for name, part in zip(names[len(core.parts)], core.parts, strict=True)
    }


def _read_bases(folder: Path, manifest: Manifest) -> dict[str, Basis]:
    path, bases = folder / BASIS_FILE, {}
    for module, parts in _read_parts(path).items():
        if set(parts) != {"u", "v"}:
            raise BundleError(f"{path}: {module} needs u and v; it has {', '.join(sorted(parts))}")
        u, v = parts["u"], parts["v"]
        if not (0 < u.shape[1] <= manifest.rank and 0 < v.shape[0] <= manifest.rank):
            raise BundleError(
                f"{path}: {module} has u {list(u.shape)}, v {list(v.shape)}; {MANIFEST} says rank {manifest.rank}"
            )
        bases[module] = Basis(u, v)
    return bases


def _read_member(folder: Path, name: str, original: Original, bases: Mapping[str, Basis]) -> Member:
    path, cores = folder / name / CORE_FILE, {}
    for module, parts in _read_parts(path).items():
        if module not in bases:
            raise BundleError(f"{path}: {module} is not in {BASIS_FILE}: the files are of different sets")
        core = Core(tuple(parts[key] for key in ("core", "left", "right") if key in parts))
        wanted = (bases[module].u.shape[1], bases[module].v.shape[0])
        if set(parts) not in ({"core"}, {"left", "right"}) or not _fits(core, wanted):
            shapes = ", ".join(f"{key} {list(part.shape)}" for key, part in sorted(parts.items()))
            raise BundleError(f"{path}: {module} has {shapes}, which is no core of {list(wanted)}")
        cores[module] = core
    return Member(cores, original.rank, original.invocation)


def _fits(core: Core, wanted: tuple[int, int]) -> bool:
    first, last = core.parts[0], core.parts[-1]
    joined = len(core.parts) == 1 or first.shape[1] == last.shape[0] > 0
    return joined and (first.shape[0], last.shape[1]) == wanted


def _read_parts(path: Path) -> Parts:
    """The matrices of a file, by module and part."""
    found: Parts = {}
    for name, tensor in read_tensors(path).items():
        match = _TENSOR.fullmatch(name)
        if match is None:
            raise BundleError(f"{path}: unknown tensor {name!r}")
        if tensor.ndim != 2 or not tensor.is_floating_point():
            raise BundleError(f"{path}: {name} is {tensor.dtype} {list(tensor.shape)}, not a matrix of real numbers")
        found.setdefault(match[1], {})[match[2]] = tensor
    return found
