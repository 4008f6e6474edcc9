"""The files of a model folder, read with care: JSON of bounded size, weights from safetensors only."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videomind.errors import BundleError

if TYPE_CHECKING:
    from torch import Tensor


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file.

    Raises:
        BundleError: missing or not a safetensors file (pickled weights are never loaded).
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise BundleError(f"missing weights: {path} (only .safetensors files are loaded)")
    try:
        return dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise BundleError(f"{path} is no readable safetensors file: {error}") from error


def read_json(path: Path) -> dict[str, Any]:
    """One JSON object from a file of at most 16 MiB.

    Raises:
        BundleError: missing, too large, or not a JSON object.
    """
    if not path.is_file():
        raise BundleError(f"missing file: {path}")
    if path.stat().st_size > 16 << 20:
        raise BundleError(f"{path} is larger than 16 MiB, which no such file should be")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BundleError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(data, dict):
        raise BundleError(f"{path} must hold a JSON object")
    return data


def write_json(path: Path, data: object) -> None:
    """Write indented JSON; the file is replaced as a whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
