"""A copy of a model folder, changed: there whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from videomind.lora_switch.adapter import Adapter, write_adapter
from videomind.lora_switch.bundle import Manifest, save_manifest


def copy_bundle(
    folder: Path, out: Path, manifest: Manifest, base: Path, adapters: Mapping[str, Adapter] | None = None
) -> Path:
    """Copy a model folder with another manifest, and with other adapters for some roles.

    A base or processor that lies outside the folder is not copied; the copy's manifest says where it is.

    Args:
        folder: the model folder.
        out: a new or empty folder outside it.
        manifest: the copy's, its paths as seen from `folder`.
        base: the place of the base model.
        adapters: by role, in place of its own.

    Returns:
        `out`.
    """
    building = out.with_name(out.name + ".partial")
    shutil.rmtree(building, ignore_errors=True)
    shutil.copytree(folder, building)
    for role, adapter in (adapters or {}).items():
        write_adapter(building / role, adapter)
    save_manifest(building, manifest.model_copy(update=_outside(folder, manifest, base)))
    if out.exists():
        out.rmdir()
    return building.rename(out)


def _outside(folder: Path, manifest: Manifest, base: Path) -> dict[str, str]:
    """Absolute paths of what the manifest names outside the folder."""
    places = {"base": base.resolve()}
    if manifest.processor is not None:
        places["processor"] = (folder / manifest.processor).resolve()
    own = folder.resolve()
    return {key: str(place) for key, place in places.items() if not place.is_relative_to(own)}
