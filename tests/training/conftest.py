"""A school, and a bare base that lacks the roles' tokens."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests import tiny
from tests.training import school as schools


@pytest.fixture(scope="session")
def school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return schools.write_school(tmp_path_factory.mktemp("school"))


@pytest.fixture(scope="session")
def bare_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2-VL that never heard of roles, with spare rows in its embedding as the published ones have."""
    return write_teachable(tmp_path_factory.mktemp("bases") / "bare", spare=6)


@pytest.fixture(scope="session")
def full_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without a spare row."""
    return write_teachable(tmp_path_factory.mktemp("bases") / "full")


def write_teachable(folder: Path, spare: int = 0) -> Path:
    """A random base whose norms let its states through, so that an adapter can make it say something."""
    tiny.write_base(folder, specials=schools.PLAIN_SPECIALS, spare=spare)
    file = folder / "model.safetensors"
    weights = load_file(file)
    for name, weight in weights.items():
        if "norm" in name and "visual" not in name:
            weights[name] = torch.full_like(weight, 3.0 if name == "model.norm.weight" else 1.0)
    save_file(weights, file, metadata={"format": "pt"})
    return folder
