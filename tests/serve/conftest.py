"""A server around a tiny model, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests import tiny
from videomind.agent import Agent
from videomind.engines.torch_engine import TorchEngine
from videomind.errors import InputError
from videomind.lora_switch.adapter import read_adapter, write_adapter
from videomind.lora_switch.bundle import load_bundle
from videomind.lora_switch.fit import check_fit, text_shape
from videomind.serve.adapter_store import AdapterStore
from videomind.serve.app import create_app
from videomind.serve.services import open_services
from videomind.serve.settings import load_settings
from videomind.serve.state import State

HERE = "http://127.0.0.1:8000"


class TakingEngine(TorchEngine):
    """Checks adapters as the vLLM engine does and remembers their names, but never answers with them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(load_bundle(folder), device="cpu")
        self.names: list[str] = []
        self._shape = text_shape(load_bundle(folder).base)

    def adapters(self) -> tuple[str, ...]:
        return tuple(self.names)

    def add_adapter(self, name: str, folder: Path) -> None:
        check_fit(read_adapter(folder), self._shape, str(folder))
        self.names.append(name)

    def remove_adapter(self, name: str) -> None:
        if name not in self.names:
            raise InputError(f"there is no answerer adapter {name!r}")
        self.names.remove(name)


@pytest.fixture(scope="session")
def taking_agent(tiny_bundle: Path) -> Iterator[Agent]:
    with Agent(load_bundle(tiny_bundle), TakingEngine(tiny_bundle)) as agent:
        yield agent


@pytest.fixture
def engine(taking_agent: Agent) -> Iterator[TakingEngine]:
    """The engine behind `client`, without adapters at first."""
    assert isinstance(taking_agent.engine, TakingEngine)
    yield taking_agent.engine
    taking_agent.engine.names.clear()


@pytest.fixture
def store(tmp_path: Path, engine: TakingEngine) -> Iterator[AdapterStore]:
    with closing(AdapterStore(tmp_path / "store")) as store:
        store.restore(engine)
        yield store


@contextmanager
def open_state(data: Path, **settings: Any) -> Iterator[State]:
    """Everything but a model; the page is left out unless `page` is set."""
    with open_services(load_settings({"data": data, "page": False} | settings)) as services:
        yield State(services)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """A server without model yet."""
    with open_state(tmp_path / "data") as state:
        yield state


@pytest.fixture
def client(state: State, taking_agent: Agent, store: AdapterStore) -> Iterator[TestClient]:
    state.serve(taking_agent, store)
    with TestClient(create_app(state), base_url=HERE, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def lora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that fits the tiny model."""
    folder = tmp_path_factory.mktemp("adapters") / "sports"
    write_adapter(folder, tiny.random_adapter(rank=4))
    return folder


@pytest.fixture(scope="session")
def misfit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter of another model."""
    folder = tmp_path_factory.mktemp("adapters") / "other"
    write_adapter(folder, tiny.random_adapter(rank=4, hidden=32))
    return folder
