"""What many tests share: a tiny bundle, frames, and the published system's reference where it is at hand."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from videomind.agent import Agent
from videomind.engines.torch_engine import TorchEngine
from videomind.evaluation.tasks import synth
from videomind.lora_switch.bundle import load_bundle
from videomind.lora_switch.vllm_plugin import versions

from . import finder, tiny

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not versions.is_supported():
        skip = pytest.mark.skip(reason=f"needs vLLM {versions.SUPPORTED}, found {versions.installed()}: make vllm-cpu")
        for item in items:
            if item.get_closest_marker("vllm"):
                item.add_marker(skip)


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the garbage collector, which every training run calls, need not go through it."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    gc.unfreeze()


@pytest.fixture(autouse=True)
def loggers_on() -> None:
    """Libraries that set up logging for themselves may switch off, or raise the level of, what was there before."""
    logging.disable(logging.NOTSET)
    logging.root.setLevel(logging.WARNING)
    for name, logger in logging.root.manager.loggerDict.items():
        if name.startswith("videomind") and isinstance(logger, logging.Logger):
            logger.disabled, logger.propagate = False, True


@pytest.fixture(scope="session")
def parity_dir() -> Path:
    """A tiny checkpoint in the published layout with what the published code computes on it."""
    folder = SHARED / "parity"
    if not folder.is_dir():
        pytest.skip(f"the reference results of the published system are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_bundle(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny_engine(tiny_bundle: Path) -> Iterator[TorchEngine]:
    engine = TorchEngine(load_bundle(tiny_bundle), device="cpu")
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def tiny_agent(tiny_bundle: Path) -> Iterator[Agent]:
    with Agent.from_pretrained(tiny_bundle, device="cpu") as agent:
        yield agent


@pytest.fixture(scope="session")
def finder_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that localises something in any video."""
    return finder.write_finder(tmp_path_factory.mktemp("models") / "finder")


@pytest.fixture(scope="session")
def frames() -> np.ndarray:
    """24 random frames [24, 84, 84, 3]."""
    return np.random.default_rng(0).integers(0, 256, (24, 84, 84, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def synth_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with three videos of the synthetic benchmark, eight questions each. Not to be changed."""
    folder = tmp_path_factory.mktemp("synth") / "data"
    synth.prepare(folder, 3 * synth.PER_VIDEO, lambda done, total: None)
    return folder


@pytest.fixture(scope="session")
def nano_agent() -> Iterator[Agent]:
    """The embedded model."""
    with Agent.from_pretrained(device="cpu") as agent:
        yield agent
