"""The container files fit the source tree and the settings; the images themselves are built where Docker is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from videomind.serve.security import OPEN_PATHS
from videomind.serve.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILES = ("Dockerfile", "Dockerfile.cuda")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
CUDA = yaml.safe_load((ROOT / "compose.cuda.yaml").read_text())
SERVER: dict[str, Any] = COMPOSE["services"]["videomind"]


def instructions(name: str) -> list[tuple[str, str]]:
    """(instruction, arguments) of a Dockerfile, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / name).read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line]


def environment(name: str) -> dict[str, str]:
    pairs = [pair for what, rest in instructions(name) if what == "ENV" for pair in shlex.split(rest)]
    return dict(pair.split("=", 1) for pair in pairs)


def settings_named(names: object) -> set[str]:
    """What VIDEOMIND_… variables set."""
    return {name.removeprefix("VIDEOMIND_").lower() for name in names if name.startswith("VIDEOMIND_")}


@pytest.mark.parametrize("name", DOCKERFILES)
def test_what_is_copied_is_there_and_sent_to_the_builder(name: str) -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [shlex.split(rest)[:-1] for what, rest in instructions(name) if what == "COPY" and "--from" not in rest]
    sources = {source for group in copied for source in group}
    assert sources == sent
    assert all((ROOT / source).exists() for source in sources)
    links = {link.resolve().relative_to(ROOT).parts[0] for link in (ROOT / "videomind").iterdir() if link.is_symlink()}
    assert links <= sources


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_runs_the_server_as_an_ordinary_user(name: str) -> None:
    steps = instructions(name)
    assert steps[-2:] == [("ENTRYPOINT", '["videomind"]'), ("CMD", '["serve"]')]
    assert ("USER", "videomind") in steps
    assert settings_named(environment(name)) <= set(Settings.model_fields)
    assert environment(name)["VIDEOMIND_DATA"] in next(rest for what, rest in steps if what == "VOLUME").split()
    probed = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", next(rest for what, rest in steps if what == "HEALTHCHECK"))
    assert probed is not None
    assert probed[2] in OPEN_PATHS
    assert probed[1] == environment(name)["VIDEOMIND_PORT"] == dict(steps)["EXPOSE"]


@pytest.mark.parametrize("name", DOCKERFILES)
def test_the_images_install_extras_that_exist(name: str) -> None:
    text = (ROOT / "pyproject.toml").read_text()
    extras = re.findall(r"'\.\[([\w,-]+)\]'", (ROOT / name).read_text())
    assert extras
    assert all(re.search(rf"^{extra} = \[", text, re.MULTILINE) for group in extras for extra in group.split(","))


def test_the_compose_file_sets_what_can_be_set() -> None:
    for services in (COMPOSE["services"], CUDA["services"]):
        assert settings_named(services["videomind"]["environment"]) <= set(Settings.model_fields)
    database = COMPOSE["services"]["database"]
    user, name = database["environment"]["POSTGRES_USER"], database["environment"]["POSTGRES_DB"]
    assert SERVER["environment"]["VIDEOMIND_DATABASE"].startswith(f"postgresql://{user}:")
    assert SERVER["environment"]["VIDEOMIND_DATABASE"].endswith(f"@database/{name}")
    assert SERVER["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert "healthcheck" in database
    assert (ROOT / CUDA["services"]["videomind"]["build"]["dockerfile"]).is_file()


def test_secrets_have_no_default_and_nothing_is_open_to_other_machines() -> None:
    for secret in (
        SERVER["environment"]["VIDEOMIND_API_KEY"],
        COMPOSE["services"]["database"]["environment"]["POSTGRES_PASSWORD"],
    ):
        assert re.fullmatch(r"\$\{\w+:\?.+\}", secret)
    assert all(port.startswith("127.0.0.1:") for port in SERVER["ports"])
    assert "ports" not in COMPOSE["services"]["database"]
    assert COMPOSE["networks"]["back"] == {"internal": True}


def test_all_volumes_that_are_used_are_declared() -> None:
    for compose in (COMPOSE, CUDA):
        mounts = [mount for service in compose["services"].values() for mount in service.get("volumes", [])]
        named = {mount.split(":")[0] for mount in mounts if not mount.startswith(("$", "/", "."))}
        assert named == set(compose.get("volumes", {}))
