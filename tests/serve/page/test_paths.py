from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from tests.serve.conftest import HERE, open_state
from videomind.serve.app import create_app


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server with the page, and without a model yet."""
    with (
        open_state(tmp_path_factory.mktemp("paths"), page=True) as state,
        TestClient(create_app(state), base_url=HERE) as client,
    ):
        yield client


def test_the_page_is_there_while_the_model_loads(client: TestClient) -> None:
    assert client.get("/").status_code == 200
    assert "fonts.googleapis" not in client.get("/").text


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/upload",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/proxy=https://example.org",
        "/gradio_api/run/predict",
        "/gradio_api/call/ask",
        "/gradio_api/info",
        "/gradio_api/component_server",
        "/gradio_api/vibe-code/",
        "/gradio_api/process_recording",
        "/gradio_api/deep_link",
        "/monitoring",
        "/v1/nothing",
    ],
)
def test_gradio_has_no_other_doors(client: TestClient, path: str) -> None:
    for answer in (client.get(path), client.post(path, files={"files": b"x"})):
        assert answer.status_code in (404, 405)
        assert "error" in answer.json()
