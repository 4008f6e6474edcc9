"""Who gets in: with a key whoever has it, without one only this machine's own programs and pages."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.serve.conftest import HERE
from videomind.errors import InputError
from videomind.serve.app import create_app
from videomind.serve.security import check_binding, is_loopback
from videomind.serve.state import State

PATHS = ("/v1/adapters", "/metrics", "/", "/v1/anything")


def client(api_key: str | None, local: bool = True) -> TestClient:
    return TestClient(create_app(State(), api_key, local), base_url=HERE)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "header", [None, "", "secret", "Bearer", "Bearer ", "Bearer secre", "Bearer secret1", "Basic secret"]
)
def test_without_the_key_nothing_is_told(path: str, header: str | None) -> None:
    answer = client("secret").get(path, headers={} if header is None else {"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["type"] == "authentication_error"


def test_with_the_key_one_gets_in_from_anywhere() -> None:
    headers = {"Authorization": "Bearer secret", "Host": "videos.example", "Origin": "https://page.example"}
    assert client("secret", local=False).get("/metrics", headers=headers).status_code == 200


def test_supervisors_need_no_key() -> None:
    assert client("secret").get("/health").json() == {"status": "loading"}
    assert client("secret").get("/ready").status_code == 503


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "LOCALHOST"])
def test_without_a_key_this_machine_gets_in(host: str) -> None:
    assert client(None).get("/metrics", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example:8000", "127.0.0.1.evil.example", "10.0.0.1", ""])
def test_a_page_that_renames_this_machine_stays_out(host: str) -> None:
    assert client(None).get("/metrics", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:9999", "null"])
def test_pages_of_other_sites_stay_out(origin: str) -> None:
    for local in (True, False):
        assert client(None, local).delete("/v1/adapters/x", headers={"Origin": origin}).status_code == 403


def test_its_own_page_gets_in() -> None:
    assert client(None).get("/metrics", headers={"Origin": HERE}).status_code == 200


def test_an_open_server_may_be_called_by_any_name() -> None:
    assert client(None, local=False).get("/metrics", headers={"Host": "videos.example"}).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_key(host: str) -> None:
    assert is_loopback(host)
    check_binding(host, None, insecure=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "videos.example", "", "127.0.0.1.example"])
def test_other_addresses_do(host: str) -> None:
    with pytest.raises(InputError, match="give an API key"):
        check_binding(host, None, insecure=False)
    check_binding(host, "secret", insecure=False)
    check_binding(host, None, insecure=True)


@pytest.mark.parametrize("key", ["", " ", "two words", "schlüssel", "line\nbreak"])
def test_a_key_can_be_sent_in_a_header(key: str) -> None:
    with pytest.raises(InputError, match="API key must be"):
        check_binding("127.0.0.1", key, insecure=False)
