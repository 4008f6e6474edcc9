"""Stored videos and turns for tests that need no model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi.testclient import TestClient

from tests.serve.conftest import HERE, open_state
from videomind.results import Result
from videomind.serve.app import create_app
from videomind.serve.asked import Ask
from videomind.serve.caller import LOCAL
from videomind.serve.services import Services
from videomind.serve.state import State
from videomind.serve.store.conversations import Turn, TurnState
from videomind.serve.store.library import VideoFile

OTHER = "key:other"
"""Somebody else."""


@contextmanager
def open_api(data: Path) -> Iterator[tuple[TestClient, State]]:
    """A server without a model, and what it has."""
    with open_state(data) as state, TestClient(create_app(state), base_url=HERE) as client:
        yield client, state


def empty(services: Services) -> None:
    """As if nothing had ever been sent or asked."""
    for owner in (LOCAL, OTHER):
        for conversation in services.conversations.entries(owner):
            services.conversations.remove(owner, conversation.id)
        for video in services.library.entries(owner):
            services.library.remove(owner, video.id)


def store_video(services: Services, path: Path, owner: str = LOCAL) -> VideoFile:
    """As if it had been uploaded."""

    async def content() -> AsyncIterator[bytes]:
        yield path.read_bytes()

    return asyncio.run(services.media.receive(owner, path.name, content()))


def store_turn(
    services: Services,
    video: VideoFile,
    ask: Ask,
    result: Result | None = None,
    state: TurnState = TurnState.ANSWERED,
    conversation: str | None = None,
) -> Turn:
    """As if it had been asked and, unless its state is ASKED, ended."""
    turn = services.conversations.ask(video.owner, video, ask.to_json(), conversation)
    if state is not TurnState.ASKED:
        data = None if result is None else result.to_json() | {"trace": result.trace.to_json()}
        services.conversations.finish(turn.id, state, data)
    return services.conversations.turn(video.owner, turn.id)
