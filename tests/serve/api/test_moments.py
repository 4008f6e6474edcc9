"""Where something happens, over HTTP: as `Agent.find`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.near import near
from tests.serve.live import Live
from videomind.agent import Agent
from videomind.wire import result_from_json

QUERY = "the blue square blinks"


def find(live: Live, file: str, **fields: Any) -> Any:
    return httpx2.post(f"{live.url}/v1/moments", json={"video": file, "query": QUERY} | fields, timeout=60)


def test_the_moment_is_the_one_that_the_agent_finds(
    live: Live, demo_id: str, demo_video: Path, nano_agent: Agent
) -> None:
    answer = find(live, demo_id, top_k=2)
    assert answer.status_code == 200
    found, alone = result_from_json(answer.json()), nano_agent.find(demo_video, QUERY, top_k=2)
    assert found.moments == near(alone.moments)
    assert len(found.candidates) == 2
    assert found.answer is None
    assert found.plan.roles == ("grounder", "verifier")
    assert answer.json()["links"]["clip"] == f"/v1/results/{answer.json()['id']}/clip.mp4"


def test_every_moment_that_matches(live: Live, demo_id: str) -> None:
    answer = find(live, demo_id, query="the red circle", every=True).json()
    assert len(answer["moments"]) == 2
    assert answer["moment"] == answer["moments"][0]


def test_what_is_not_there_has_no_moment(live: Live, demo_id: str) -> None:
    answer = find(live, demo_id, query="the white cross").json()
    assert (answer["moment"], answer["moments"]) == (None, [])
    assert "clip" not in answer["links"]


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"query": " "}, 400, "the question is empty"),
        ({"top_k": 0}, 400, "body.top_k: "),
        ({"limit": 3}, 400, "body.limit: Extra inputs are not permitted"),
        ({"video": "film.mp4"}, 400, "give the id of an uploaded file"),
        ({"video": "file-" + 24 * "0"}, 404, "file-0"),
    ],
)
def test_what_is_refused_says_why(live: Live, demo_id: str, fields: dict[str, Any], status: int, message: str) -> None:
    answer = find(live, demo_id, **fields)
    assert answer.status_code == status
    assert message in answer.json()["error"]["message"]
