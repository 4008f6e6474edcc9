"""The server's log: one line per request, for people or for machines, and nothing secret in it."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from rich.console import Console

from tests.serve.conftest import HERE, open_state
from videomind.serve.app import create_app
from videomind.serve.logs import logging_to


@pytest.fixture
def written() -> io.StringIO:
    return io.StringIO()


def test_a_request_is_one_json_object(tmp_path: Path, written: io.StringIO) -> None:
    with logging_to(Console(file=written), "json"), open_state(tmp_path, api_key="hush") as state:
        client = TestClient(create_app(state), base_url=HERE)
        client.get("/v1/files?secret=1", headers={"Authorization": "Bearer hush"})
        client.get("/v1/files", headers={"Authorization": "Bearer wrong-key"})
        client.get("/health")
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    told = [(line["event"], line["method"], line["path"], line["status"], line["owner"]) for line in lines]
    assert told == [
        ("request", "GET", "/v1/files", 200, "key:default"),
        ("request", "GET", "/v1/files", 401, None),
    ]
    assert all(line["ms"] >= 0 and line["timestamp"].endswith("Z") for line in lines)
    assert not any(word in written.getvalue() for word in ("hush", "wrong-key", "secret"))


def test_an_error_keeps_its_trace_on_one_line_of_json(written: io.StringIO) -> None:
    with logging_to(Console(file=written), "json"):
        try:
            raise ValueError("broken")
        except ValueError:
            logging.getLogger("videomind.serve").exception("it failed")
    (line,) = map(json.loads, written.getvalue().splitlines())
    assert (line["event"], line["level"]) == ("it failed", "error")
    assert "ValueError: broken" in line["exception"]


def test_for_people_it_is_text_without_colours_where_it_is_no_terminal(written: io.StringIO) -> None:
    with logging_to(Console(file=written), "console"):
        logging.getLogger("videomind.serve").warning("the disk is nearly full")
    assert "the disk is nearly full" in written.getvalue()
    assert "\x1b" not in written.getvalue()


def test_afterwards_nothing_goes_there_any_more(written: io.StringIO) -> None:
    with logging_to(Console(file=written), "console"):
        pass
    logging.getLogger("videomind.serve").warning("later")
    assert written.getvalue() == ""
