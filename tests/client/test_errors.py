"""What a server refuses arrives as the errors that the agent itself would raise."""

from __future__ import annotations

import json

import pytest

from videomind.client.errors import NotThere, ServerBusy, error_in_stream, error_of_response
from videomind.errors import EngineBusy, EngineError, InputError

URL = "http://example.org"


def body(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "whatever"}}).encode()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InputError),
        (404, NotThere),
        (409, InputError),
        (410, NotThere),
        (413, InputError),
        (429, EngineBusy),
        (500, EngineError),
        (503, EngineError),
    ],
)
def test_a_status_code_becomes_an_error_with_the_servers_words(status: int, kind: type[Exception]) -> None:
    error = error_of_response(status, {}, body("the reason"), URL)
    assert isinstance(error, kind)
    assert "the reason" in str(error)


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), (None, 1.0), ("soon", 1.0), ("²", 1.0)])
def test_a_busy_server_says_when_to_come_again(header: str | None, seconds: float) -> None:
    headers = {} if header is None else {"retry-after": header}
    error = error_of_response(429, headers, body("too many"), URL)
    assert isinstance(error, ServerBusy)
    assert error.retry_after == seconds


def test_a_missing_key_is_named() -> None:
    assert "wants its API key" in str(error_of_response(401, {}, b"", URL))


@pytest.mark.parametrize("content", [b"<html>", b"[]", b'{"error": "text"}', b'{"detail": 1}', b""])
def test_another_program_at_this_address_is_recognised(content: bytes) -> None:
    error = error_of_response(404, {}, content, URL)
    assert isinstance(error, InputError)
    assert str(error) == f"what answers at {URL} is no VideoMind server (status 404); give another --url"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("invalid_request_error", InputError), ("rate_limit_error", ServerBusy), ("server_error", EngineError)],
)
def test_an_error_amid_a_stream_is_told_by_its_type(kind: str, expected: type[Exception]) -> None:
    error = error_in_stream({"message": "why", "type": kind}, URL)
    assert isinstance(error, expected)
    assert "why" in str(error)
