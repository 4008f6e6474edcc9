"""`videomind eval run`: what is refused before any work, what comes out, and what is left when it is stopped."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import psutil
import pytest

from tests.cli.conftest import Videomind, heed_interrupts
from tests.cli.test_errors import assert_refused
from tests.evaluation.run.processes import forked
from tests.waiting import wait_for
from videomind.cli import eval_run
from videomind.evaluation.run import workers
from videomind.evaluation.run.line import Manner
from videomind.evaluation.run.workers import LocalWorkers
from videomind.model_choice import ModelChoice


@pytest.fixture(autouse=True)
def fast_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "get_context", lambda kind: forked())


@pytest.fixture
def nobody_hired(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model is loaded."""

    def hire(self: LocalWorkers, number: int) -> NoReturn:
        raise AssertionError("nobody is to be hired")

    monkeypatch.setattr(LocalWorkers, "_hire", hire)


@pytest.fixture
def synth_run(videomind: Videomind, synth_data: Path, tiny_bundle: Path, tmp_path: Path) -> Callable[..., Any]:
    """Runs the synthetic benchmark with the tiny model; gives exit code, stdout and stderr."""

    def run(*more: str | Path) -> tuple[int, str, str]:
        given = ("--data", synth_data, "--output", tmp_path / "out", "--model", tiny_bundle, "--device", "cpu")
        return videomind("eval", "run", "--tasks", "synth", "--workers", "1", *given, *more)

    return run


@pytest.mark.parametrize(
    ("visible", "device", "gpus"),
    [(None, "auto", ("0", "1")), ("5,GPU-7f", "cuda", ("5", "GPU-7f")), ("5,7", "cpu", ())],
)
def test_workers_share_the_gpus_that_may_be_used(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, device: str, gpus: tuple[str, ...]
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    team = eval_run._local(ModelChoice(device=device), Manner({}), None, None)
    assert isinstance(team, LocalWorkers)
    assert team.gpus == gpus
    assert team.count == (len(gpus) or len(os.sched_getaffinity(0)))


def strict_json(text: str) -> Any:
    def refuse(name: str) -> NoReturn:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize(
    ("tasks", "more", "problem"),
    [
        ("charades", (), "no task is called 'charades': choose from charades_sta, "),
        ("synth,", (), "no task is called ''"),
        ("synth,jsonl", ("--videos", "v"), "--videos is for a run of one task; for several use --data"),
        ("synth,jsonl", ("--annotations", "a"), "--annotations is for a run of one task"),
        ("synth,jsonl", ("--split", "test"), "--split is for a run of one task"),
        ("charades_sta", ("--split", "val"), "has no split 'val': choose from"),
        ("synth", ("--roles", "critic"), "'critic' is no role"),
        ("charades_sta", (), "Charades-STA, split test: .*The annotations are expected at .*Get them: .*--annotations"),
    ],
)
@pytest.mark.usefixtures("nobody_hired")
def test_what_cannot_be_run_is_said_at_once(
    videomind: Videomind, tmp_path: Path, tasks: str, more: tuple[str, ...], problem: str
) -> None:
    done = videomind("eval", "run", "--tasks", tasks, "--output", tmp_path / "out", "--data", tmp_path / "data", *more)
    assert done[0] == 2
    assert done[1] == ""
    assert re.search(problem, " ".join(done[2].split()))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("more", [("--workers", "0"), ("--limit", "0"), ("--decoders", "-1"), ("--engine", "jax")])
def test_numbers_that_make_no_sense_are_refused(videomind: Videomind, tmp_path: Path, more: tuple[str, str]) -> None:
    code, stdout, stderr = videomind("eval", "run", "--tasks", "synth", "--output", tmp_path, *more)
    assert (code, stdout) == (2, "")
    assert more[0] in stderr


@pytest.mark.usefixtures("nobody_hired")
def test_missing_videos_are_named_before_the_model_is_loaded(videomind: Videomind, tmp_path: Path) -> None:
    (tmp_path / "questions.jsonl").write_text('{"video": "lost.mp4", "question": "What?"}\n')
    done = videomind("eval", "run", "--tasks", "jsonl", "--output", tmp_path / "out", "--data", tmp_path)
    assert_refused(done, "missing videos: 1")
    assert "lost.mp4" in done[2]
    assert str(tmp_path) in done[2]


@pytest.mark.usefixtures("nobody_hired")
def test_a_folder_of_something_else_is_refused(synth_run: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "holiday.txt").touch()
    assert_refused(synth_run("--limit", "8"), "holds something that is no run: give a new --output")


def test_scores_are_json_where_stdout_is_no_terminal(synth_run: Callable[..., Any], tmp_path: Path) -> None:
    code, stdout, stderr = synth_run("--limit", "3", "--roles", "answerer")  # nothing is grounded
    assert code == 0
    scores = strict_json(stdout)
    assert list(scores) == ["synth"]
    assert {"videomind", "fixed", "n", "missing", "failed", "unparsed"} <= scores["synth"].keys()
    assert (scores["synth"]["n"], scores["synth"]["failed"]) == (3, 0)
    assert "\x1b" not in stderr
    assert "Traceback" not in stderr
    written = strict_json((tmp_path / "out" / "synth" / "results.json").read_text())
    assert written["n"] == 3
    record = strict_json((tmp_path / "out" / "run.json").read_text())
    assert record["roles"] == ["answerer"]

    again = synth_run("--limit", "3", "--roles", "answerer")
    assert (again[0], again[1]) == (0, stdout)
    assert "3 of 3 samples are finished already; going on" in again[2]

    assert_refused(synth_run("--limit", "4", "--roles", "answerer"), "holds a run with another limit (3, now 4)")
    assert_refused(synth_run("--limit", "3"), "holds a run with another roles")


def test_a_failed_sample_is_said_and_counted(
    videomind: Videomind, tmp_path: Path, tiny_bundle: Path, grey_video: Path
) -> None:
    (tmp_path / "torn.mp4").write_bytes(grey_video.read_bytes()[:200])
    lines = [
        {"video": name, "question": "it brightens", "spans": [[0, 1]]} for name in ("torn.mp4", str(grey_video.name))
    ]
    (tmp_path / grey_video.name).write_bytes(grey_video.read_bytes())
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, stdout, stderr = videomind(
        "eval", "run", "--tasks", "jsonl, jsonl", "--data", tmp_path, "--output", tmp_path / "out",
        "--model", tiny_bundle, "--device", "cpu", "--workers", "1",
    )  # fmt: skip
    assert code == 0
    scores = strict_json(stdout)["jsonl"]
    assert (scores["n"], scores["failed"]) == (2, 1)
    said = " ".join(stderr.split())
    assert said.count("jsonl line-1 failed: VideoError: ") == 2
    assert said.count("it is asked once more at the end") == 1


def test_a_model_that_does_not_load_is_said_once(synth_run: Callable[..., Any], tmp_path: Path) -> None:
    done = synth_run("--limit", "8", "--engine-config", tmp_path / "vllm.toml", "--workers", "2")
    assert_refused(done, "cannot read")
    assert not (tmp_path / "out" / "synth" / "results.json").exists()


def test_a_model_that_is_not_there_is_refused_at_once(synth_run: Callable[..., Any], tmp_path: Path) -> None:
    assert_refused(synth_run("--limit", "8", "--model", tmp_path / "nowhere"), "nowhere")


def command(data: Path, output: Path, *more: str) -> list[str]:
    given = ("--tasks", "synth", "--limit", "12", "--data", str(data), "--output", str(output), "--device", "cpu")
    return [sys.executable, "-m", "videomind.cli", "eval", "run", *given, *more]


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def start(command: list[str]) -> "subprocess.Popen[str]":
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, preexec_fn=heed_interrupts, start_new_session=True
    )


