"""The models that can be named: the chain, and the roles that the loaded model has."""

from __future__ import annotations

import openai
import pytest
from fastapi.testclient import TestClient

from tests.serve.conftest import HERE
from videomind.serve.app import create_app
from videomind.serve.state import State


def test_the_chain_and_its_roles(openai_client: openai.OpenAI) -> None:
    models = openai_client.models.list().data
    names = ["videomind", "videomind/planner", "videomind/grounder", "videomind/verifier", "videomind/answerer"]
    assert [model.id for model in models] == names
    assert {(model.object, model.owned_by) for model in models} == {("model", "videomind")}
    assert all(model.created > 0 for model in models)


def test_one_by_its_name(openai_client: openai.OpenAI) -> None:
    for name in ("videomind", "videomind/grounder"):
        assert openai_client.models.retrieve(name).id == name
    with pytest.raises(openai.NotFoundError, match="there is no model 'videomind/painter'; there is: videomind, "):
        openai_client.models.retrieve("videomind/painter")


def test_while_the_model_loads_one_is_asked_to_come_again(state: State) -> None:
    with TestClient(create_app(state), base_url=HERE) as waiting:
        for answer in (waiting.get("/v1/models"), waiting.post("/v1/chat/completions", json={})):
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) >= 1
