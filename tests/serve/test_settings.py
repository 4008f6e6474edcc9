"""Settings of a server: flags come before the environment, and that before the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from videomind.errors import InputError
from videomind.serve.settings import load_settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "serve.toml"


def test_who_comes_first(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('host = "10.0.0.1"\nport = 1\nwaiting = 3\n')
    monkeypatch.setenv("VIDEOMIND_HOST", "10.0.0.2")
    monkeypatch.setenv("VIDEOMIND_PORT", "2")
    settings = load_settings({"port": 4, "engine": None}, file)
    assert (settings.port, settings.host, settings.waiting, settings.engine) == (4, "10.0.0.2", 3, None)


def test_several_names_are_a_list_in_the_file_and_one_text_in_the_environment(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text('cors_origins = ["https://a.example", "https://b.example"]\n')
    monkeypatch.setenv("VIDEOMIND_ALLOWED_MEDIA_DOMAIN", "a.example, *.b.example")
    settings = load_settings({}, file)
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.allowed_media_domain == ("a.example", "*.b.example")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("prot = 1", "setting prot: "),
        ("port = 70000", "setting port: Input should be less than or equal to 65535"),
        ('engine = "jax"', "setting engine: "),
        ("port =", "cannot be read as TOML"),
        ("\udcff", "cannot be read as TOML"),
    ],
)
def test_what_cannot_be_used_is_named(file: Path, text: str, problem: str) -> None:
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=problem):
        load_settings({}, file)


def test_a_file_that_is_not_there(file: Path) -> None:
    with pytest.raises(InputError, match="there is no such file of settings"):
        load_settings({}, file)


def test_secrets_are_not_shown() -> None:
    settings = load_settings({"api_key": "hush", "database": "postgresql://me:hush@db/videos"})
    assert "hush" not in repr(settings)
