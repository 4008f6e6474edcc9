"""A client of the server that the tests of the API run, too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.serve.api.conftest import demo_video, live  # noqa: F401  (fixtures)
from tests.serve.live import Live
from videomind import Client


@pytest.fixture(scope="session")
def client(live: Live) -> Iterator[Client]:  # noqa: F811
    with Client(live.url) as client:
        yield client
