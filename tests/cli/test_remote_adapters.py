"""`videomind adapters list|add|remove` against a server that really listens."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Videomind
from tests.cli.test_errors import assert_refused
from tests.serve.conftest import engine, lora, misfit, open_state, store, taking_agent  # noqa: F401  (fixtures)
from videomind.agent import Agent
from videomind.cli.adapters_list import adapters_table
from videomind.serve.adapter_store import AdapterStore
from videomind.serve.app import create_app
from videomind.serve.http_server import HttpServer

Adapters = Callable[..., tuple[int, str, str]]


@pytest.fixture
def server(taking_agent: Agent, store: AdapterStore, tmp_path: Path) -> Iterator[HttpServer]:  # noqa: F811
    with open_state(tmp_path / "data", api_key="secret") as state:
        state.serve(taking_agent, store)
        with closing(HttpServer(create_app(state), "127.0.0.1", 0)) as server:
            server.start()
            yield server


@pytest.fixture
def adapters(videomind: Videomind, server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> Adapters:
    """Runs `videomind adapters ARGS…` with address and key of the server in the environment."""
    monkeypatch.setenv("VIDEOMIND_URL", server.url)
    monkeypatch.setenv("VIDEOMIND_API_KEY", "secret")
    return lambda *args: videomind("adapters", *args)


def listed(adapters: Adapters) -> list[str]:
    return [one["name"] for one in json.loads(adapters("list")[1])["adapters"]]


def test_adapters_come_and_go(adapters: Adapters, lora: Path) -> None:  # noqa: F811
    code, stdout, stderr = adapters("add", lora)
    assert (code, json.loads(stdout)["name"], stderr) == (0, "sports", "")
    assert adapters("add", lora, "--name", "news-2")[0] == 0
    assert listed(adapters) == ["news-2", "sports"]
    code, stdout, _ = adapters("remove", "sports")
    assert (code, json.loads(stdout)) == (0, {"name": "sports", "object": "adapter", "deleted": True})
    assert listed(adapters) == ["news-2"]


def test_refusals_are_one_line(adapters: Adapters, lora: Path, misfit: Path, tmp_path: Path) -> None:  # noqa: F811
    adapters("add", lora)
    assert_refused(adapters("add", lora), "there is an adapter 'sports' already")
    assert_refused(adapters("add", misfit), "other is for another base")
    assert_refused(adapters("add", tmp_path, "--name", "x"), "is no adapter: adapter_config.json: No such file")
    assert_refused(adapters("add", lora, "--name", "../x"), "'../x' is no name for an adapter")
    assert_refused(adapters("remove", "none"), "there is no adapter 'none'; there is: sports")
    assert_refused(adapters("remove", "../sports"), "is no name for an adapter")
    assert listed(adapters) == ["sports"]


def test_a_wrong_key_is_refused(adapters: Adapters) -> None:
    assert_refused(adapters("list", "--api-key", "wrong"), "wants its API key: give --api-key")


def test_no_server(videomind: Videomind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    outcome = videomind("adapters", "list", "--url", f"http://127.0.0.1:{port}")
    assert_refused(outcome, f"no server at http://127.0.0.1:{port}; start one: videomind serve")


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://x", "http://", ""])
def test_an_address_that_is_none(videomind: Videomind, url: str) -> None:
    assert_refused(videomind("adapters", "list", "--url", url), "give something like http://127.0.0.1:8000")


def test_a_port_that_is_taken(videomind: Videomind, server: HttpServer, tiny_bundle: Path, tmp_path: Path) -> None:
    args = ["--port", server.url.rpartition(":")[2], "--model", tiny_bundle, "--data", tmp_path / "other"]
    assert_refused(videomind("serve", "--engine", "torch", *args), "Address already in use; give another --port")


def test_an_open_address_needs_a_key(videomind: Videomind, tmp_path: Path) -> None:
    refused = videomind("serve", "--host", "0.0.0.0", "--data", tmp_path)
    assert_refused(refused, "make an API key (videomind keys add NAME, or VIDEOMIND_API_KEY), or say --insecure")


def test_a_folder_for_adapters_that_cannot_be_used(videomind: Videomind, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folders = ["--data", tmp_path, "--adapters", tmp_path / "file" / "x"]
    outcome = videomind("serve", "--engine", "torch", "--port", 0, *folders)
    assert_refused(outcome, "cannot keep adapters in")


def test_the_list_names_what_cannot_be_used() -> None:
    entry = {"name": "sports", "created": 0, "rank": None, "bytes": 2048, "problem": "made for\nanother base"}
    table = adapters_table([entry])
    cells = [str(next(iter(column.cells))) for column in table.columns]
    assert cells[:3] == ["sports", "–", "2.0 kB"]
    assert cells[4] == "made for another base"
