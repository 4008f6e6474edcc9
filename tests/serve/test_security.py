"""Who gets in: with keys whoever has one, without keys only this machine's own programs and pages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.types import Message

from tests.serve.conftest import HERE, open_state
from videomind.errors import InputError
from videomind.serve.app import create_app
from videomind.serve.identity import COOKIE
from videomind.serve.security import check_binding, is_loopback

PATHS = ("/v1/adapters", "/v1/files", "/metrics", "/v1/anything", "/docs", "/v1/openapi.json")
Client = Callable[..., TestClient]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """Makes clients of servers that share one store and have no model."""
    with ExitStack() as stack:

        def make(api_key: str | None = None, local: bool = True, **settings: object) -> TestClient:
            state = stack.enter_context(open_state(tmp_path, api_key=api_key, **settings))
            return TestClient(create_app(state, local), base_url=HERE, follow_redirects=False)

        yield make


@pytest.mark.parametrize(
    "header", [None, "", "secret", "Bearer", "Bearer ", "Bearer secre", "Bearer secret1", "Basic secret"]
)
def test_without_the_key_nothing_is_told(client: Client, header: str | None) -> None:
    visitor = client("secret")
    for path in PATHS:
        answer = visitor.get(path, headers={} if header is None else {"Authorization": header})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["error"]["type"] == "authentication_error"


def test_with_the_key_one_gets_in_from_anywhere(client: Client) -> None:
    headers = {"Authorization": "Bearer secret", "Host": "videos.example", "Origin": "https://page.example"}
    assert client("secret", local=False).get("/metrics", headers=headers).status_code == 200


def test_stored_keys_open_as_well_until_they_are_removed(client: Client, tmp_path: Path) -> None:
    with open_state(tmp_path) as state:
        key = state.services.keys.add("ada")
        visitor = client()
        assert visitor.get("/v1/files").status_code == 401
        headers = {"Authorization": f"Bearer {key}"}
        assert visitor.get("/v1/files", headers=headers).status_code == 200
        state.services.keys.remove("ada")
        assert visitor.get("/v1/files", headers=headers).status_code == 401


def test_supervisors_need_no_key(client: Client) -> None:
    assert client("secret").get("/health").json() == {"status": "loading"}
    assert client("secret").get("/ready").status_code == 503


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "LOCALHOST"])
def test_without_a_key_this_machine_gets_in(client: Client, host: str) -> None:
    assert client().get("/metrics", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example:8000", "127.0.0.1.evil.example", "10.0.0.1", ""])
def test_a_page_that_renames_this_machine_stays_out(client: Client, host: str) -> None:
    assert client().get("/metrics", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:9999", "null"])
def test_pages_of_other_sites_stay_out(client: Client, origin: str) -> None:
    for local in (True, False):
        assert client(None, local).delete("/v1/adapters/x", headers={"Origin": origin}).status_code == 403


def test_its_own_page_gets_in(client: Client) -> None:
    assert client().get("/metrics", headers={"Origin": HERE}).status_code == 200


def test_sites_that_are_named_get_in_and_browsers_are_told_so(client: Client) -> None:
    visitor = client(cors_origins="https://page.example, https://other.example")
    answer = visitor.get("/v1/files", headers={"Origin": "https://other.example"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "https://other.example")
    refused = visitor.get("/v1/files", headers={"Origin": "https://evil.example"})
    assert (refused.status_code, "access-control-allow-origin" in refused.headers) == (403, False)


def test_no_site_is_let_in_by_default(client: Client) -> None:
    preflight = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST"}
    answer = client("secret").options("/v1/files", headers=preflight)
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_an_open_server_may_be_called_by_any_name(client: Client) -> None:
    assert client(None, local=False).get("/metrics", headers={"Host": "videos.example"}).status_code == 200


def test_every_answer_carries_the_security_headers(client: Client) -> None:
    visitor = client("secret")
    for answer in (visitor.get("/health"), visitor.get("/login"), visitor.get("/v1/files")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers


def test_nobody_opens_a_web_socket(client: Client) -> None:
    told = []

    async def send(message: Message) -> None:
        told.append(message["type"])

    asyncio.run(client().app({"type": "websocket", "path": "/v1/files", "headers": []}, None, send))
    assert told == ["websocket.close"]


def test_a_browser_logs_in_with_a_key_and_out_again(client: Client) -> None:
    visitor = client("secret")
    assert "This server wants a key" in visitor.get("/login").text
    wrong = visitor.post("/login", data={"key": "guess"})
    assert (wrong.status_code, COOKIE in visitor.cookies) == (401, False)
    entered = visitor.post("/login", data={"key": "secret"})
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    cookie = {part.strip().lower() for part in entered.headers["set-cookie"].split(";")}
    assert {"httponly", "samesite=strict"} <= cookie
    assert visitor.get("/v1/files").status_code == 200
    token = visitor.cookies[COOKIE]
    visitor.post("/logout")
    assert visitor.get("/v1/files", headers={"Cookie": f"{COOKIE}={token}"}).status_code == 401


def test_the_page_sends_who_has_no_session_to_the_login(client: Client) -> None:
    answer = client("secret").get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert client().get("/login").headers["location"] == "/"


def test_another_site_cannot_use_a_session(client: Client) -> None:
    visitor = client("secret")
    visitor.post("/login", data={"key": "secret"})
    assert visitor.delete("/v1/files/file-x", headers={"Origin": "https://evil.example"}).status_code == 403
    assert visitor.delete("/v1/files/file-x", headers={"Origin": HERE}).status_code == 404


def test_a_session_without_a_key_does_not_open_a_server_with_keys(client: Client) -> None:
    free = client()
    free.get("/")
    token = free.cookies[COOKIE]
    assert client("secret").get("/v1/files", headers={"Cookie": f"{COOKIE}={token}"}).status_code == 401


def test_keys_cannot_be_tried_by_the_thousand(client: Client) -> None:
    visitor = client("secret")
    codes = [visitor.post("/login", data={"key": f"guess {n}"}).status_code for n in range(25)]
    assert codes[0] == 401
    assert codes[-1] == 429
    assert visitor.post("/login", data={"key": "secret"}).status_code == 429


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_key(host: str) -> None:
    assert is_loopback(host)
    check_binding(host, None, locked=False, insecure=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "videos.example", "", "127.0.0.1.example"])
def test_other_addresses_do(host: str) -> None:
    with pytest.raises(InputError, match="make an API key"):
        check_binding(host, None, locked=False, insecure=False)
    check_binding(host, "secret", locked=True, insecure=False)
    check_binding(host, None, locked=True, insecure=False)
    check_binding(host, None, locked=False, insecure=True)


@pytest.mark.parametrize("key", ["", " ", "two words", "schlüssel", "line\nbreak"])
def test_a_key_can_be_sent_in_a_header(key: str) -> None:
    with pytest.raises(InputError, match="API key must be"):
        check_binding("127.0.0.1", key, locked=True, insecure=False)
