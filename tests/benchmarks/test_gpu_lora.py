"""The kernel benchmark for a GPU, at tiny size on a CPU: what it compares, what it counts, what it writes."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import gpu_lora
from benchmarks.gpu import lines
from benchmarks.gpu.lora_layer import SHAPES, Layer, Load, Shape, exact, flop, loads, make_layer, moved_bytes, routing
from benchmarks.gpu.lora_report import report
from benchmarks.gpu.lora_rivals import rivals
from videomind.kernels.lora import Factors, LoraStack, add_lora
from videomind.kernels.lora_reference import add_lora_reference

ROOT = Path(__file__).parents[2]
DRY_RUN = ROOT / "benchmarks" / "results" / "gpu_lora_cpu_dry_run.jsonl"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def layer() -> Layer:
    (shape,) = SHAPES["tiny"]
    return make_layer(shape, CPU, torch.float32)


@pytest.mark.parametrize("load", list(loads("tiny")), ids=str)
def test_every_way_adds_what_float64_says(layer: Layer, load: Load) -> None:
    x, y = torch.randn(load.tokens, layer.shape.hidden), torch.randn(load.tokens, sum(layer.shape.outs))
    wanted = routing(load, CPU)
    expected = exact(y, x, layer, wanted.index)
    torch.testing.assert_close(add_lora_reference(y.double(), x.double(), _doubled(layer), wanted), expected)
    ways = dict(rivals(layer, interpreted=False))
    assert list(ways) == ["ours", "torch", "peft"]
    for way in ways.values():
        torch.testing.assert_close(way(y.clone(), x, wanted)().double(), expected, atol=1e-4, rtol=1e-4)


def test_batches_ask_for_as_many_adapters_as_they_say() -> None:
    asked = list(loads("2b"))
    assert {load.tokens for load in asked} == {1, 4, 16, 64, 256, 1024, 4096, 8192}
    assert {load.adapters for load in asked} == {1, 4, 16, 64}
    for load in asked:
        wanted = routing(load, CPU)
        assert sorted(set(wanted.index.tolist())) == list(range(load.adapters))
        runs = int((wanted.index.diff() != 0).sum()) + 1
        assert runs == (load.adapters if load.order == "requests" else load.tokens)


def test_the_floor_of_a_published_shape() -> None:
    """One token, one adapter, bfloat16: its factors are nearly all that is moved."""
    layer = make_layer(Shape(1536, 256, 64, 1), CPU, torch.bfloat16)
    load = Load(1, 1, "requests")
    factors = 2 * 64 * (3 * 1536 + 2048)
    assert moved_bytes(layer, load) == factors + 2 * (1536 + 2 * 2048)
    assert flop(layer, load) == factors
    assert moved_bytes(layer, load._replace(tokens=8192)) == factors + 2 * 8192 * (1536 + 2 * 2048)


def test_a_kernel_that_is_wrong_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_lora, "loads", lambda size: [Load(4, 1, "requests")])
    args = argparse.Namespace(size="tiny", repeat=1, out=tmp_path)
    gpu_lora.compare(args)
    monkeypatch.setattr(gpu_lora, "rivals", lambda layer, interpreted: [("ours", lambda y, x, routing: lambda: y)])
    with pytest.raises(SystemExit, match="beyond the tolerance"):
        gpu_lora.compare(args)
    good, bad = lines.read([tmp_path / "gpu_lora.jsonl"])
    assert (good["passed"], bad["passed"]) == (True, False)
    assert "**no**" in report([bad])
    assert "**no**" not in report([good])


def test_a_rival_that_cannot_take_a_batch_does_not_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise RuntimeError("not this one")

    def ways(layer: Layer, interpreted: bool) -> list[tuple[str, object]]:
        return [("ours", lambda y, x, routing: lambda: add_lora(y, x, layer.stack, routing)), ("vllm", refuse)]

    monkeypatch.setattr(gpu_lora, "loads", lambda size: [Load(4, 1, "requests")])
    monkeypatch.setattr(gpu_lora, "rivals", ways)
    gpu_lora.compare(argparse.Namespace(size="tiny", repeat=1, out=tmp_path))
    (line,) = lines.read([tmp_path / "gpu_lora.jsonl"])
    assert line["ways"]["vllm"] == {"error": "RuntimeError: not this one"}
    assert line["passed"]
    assert "–" in report([line])


def test_the_table_of_the_dry_run() -> None:
    found = lines.read([DRY_RUN])
    assert {line["stage"] for line in found} == {"kernels", "chain"}
    assert {line["device"] for line in found} == {"CPU"}
    kernels = [line for line in found if line["stage"] == "kernels"]
    assert all(line["passed"] for line in kernels)
    assert {line["interpreted"] for line in kernels} == {False, True}
    table = report(found)
    rows = [row for row in table.splitlines() if row.startswith("| ")]
    assert len(rows) == len(found) + 2  # and a head each
    assert len({row.count("|") for row in rows if row.startswith(("| float32", "| type"))}) == 1
    assert "first question" in table


@pytest.mark.slow
def test_the_script_runs_at_tiny_size(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHON": sys.executable, "WORK": str(tmp_path), "OMP_NUM_THREADS": "1"}
    for stage in ("kernels", "chain", "report"):
        given = [] if stage == "report" else ["--size", "tiny", "--repeat", "1"]
        script = ["bash", str(ROOT / "scripts" / "gpu_lora.sh"), stage, *given]
        ran = subprocess.run(script, env=env, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
    assert "### Chains on the torch engine" in (tmp_path / "results" / "gpu_lora.md").read_text()


def test_the_script_says_how_it_is_used() -> None:
    script = str(ROOT / "scripts" / "gpu_lora.sh")
    told = subprocess.run(["bash", script], capture_output=True, text=True, check=True).stdout
    for stage in ("install", "test", "kernels", "chain", "report", "all"):
        assert f"scripts/gpu_lora.sh {stage}" in told
    assert "set -euo" not in told
    for wrong in (["nosuch"], ["install"]):
        refused = subprocess.run(["bash", script, *wrong], capture_output=True, text=True)
        assert (refused.returncode, refused.stderr.startswith("error: ")) == (2, True)


def _doubled(layer: Layer) -> LoraStack:
    pairs = ((a.double(), b.double()) for a, b in zip(layer.a, layer.b, strict=True))
    return LoraStack.of([[Factors(*one) for one in zip(a, b, strict=True)] for a, b in pairs], layer.shape.outs)
