"""Processes that are killed: a clear error at once, nothing left behind, and the next start is clean."""

import os
import signal
import subprocess
import sys
import time
from multiprocessing import resource_tracker
from pathlib import Path

import psutil
import pytest

from tests.engines.vllm.ask import clip, request
from tests.engines.vllm.conftest import SMALL, vllm_engine
from videomind.errors import EngineDead

pytestmark = pytest.mark.vllm
ASLEEP = """
import sys, time
from videomind.engines.vllm_engine import VLLMEngine
from videomind.engines.vllm_options import VLLMOptions
from videomind.lora_switch.bundle import load_bundle

if __name__ == "__main__":
    engine = VLLMEngine(load_bundle(), VLLMOptions(kv_cache_memory="64MiB"))
    print("ready", flush=True)
    time.sleep(600)
"""


def family(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def all_gone(processes: list[psutil.Process], within: float = 15) -> bool:
    return not psutil.wait_procs(processes, timeout=within)[1]


def test_a_killed_worker_is_an_error_and_the_next_start_is_clean() -> None:
    resource_tracker.ensure_running()  # of this process, and stays
    before = set(family(os.getpid()))
    with vllm_engine(options=SMALL) as engine:
        ours = [process for process in family(os.getpid()) if process not in before]
        pieces = engine.stream(request("planner", clip(51)))
        next(pieces)
        worker = max(ours, key=lambda process: process.memory_info().rss)
        worker.send_signal(signal.SIGKILL)
        began = time.monotonic()
        with pytest.raises(EngineDead, match="ended"):
            list(pieces)
        for call in (
            lambda: engine.generate([request("planner", clip(51))]),
            lambda: engine.choose([request("verifier", clip(51))], ["Yes"]),
            engine.check_health,
        ):
            with pytest.raises(EngineDead):
                call()
        assert time.monotonic() - began < 20
    assert all_gone(ours)
    with vllm_engine(options=SMALL) as engine:
        assert engine.generate([request("planner", clip(51))])[0].text
        ours = [process for process in family(os.getpid()) if process not in before]
    assert all_gone(ours)
    with pytest.raises(EngineDead, match="closed"):
        engine.generate([request("planner", clip(51))])


def test_nothing_outlives_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "asleep.py"
    script.write_text(ASLEEP)
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    children = family(parent.pid)
    assert len(children) >= 2
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert all_gone(children)