def processes_of(process: "subprocess.Popen[str]", count: int) -> list[psutil.Process]:
    """All processes that it has started, as soon as there are so many."""
    parent = psutil.Process(process.pid)
    wait_for(lambda: len(parent.children(recursive=True)) >= count or process.poll() is not None)
    time.sleep(0.5)
    return parent.children(recursive=True)


@pytest.mark.slow
def test_a_stopped_run_leaves_nothing_behind_and_goes_on(synth_data: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    started = command(synth_data, output, "--workers", "2", "--decoders", "1")
    with start(started) as run:
        children = processes_of(run, 3)  # the worker is there, and decodes ahead
        os.killpg(run.pid, signal.SIGINT)  # Ctrl-C reaches all processes of a terminal
        stdout, stderr = run.communicate(timeout=60)
    assert (run.returncode, stdout) == (130, "")
    assert stderr.splitlines()[-1] == "stopped: the same command goes on from here"
    assert "Traceback" not in stderr
    wait_for(lambda: not any(map(is_alive, children)))

    with start(started) as run:
        children = processes_of(run, 2)
        run.kill()
        wait_for(lambda: not any(map(is_alive, children)))
        assert "Traceback" not in run.communicate()[1]

    screen, terminal = pty.openpty()
    done = subprocess.run(
        command(synth_data, output, "--workers", "1"), stdout=terminal, stderr=subprocess.PIPE, text=True, timeout=120
    )
    os.close(terminal)
    shown = b""
    while chunk := _read(screen):
        shown += chunk
    os.close(screen)
    assert done.returncode == 0, done.stderr
    assert "next: videomind eval report" in shown.decode()
    assert "Synthetic videos" in shown.decode()
    lines = (output / "synth" / "predictions.jsonl").read_text().splitlines()
    assert [json.loads(line)["error"] for line in lines] == [None] * 12


def _read(screen: int) -> bytes:
    try:
        return os.read(screen, 65536)
    except OSError:  # nobody writes there any more
        return b""
