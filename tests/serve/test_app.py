"""Health, readiness, errors and counters of the server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.serve.conftest import HERE, TakingEngine, open_state
from videomind.agent import Agent
from videomind.engines.base import Load
from videomind.errors import EngineBusy, EngineDead, EngineError
from videomind.serve.app import create_app


@pytest.fixture
def loading(tmp_path: Path) -> Iterator[TestClient]:
    """A server whose model is not there yet."""
    with open_state(tmp_path / "loading") as state:
        yield TestClient(create_app(state), base_url=HERE)


def test_while_the_model_loads_the_server_lives_but_is_not_ready(loading: TestClient) -> None:
    assert loading.get("/health").json() == {"status": "loading"}
    for path in ("/ready", "/v1/adapters"):
        answer = loading.get(path)
        assert (answer.status_code, answer.json()["error"]["type"]) == (503, "service_unavailable")
    assert loading.get("/metrics").status_code == 200


def test_a_loaded_server_is_ready(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"status": "ready", "model": "tiny", "engine": "torch"}


def test_a_dead_engine_is_neither_healthy_nor_ready(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(self: TakingEngine) -> None:
        raise EngineDead("a process has ended: out of memory; start anew")

    monkeypatch.setattr(TakingEngine, "check_health", die)
    for path in ("/health", "/ready"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert "out of memory" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (EngineBusy("too many calls"), 429, "rate_limit_error"),
        (EngineDead("gone"), 503, "service_unavailable"),
        (EngineError("the device gave up"), 500, "server_error"),
        (RuntimeError("secret detail"), 500, "server_error"),
    ],
)
def test_errors_of_the_engine_have_their_own_status(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, kind: str
) -> None:
    def fail(self: TakingEngine) -> None:
        raise error

    monkeypatch.setattr(TakingEngine, "check_health", fail)
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)
    assert ("retry-after" in answer.headers) == (status == 429)
    assert "secret" not in answer.text


def test_what_is_not_there_is_404_in_the_same_shape(client: TestClient) -> None:
    answer = client.get("/v1/nothing")
    assert answer.status_code == 404
    assert answer.json() == {"error": {"message": "there is no /v1/nothing here", "type": "not_found_error"}}
    assert client.put("/v1/adapters").json()["error"]["type"] == "invalid_request_error"


def test_the_api_describes_itself_without_other_hosts(client: TestClient) -> None:
    assert "/v1/chat/completions" in client.get("/v1/openapi.json").json()["paths"]
    page = client.get("/docs").text
    assert "swagger-ui" in page
    sources = re.findall(r"(?:src|href)=.(.+?)[\"\']", page)
    assert all(source.startswith("/") for source in sources), sources
    assert all(client.get(source).status_code == 200 for source in sources)


def test_metrics_count_what_was_asked(client: TestClient, taking_agent: Agent, frames: np.ndarray) -> None:
    def value(line: str) -> float:
        found = [text for text in client.get("/metrics").text.splitlines() if text.startswith(f"{line} ")]
        return float(found[0].split()[1]) if found else 0.0

    line = 'videomind_role_calls_total{role="planner"}'
    before = value(line)
    taking_agent.ask(frames, "What happens?")
    assert value(line) == before + 1


def test_how_busy_an_engine_is_stands_in_the_metrics_if_it_queues(
    client: TestClient, loading: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "videomind_engine" not in client.get("/metrics").text
    monkeypatch.setattr(TakingEngine, "load", lambda self: Load(calls=5, waiting=3))
    lines = client.get("/metrics").text.splitlines()
    assert "videomind_engine_calls 5.0" in lines
    assert "videomind_engine_waiting 3.0" in lines
    assert "videomind_engine" not in loading.get("/metrics").text
