"""Which base model a bundle was made for: a short fingerprint of the base's weights."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

from videomind.errors import BundleError

_SAMPLE = 4096
_MAX_HEADER = 100 << 20


def base_identity(folder: Path) -> str:
    """Fingerprint of the weights in a folder: names, types, shapes, and the first 4 KiB of every tensor.

    It reads a few MiB however large the model is, so it is checked at every start.

    Raises:
        BundleError: the folder holds no safetensors weights.
    """
    samples: dict[str, bytes] = {}
    for path in _weight_files(folder):
        start, header = _read_header(path)
        with path.open("rb") as file:
            for name, entry in header.items():
                begin, end = entry["data_offsets"]
                file.seek(start + begin)
                kind = json.dumps([entry["dtype"], entry["shape"]]).encode()
                samples[name] = kind + file.read(min(end - begin, _SAMPLE))
    digest = hashlib.sha256()
    for name in sorted(samples):
        digest.update(name.encode() + samples[name])
    return digest.hexdigest()[:32]


def tensor_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor in a folder of safetensors weights, by its stored name.

    Raises:
        BundleError: the folder holds no safetensors weights.
    """
    headers = (_read_header(path)[1] for path in _weight_files(folder))
    return {name: tuple(entry["shape"]) for header in headers for name, entry in header.items()}


def _weight_files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise BundleError(f"{folder} holds no .safetensors weights; give the folder of the base model (--base DIR)")
    return files


def _read_header(path: Path) -> tuple[int, dict[str, Any]]:
    """Where a safetensors file's data begin, and what it says of each tensor."""
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            if size > _MAX_HEADER:
                raise ValueError(f"header of {size} bytes")
            header = json.loads(file.read(size))
        header.pop("__metadata__", None)
        return 8 + size, header
    except (OSError, ValueError, struct.error) as error:
        raise BundleError(f"{path} is no readable safetensors file: {error}") from error
