"""Giving a model folder a calibration: in its manifest, or in that of a copy."""

from __future__ import annotations

import os
from pathlib import Path

from videomind.errors import InputError
from videomind.lora_switch.bundle import NANO, Bundle, save_manifest
from videomind.lora_switch.bundle_copy import copy_bundle
from videomind.roles.calibration import Calibration
from videomind.roles.calibration_file import CalibrationFile


def check_target(model: Path, out: Path | None) -> None:
    """Checks that `write_calibration` can write, before anything is computed.

    Raises:
        InputError: `out` is in use or inside the model; or it is None, and the model is the embedded one or cannot be
            written to.
    """
    if out is not None:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise InputError(f"{out} is not empty; give a new folder")
        if out.resolve().is_relative_to(model.resolve()):
            raise InputError(f"{out} lies inside the model; give a new folder outside {model}")
    elif model.resolve() == NANO.resolve():
        raise InputError("the embedded model is part of the installation and stays as it is: give --out DIR for a copy")
    elif not os.access(model, os.W_OK):
        raise InputError(f"{model} cannot be written to: give --out DIR for a copy, or change its permissions")


def write_calibration(bundle: Bundle, calibration: Calibration, out: Path | None = None) -> Path:
    """Write a calibration into the model's manifest, which is replaced as a whole, or into a copy of the model.

    Args:
        bundle: the model.
        calibration: its rules.
        out: a new folder for the copy; None = the model itself. A base outside the model is not copied.

    Returns:
        The folder that now has the calibration.

    Raises:
        InputError: as `check_target`.
    """
    check_target(bundle.folder, out)
    manifest = bundle.manifest.model_copy(update={"calibration": CalibrationFile.of(calibration)})
    if out is None:
        save_manifest(bundle.folder, manifest)
        return bundle.folder
    return copy_bundle(bundle.folder, out, manifest, bundle.base)
