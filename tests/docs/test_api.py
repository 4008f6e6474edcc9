"""docs/api.md: its examples run, its tables are those of the code."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from tests.serve.live import Live
from videomind.serve.api.chat_request import Extension
from videomind.serve.api.model_names import ROLES_OF
from videomind.serve.settings import Settings
from videomind.synth.demo import DEMO_QUESTIONS

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text()
DEFAULT_URL = "http://127.0.0.1:8000"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOCS, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def beside_the_video(demo_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with demo.mp4 in it."""
    shutil.copy(demo_video, tmp_path / "demo.mp4")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_python_examples_run(live: Live, beside_the_video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said: dict[str, Any] = {}
    exec("\n".join(blocks("python")).replace(DEFAULT_URL, live.url), said)
    said["openai"].close()
    said["client"].close()
    printed = capsys.readouterr().out
    assert printed.startswith("square\n{'start': 7.6")
    assert "{'text': 'B) Moves up', 'option': 'B'}\nPlan: " in printed
    assert said["found"]["answer"]["text"] == "square"
    assert printed.splitlines()[-1].startswith("squareB ")


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")
def test_the_curl_example_runs(live: Live, beside_the_video: Path) -> None:
    (script,) = [block for block in blocks("sh") if "curl" in block]
    command = ["bash", "-euo", "pipefail", "-c", script.replace(DEFAULT_URL, live.url)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"confidence"' in done.stdout
    assert (beside_the_video / "moment.mp4").read_bytes()[4:8] == b"ftyp"


def test_the_questions_are_those_of_the_demonstration() -> None:
    texts = {question.text for question in DEMO_QUESTIONS}
    assert set(re.findall(r'"(W[^"]+\?)"', DOCS)) <= texts


def test_all_models_and_fields_of_a_request_are_told() -> None:
    rows = set(re.findall(r"^\| `([^`]+)` \|", DOCS, flags=re.MULTILINE))
    assert rows >= set(ROLES_OF) | set(Extension.model_fields)


def test_the_paths_are_those_of_the_api(live: Live) -> None:
    told = re.findall(r"`(?:[A-Z]+`, )*`?(?:GET|POST|PATCH|DELETE) (/v1/[^`]*)`", DOCS)
    shape = {re.sub(r"\{\w+(:path)?\}", "{}", path) for path in live_paths(live)}
    assert told
    assert {re.sub(r"\{\w+\}", "{}", path) for path in told} <= shape


def live_paths(live: Live) -> set[str]:
    import httpx2

    return set(httpx2.get(f"{live.url}/v1/openapi.json").json()["paths"])


def test_the_settings_shown_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = blocks("toml")
    assert Settings(**tomllib.loads(shown)).retention_days == 90


def test_the_table_of_settings_is_complete() -> None:
    told = DOCS.split("<!-- settings: begin -->\n")[1].split("<!-- settings: end -->")[0]
    assert told == settings_table(Settings.model_fields)


def settings_table(fields: Mapping[str, FieldInfo]) -> str:
    """To be put into the document as it is, when settings have changed."""
    lines = [f"| `{name}` | {_meaning(field)} | {_default(field)} |" for name, field in fields.items()]
    return "\n".join(["| setting | means | default |", "|---|---|---|", *lines, ""])


def _meaning(field: FieldInfo) -> str:
    return (field.description or "").removesuffix(".")


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "the user's (XDG)"
    if value is None or value in ("", ()):
        return ""
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"
