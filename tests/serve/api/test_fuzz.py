"""Whatever is sent: no fault of the server's own, and never a word about where things lie on its disk."""

from __future__ import annotations

import copy
import json
import random
import socket
from collections.abc import Iterator
from http.client import HTTPResponse
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.serve.live import Live

MALFORMED, EXAMPLES = 1000, 12
TRUTHS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
NOT_THERE = "file-" + 24 * "0"
VALID: list[tuple[str, dict[str, Any]]] = [
    (
        "/v1/chat/completions",
        {
            "model": "videomind",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {
                    "role": "user",
                    "content": [
                        {"type": "video_url", "video_url": {"url": NOT_THERE}},
                        {"type": "text", "text": "What is red?"},
                    ],
                },
            ],
            "stream": True,
            "stream_options": {"include_usage": True},
            "videomind": {"options": ["a", "b"], "roles": ["grounder"], "top_k": 3, "span": [1, 2], "subtitles": "1"},
        },
    ),
    ("/v1/moments", {"video": NOT_THERE, "query": "something red", "top_k": 3, "every": True}),
]
ODD: list[Any] = [
    None,
    True,
    -1,
    10**400,
    1e308,
    float("nan"),
    float("-inf"),
    "",
    "\x00",
    "\ud800",
    "\u202e",
    "<script>",
    "../../../etc/passwd",
    "file:///etc/passwd",
    "file:///proc/self/environ",
    "http://169.254.169.254/",
    "data:video/mp4;base64,!!!!",
    "data:,",
    "file-\x00",
    "x" * 100_000,
    [],
    {},
    [[[[]]]],
    {"a": {"b": {}}},
]
PATHS = [
    "/v1/files/../../etc/passwd",
    "/v1/files/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/v1/files/%00",
    "/v1/files/file-%ff%fe",
    "/v1/files/{id}/content",
    "/v1/results/turn-1/clip.mp4?candidate=-1",
    "/v1/results/turn-1/..%2f..%2fresult.json",
    "/v1/results/%ed%a0%80/report.html",
    "/v1/models/%ed%a0%80",
    "/v1/models//etc/passwd",
    "/v1/conversations/%27%20or%201=1",
    "/v1/adapters/..",
    "/v1/" + 5_000 * "a",
    "//etc/passwd",
    "/v1/files?limit=-1&after=%00&sha256=%27",
    "*",
]
LINES = [
    b"GET / HTTP/9.9\r\n\r\n",
    b"\x00\x01\x02\r\n\r\n",
    b"POST /v1/moments HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n",
    b"POST /v1/moments HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: five\r\n\r\n",
    b"POST /v1/moments HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /v1/files HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: \xff\xfe=\x80; videomind_session=%00\r\n\r\n",
    b"GET /v1/files HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
    b"GET /v1/files HTTP/1.1\r\nHost: [::1\r\nOrigin: http://[\r\n\r\n",
]


def test_what_the_schema_says_is_true(live: Live) -> None:
    schema = schemathesis.openapi.from_url(f"{live.url}/v1/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 20
    for operation in operations:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def answers_as_described(case: Case[Any]) -> None:
            case.call_and_validate(checks=TRUTHS)

        answers_as_described()


def test_malformed_requests_are_refused_without_a_word_about_the_server(live: Live) -> None:
    secrets = [str(live.state.services.settings.data), "Traceback", "site-packages", "/root", "/home", "sqlalchemy"]
    chance = random.Random(0)
    faults = []
    for sent in islice(malformed(chance), MALFORMED):
        status, body = answer_to(live.url, sent)
        told = body.decode(errors="replace")
        well_told = status < 400 or body[:1] != b"{" or set(json.loads(body)["error"]) == {"message", "type"}
        if not (200 <= status < 500 and well_told) or any(secret in told for secret in secrets):
            faults.append((sent[:1000], status, told))
    assert faults == []
    assert live.state.running.queue.running == 0


def malformed(chance: random.Random) -> Iterator[bytes]:
    """Requests as bytes: JSON with something odd in it, JSON that is none, paths, methods and lines that are none."""
    yield from LINES
    for path in PATHS:
        for method in ("GET", "POST", "DELETE"):
            yield request(method, path, b"{}")
    while True:
        path, body = copy.deepcopy(chance.choice(VALID))
        spoil(body, chance)
        data = json.dumps(body, ensure_ascii=chance.random() < 0.5).encode(errors="surrogatepass")
        match chance.randrange(5):
            case 0:
                data = data[: chance.randrange(len(data))]
            case 1:
                spoilt = bytearray(data)
                for _ in range(3):
                    spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
                data = bytes(spoilt)
            case 2 if chance.random() < 0.1:
                data = chance.choice((50_000 * b"[", b"\xff\xfe\x00", b"", b"null", 20_000 * b'{"a":'))
        yield request("POST", path, data)


def spoil(body: Any, chance: random.Random) -> None:
    """Put something odd in some place, or leave something out."""
    while True:
        keys = list(body) if isinstance(body, dict) else list(range(len(body)))
        key = chance.choice(keys)
        deeper = isinstance(body[key], dict | list) and body[key]
        if not deeper or chance.random() < 0.3:
            break
        body = body[key]
    if chance.random() < 0.2:
        del body[key]
    else:
        body[key] = copy.deepcopy(chance.choice(ODD))


def request(method: str, path: str, body: bytes) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


def answer_to(url: str, sent: bytes) -> tuple[int, bytes]:
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(sent)
        answer = HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read()
