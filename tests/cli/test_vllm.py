"""`--engine vllm` and `videomind serve` as a user runs them, on the embedded model."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import torch

from tests.cli.conftest import Videomind, heed_interrupts
from tests.near import near
from videomind import Client
from videomind.client.server import Server
from videomind.errors import InputError
from videomind.lora_switch.adapter import Adapter, LoRAPair, write_adapter
from videomind.lora_switch.bundle import load_bundle
from videomind.lora_switch.fit import text_shape
from videomind.synth.demo import DEMO_QUESTIONS, write_demo

pytestmark = [pytest.mark.vllm, pytest.mark.slow]
CONFIG = 'kv_cache_memory = "128MiB"\nmax_num_seqs = 16\n'
START_S, END_S = 300, 60


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "engine.toml"
    path.write_text(CONFIG)
    return path


@contextmanager
def running(*args: str | Path) -> Iterator[subprocess.Popen[str]]:
    """`videomind ARGS…` as a process of its own, with pipes; nothing of it is left afterwards."""
    command = [sys.executable, "-m", "videomind.cli", *map(str, args)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def family(process: subprocess.Popen[str]) -> list[Any]:
    """All processes that came from one."""
    import psutil

    return list(psutil.Process(process.pid).children(recursive=True))


def assert_all_gone(processes: list[Any]) -> None:
    import psutil

    alive = psutil.wait_procs(processes, timeout=END_S)[1]
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


def wait_for(happens: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + START_S
    while not happens():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_vllm_answers_as_torch_does_and_leaves_nothing_behind(
    videomind: Videomind, tmp_path: Path, config: Path
) -> None:
    asked = ["ask", write_demo(tmp_path / "demo.mp4"), DEMO_QUESTIONS[0].text, "--json"]
    expected = json.loads(videomind(*asked)[1])
    with running(*asked, "--engine", "vllm", "--engine-config", config) as process:
        wait_for(lambda: len(family(process)) > 1, process)
        children = family(process)
        stdout, stderr = process.communicate(timeout=START_S)
    result = json.loads(stdout)
    assert (expected.pop("engine"), result.pop("engine")) == ("torch", "vllm")
    for data in (expected, result):
        assert data.pop("reuse")["cached_tokens"] > 0
        del data["timings"]
    assert result == near(expected)
    assert stderr.startswith("starting vLLM")
    told = [line.split()[0] for line in stderr.splitlines() if re.match("[a-zA-Z]", line)]
    assert set(told) <= {"starting", "note:", "videos", "planner", "grounder", "verifier", "verdict", "answerer"}
    assert_all_gone(children)


def test_ctrl_c_while_it_starts_ends_everything(tmp_path: Path, config: Path) -> None:
    video = write_demo(tmp_path / "demo.mp4")
    with running("find", video, "a circle", "--engine", "vllm", "--engine-config", config) as process:
        wait_for(lambda: len(family(process)) > 1, process)
        children = family(process)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=END_S)
    assert (process.returncode, stdout) == (130, "")
    assert "Traceback" not in stderr
    assert_all_gone(children)


def test_a_start_that_fails_is_one_line_with_the_cause(tmp_path: Path, config: Path) -> None:
    config.write_text('kv_cache_memory = "100KiB"\n')
    with running("find", write_demo(tmp_path / "demo.mp4"), "x", "--engine", "vllm", "--engine-config", config) as one:
        stdout, stderr = one.communicate(timeout=START_S)
    lines = stderr.splitlines()
    assert (one.returncode, stdout, lines[0].startswith("starting vLLM"), len(lines)) == (2, "", True, 2)
    assert lines[1].startswith("error: vLLM did not start: To serve at least one request")
    assert "--engine-config" in lines[1]


def random_answerer(folder: Path) -> Path:
    """A random adapter for the embedded base."""
    shape, generator = text_shape(load_bundle().base), torch.Generator().manual_seed(0)
    pairs = {}
    for name in ("q_proj", "v_proj"):
        module = f"layers.0.self_attn.{name}"
        size = shape.of(module)
        assert size is not None
        a, b = torch.randn(4, size[0], generator=generator), torch.randn(size[1], 4, generator=generator)
        pairs[module] = LoRAPair(a, b, 0.1)
    write_adapter(folder, Adapter(pairs, {}))
    return folder


def answers_over_http(url: str, video: Path) -> list[bool]:
    """Whether two questions of the demo, one about what is not there, are answered rightly at the same time."""
    asked = DEMO_QUESTIONS[0], DEMO_QUESTIONS[3]
    with Client(url, "secret") as remote, ThreadPoolExecutor() as pool:
        results = pool.map(lambda one: remote.ask(video, one.text), asked)
        return [one.answer in result.answer.text.lower() for one, result in zip(asked, results, strict=True)]


def test_a_server_answers_takes_adapters_counts_and_ends_without_orphans(
    videomind: Videomind, tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEOMIND_API_KEY", "secret")
    store = tmp_path / "store"
    engine = ["--engine", "vllm", "--engine-config", config]
    with running("serve", "--port", 0, *engine, "--data", tmp_path / "data", "--adapters", store) as server:
        assert server.stderr is not None
        assert server.stderr.readline().startswith("starting vLLM")
        ready = server.stderr.readline()
        found = re.fullmatch(r"nano on (http://127\.0\.0\.1:\d+) \(vllm\)\n", ready)
        assert found, ready + server.stderr.read()
        monkeypatch.setenv("VIDEOMIND_URL", found[1])
        client = Server(found[1], "secret")
        assert client.call("GET", "/ready")["status"] == "ready"

        metrics = httpx2.get(f"{found[1]}/metrics", headers={"Authorization": "Bearer secret"}).text.splitlines()
        assert {"videomind_engine_calls 0.0", "videomind_engine_waiting 0.0"} <= set(metrics)

        assert videomind("adapters", "add", random_answerer(tmp_path / "sports"))[0] == 0
        listed = json.loads(videomind("adapters", "list")[1])["adapters"]
        assert [(one["name"], one["rank"], one["problem"]) for one in listed] == [("sports", 4, None)]
        assert (store / "sports" / "adapter_model.safetensors").is_file()
        assert videomind("adapters", "remove", "sports")[0] == 0
        with pytest.raises(InputError, match="there is: none"):
            client.call("DELETE", "/v1/adapters/sports")
        client.close()
        assert answers_over_http(found[1], write_demo(tmp_path / "demo.mp4")) == [True, True]

        children = family(server)
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=END_S) == 0
        stdout, log = server.communicate()
        assert stdout == ""
        assert all("[info" in line for line in log.splitlines()), log
    assert_all_gone(children)
