"""One server with the embedded model for all tests of the API, and the demonstration's video."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.serve.live import Live, live_server
from videomind.agent import Agent
from videomind.synth.demo import write_demo


@pytest.fixture(scope="session")
def demo_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """36 s of known events (`videomind.synth.demo`)."""
    return write_demo(tmp_path_factory.mktemp("demo") / "demo.mp4")


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory, nano_agent: Agent) -> Iterator[Live]:
    """The server. It is shared: leave nothing that changes what others see."""
    with live_server(tmp_path_factory.mktemp("live") / "data", nano_agent) as live:
        yield live


@pytest.fixture(scope="session")
def openai_client(live: Live) -> Iterator[openai.OpenAI]:
    """OpenAI's own client of it, without retries."""
    with openai.OpenAI(base_url=f"{live.url}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture(scope="session")
def demo_id(openai_client: openai.OpenAI, demo_video: Path) -> str:
    """The demonstration's video, uploaded."""
    with demo_video.open("rb") as file:
        return openai_client.files.create(file=file, purpose="user_data").id
