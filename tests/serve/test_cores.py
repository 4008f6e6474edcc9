"""A small model leaves cores to the server; a large one, and who has said so, does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from videomind.engines.base import Memory
from videomind.engines.torch_engine import TorchEngine
from videomind.serve import cores
from videomind.serve.cores import spare_cores


@pytest.fixture(autouse=True)
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_a_small_model_computes_on_one_core_until_the_server_ends(tiny_engine: TorchEngine) -> None:
    with spare_cores(tiny_engine):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_a_large_one_keeps_them_all(tiny_engine: TorchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny_engine, "memory", lambda: Memory(cores.SMALL, {}))
    with spare_cores(tiny_engine):
        assert torch.get_num_threads() == 2


def test_the_environment_comes_first(tiny_engine: TorchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with spare_cores(tiny_engine):
        assert torch.get_num_threads() == 2
