"""Answerer adapters over HTTP: added, listed, removed, and refused with what is wrong."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.serve.conftest import TakingEngine
from videomind.lora_switch.adapter import CONFIG_FILE, WEIGHTS_FILE
from videomind.serve import bodies

FILES = (CONFIG_FILE, WEIGHTS_FILE)


def post(client: TestClient, name: str, folder: Path, files: tuple[str, ...] = FILES) -> Any:
    with ExitStack() as stack:
        parts = {file: stack.enter_context((folder / file).open("rb")) for file in files}
        return client.post(f"/v1/adapters/{name}", files=parts)


def refusal(answer: Any) -> tuple[int, str, str]:
    assert set(answer.json()) == {"error"}
    assert set(answer.json()["error"]) == {"message", "type"}
    return answer.status_code, answer.json()["error"]["type"], answer.json()["error"]["message"]


def test_an_adapter_is_added_listed_and_removed(client: TestClient, engine: TakingEngine, lora: Path) -> None:
    assert client.get("/v1/adapters").json() == {"object": "list", "data": []}
    added = post(client, "sports", lora)
    assert (added.status_code, added.json()["rank"], added.json()["problem"]) == (201, 4, None)
    assert added.json()["bytes"] == sum((lora / file).stat().st_size for file in FILES)
    assert client.get("/v1/adapters").json()["data"] == [added.json()]
    assert engine.adapters() == ("sports",)
    assert client.delete("/v1/adapters/sports").json() == {"name": "sports", "object": "adapter", "deleted": True}
    assert client.get("/v1/adapters").json()["data"] == []
    assert engine.adapters() == ()


def test_what_is_stored_is_what_was_sent(client: TestClient, tmp_path: Path, lora: Path) -> None:
    post(client, "sports", lora)
    stored = tmp_path / "store" / "sports"
    assert {path.name for path in stored.iterdir()} == set(FILES)
    assert all((stored / file).read_bytes() == (lora / file).read_bytes() for file in FILES)


def test_a_name_is_given_once(client: TestClient, lora: Path) -> None:
    post(client, "sports", lora)
    status, kind, message = refusal(post(client, "sports", lora))
    assert (status, kind) == (409, "conflict_error")
    assert "remove it first" in message


def test_what_is_not_there_cannot_be_removed(client: TestClient, lora: Path) -> None:
    post(client, "sports", lora)
    expected = (404, "not_found_error", "there is no adapter 'news'; there is: sports")
    assert refusal(client.delete("/v1/adapters/news")) == expected


@pytest.mark.parametrize("name", [".hidden", "a b", "a%2fb", "%2e%2e", "x" * 101, "ä", "a\\b"])
def test_no_name_leads_out_of_the_folder(client: TestClient, tmp_path: Path, lora: Path, name: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert post(client, name, lora).status_code in (400, 404)
    assert client.delete(f"/v1/adapters/{name}").status_code in (400, 404)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_adapter_of_another_model_is_refused_and_leaves_nothing(
    client: TestClient, engine: TakingEngine, tmp_path: Path, misfit: Path
) -> None:
    status, kind, message = refusal(post(client, "other", misfit))
    assert (status, kind) == (400, "invalid_request_error")
    assert message.startswith("other")
    assert str(tmp_path) not in message
    assert engine.adapters() == ()
    assert [*(tmp_path / "store" / ".incoming").iterdir()] == []
    assert not (tmp_path / "store" / "other").exists()


def test_weights_must_be_safetensors(client: TestClient, tmp_path: Path, lora: Path) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / CONFIG_FILE).write_bytes((lora / CONFIG_FILE).read_bytes())
    (bad / WEIGHTS_FILE).write_bytes(b"\x80\x04pickled")
    status, _, message = refusal(post(client, "bad", bad))
    assert status == 400
    assert message.startswith(f"bad/{WEIGHTS_FILE} is no readable safetensors file")


def test_both_files_are_needed(client: TestClient, lora: Path) -> None:
    status, _, message = refusal(post(client, "sports", lora, files=(CONFIG_FILE,)))
    assert (status, message) == (400, f"the form lacks the part {WEIGHTS_FILE}")


def test_only_a_form_with_two_files_is_taken(client: TestClient) -> None:
    files = dict.fromkeys(FILES, b"")
    for body in ({"json": {}}, {"data": {"r": 4}}, {"files": files | {"c": b"3"}}, {"files": files, "data": {"r": 4}}):
        status, _, message = refusal(client.post("/v1/adapters/x", **body))
        assert status == 400
        assert "multipart form" in message or "Too many" in message
    broken = client.post("/v1/adapters/x", content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert refusal(broken)[0] == 400


@pytest.mark.parametrize("declared", [True, False])
def test_too_much_is_refused_while_it_comes_in(
    client: TestClient, engine: TakingEngine, lora: Path, monkeypatch: pytest.MonkeyPatch, declared: bool
) -> None:
    monkeypatch.setitem(bodies.LIMITS, "/v1/adapters/", bodies.Limit(10_000, in_memory=False))
    if declared:
        answer = post(client, "sports", lora)
    else:
        head = b'--x\r\nContent-Disposition: form-data; name="adapter_config.json"; filename="a"\r\n\r\n'
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = client.post("/v1/adapters/sports", content=iter([head, *[bytes(1000)] * 20]), headers=kind)
    assert refusal(answer)[:2] == (413, "request_too_large")
    assert engine.adapters() == ()


def test_an_engine_that_takes_none_says_so(client: TestClient, lora: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(TakingEngine, "add_adapter")
    assert "the torch engine takes no answerer adapters" in refusal(post(client, "sports", lora))[2]
