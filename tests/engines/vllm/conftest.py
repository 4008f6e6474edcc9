"""Engines on the embedded model, started once: vLLM's and, as the reference, ours in torch. Float32 on CPU."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from videomind.engines.torch_engine import TorchEngine
from videomind.engines.vllm_engine import VLLMEngine
from videomind.engines.vllm_options import VLLMOptions
from videomind.lora_switch.bundle import load_bundle

SMALL = VLLMOptions(kv_cache_memory=256 << 20, max_num_seqs=32, adapters_on_device=2, adapters_in_memory=4)


@contextmanager
def vllm_engine(bundle: Path | None = None, options: VLLMOptions = SMALL, compat: bool = False) -> Iterator[VLLMEngine]:
    """A running engine; vLLM's own warnings are not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        engine = VLLMEngine(load_bundle(bundle), options, compat)
    try:
        yield engine
    finally:
        engine.close()


@pytest.fixture(scope="session")
def nano() -> Iterator[VLLMEngine]:
    with vllm_engine() as engine:
        yield engine


@pytest.fixture(scope="session")
def reference() -> Iterator[TorchEngine]:
    engine = TorchEngine(load_bundle(), device="cpu")
    yield engine
    engine.close()


@pytest.fixture(autouse=True)
def fresh(request: pytest.FixtureRequest) -> None:
    """Every test starts with empty caches."""
    if "nano" in request.fixturenames:
        request.getfixturevalue("nano").forget()
