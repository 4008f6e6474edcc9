"""Bad input is one clear line on stderr, exit code 2, and nothing on stdout."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Videomind, heed_interrupts

ROLE: dict[str, Any] = {
    "name": "answerer",
    "prompt": "",
    "view": {"fps": 1.0, "max_frames": 8, "min_pixels": 784, "max_pixels": 3136},
}


def assert_refused(outcome: tuple[int, str, str], problem: str) -> None:
    code, stdout, stderr = outcome
    assert problem in stderr
    assert stderr.startswith("error: ")
    assert stderr.count("\n") == 1
    assert (code, stdout) == (2, "")


def write_bundle(folder: Path, role: str) -> Path:
    """A model folder with one role, whose `role.json` has this text."""
    (folder / "base").mkdir(parents=True)
    (folder / "base" / "config.json").write_text("{}")
    manifest = {"format": 1, "name": "broken", "base": "base", "roles": ["answerer"]}
    (folder / "videomind.json").write_text(json.dumps(manifest))
    (folder / "answerer").mkdir()
    (folder / "answerer" / "role.json").write_text(role)
    return folder


def test_a_missing_video(videomind: Videomind) -> None:
    assert_refused(videomind("ask", "none.mp4", "What happens?"), "none.mp4: no such file")


@pytest.mark.parametrize("content", [b"", b"just some text\n" * 100])
def test_a_file_that_is_no_video(videomind: Videomind, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "text.mp4").write_bytes(content)
    assert_refused(videomind("ask", tmp_path / "text.mp4", "What happens?"), "text.mp4")


@pytest.mark.parametrize(
    ("question", "problem"),
    [("", "empty"), ("  ", "empty"), ("why " * 25_000, "99,999 characters: at most 10,000")],
)
@pytest.mark.parametrize("command", ["ask", "find"])
def test_a_question_that_cannot_be_asked(
    videomind: Videomind, grey_video: Path, command: str, question: str, problem: str
) -> None:
    assert_refused(videomind(command, grey_video, question), problem)


def test_options_that_are_no_choice(videomind: Videomind, grey_video: Path) -> None:
    assert_refused(videomind("ask", grey_video, "Which?", "--option", "red"), "a choice needs 2 to 26")
    same = ["--option", "red", "--option", "Red"]
    assert_refused(videomind("ask", grey_video, "Which?", *same), "options A and B are the same")


def test_an_unknown_role(videomind: Videomind, grey_video: Path) -> None:
    assert_refused(videomind("ask", grey_video, "What?", "--roles", "grounder,cook"), "'cook' is no role")


def test_a_missing_subtitle_file(videomind: Videomind, grey_video: Path) -> None:
    assert_refused(videomind("ask", grey_video, "What?", "--subtitles", "none.srt"), "none.srt")


@pytest.mark.parametrize("option", ["--trace", "--save-clip", "--plot"])
def test_an_output_that_cannot_be_written(videomind: Videomind, grey_video: Path, option: str) -> None:
    assert_refused(videomind("ask", grey_video, "What?", option, "moment.xyz"), "the name must end in")
    suffix = {"--trace": ".json", "--save-clip": ".mp4", "--plot": ".png"}[option]
    assert_refused(videomind("ask", grey_video, "What?", option, f"/none/x{suffix}"), "there is no folder /none")


def test_the_clip_must_not_replace_the_video(videomind: Videomind, grey_video: Path) -> None:
    before = grey_video.read_bytes()
    assert_refused(videomind("ask", grey_video, "What?", "--save-clip", grey_video), "would replace an input")
    assert grey_video.read_bytes() == before


@pytest.mark.parametrize("command", [["ask", "VIDEO", "What?"], ["find", "VIDEO", "a dog"], ["doctor"]])
def test_an_unknown_model_folder(videomind: Videomind, grey_video: Path, tmp_path: Path, command: list[str]) -> None:
    args = [str(grey_video) if arg == "VIDEO" else arg for arg in command]
    assert_refused(videomind(*args, "--model", tmp_path / "none"), "no model folder at")
    assert_refused(videomind(*args, "--model", tmp_path), "videomind.json is missing")


@pytest.mark.parametrize(
    ("role", "problem"),
    [
        ("{", "role.json"),
        ("[]", "role.json"),
        (json.dumps(ROLE | {"colour": "red"}), "role.json: colour: unknown key"),
        (
            json.dumps(ROLE | {"view": ROLE["view"] | {"fps": 0}}),
            "role.json: view.fps: must be greater than 0",
        ),
    ],
)
def test_a_malformed_role(videomind: Videomind, grey_video: Path, tmp_path: Path, role: str, problem: str) -> None:
    model = write_bundle(tmp_path / "model", role)
    assert_refused(videomind("ask", grey_video, "What?", "--model", model), problem)


def test_a_conversion_without_prompts_or_checkpoint(videomind: Videomind, tmp_path: Path) -> None:
    command = ["convert", tmp_path, tmp_path / "out", "--prompts"]
    assert_refused(videomind(*command, tmp_path / "none.py"), "cannot read the prompts")
    prompts = tmp_path / "prompts.json"
    prompts.write_text(json.dumps(dict.fromkeys(("PLANNER_PROMPT", "GROUNDER_PROMPT", "VERIFIER_PROMPT"), "{}")))
    assert_refused(videomind(*command, prompts), "config.json")


def test_a_wrong_use_of_the_command_is_exit_code_2_too(videomind: Videomind, grey_video: Path) -> None:
    for args in (
        ["ask"],
        ["nothing"],
        ["find", grey_video, "x", "--top-k", "0"],
        ["ask", grey_video, "x", "--odd"],
    ):
        code, stdout, stderr = videomind(*args)
        assert (code, stdout) == (2, "")
        assert stderr


def test_without_arguments_there_is_help(videomind: Videomind) -> None:
    _, stdout, stderr = videomind()
    assert "ask" in stdout + stderr
    assert "Exit codes: 0 answered, 1 nothing found, 2 bad input" in stdout + stderr


def test_a_real_process_ends_with_code_2_and_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "videomind.cli", "ask", str(tmp_path / "caf\udce9\n.mp4"), "What?"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert_refused((done.returncode, done.stdout, done.stderr), "no such file")


def test_an_interrupted_process_ends_with_code_130(tmp_path: Path) -> None:
    pipe = tmp_path / "prompts.json"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "videomind.cli", "convert", "official", "out", "--prompts", str(pipe)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts)
    with pipe.open("w"):  # opens as soon as the command reads its prompts, which then never come
        process.send_signal(signal.SIGINT)
        stderr = process.communicate(timeout=60)[1]
    assert (process.returncode, "Traceback" in stderr) == (130, False)
