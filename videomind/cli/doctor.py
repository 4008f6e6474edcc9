"""`videomind doctor`: what is installed, whether video files work, and what a model takes."""

from __future__ import annotations

import platform
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.status import Status
from rich.table import Table
from rich.text import Text

from videomind.cli.loading import load_model
from videomind.cli.options import AsJson, Device, Dtype, EngineConfig, EngineName, Model
from videomind.cli.outputs import json_text
from videomind.cli.terminal import printable, progress_console
from videomind.cli.vllm_report import describe_vllm, vllm_text
from videomind.model_choice import ModelChoice

PACKAGES = (
    "videomind-agent",
    "torch",
    "transformers",
    "peft",
    "decord",
    "av",
    "opencv-python-headless",
)
TEST_FRAMES = 10
PROBLEM = 1


def doctor(
    model: Model = None,
    engine: EngineName = "torch",
    engine_config: EngineConfig = None,
    as_json: AsJson = False,
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> None:
    """Check the installation and a model; show versions, device and memory.

    With --engine vllm the model is loaded by vLLM: a test of whether that starts.
    """
    with progress_console().status("examining") as status:
        report: dict[str, Any] = {
            "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
            "device": describe_device(device),
            "video": check_video(),
            "vllm": describe_vllm(),
            "model": examine_model(ModelChoice(model, engine, engine_config, device, dtype), status),
        }
    if as_json or not sys.stdout.isatty():
        print(json_text(report))
    else:
        Console(highlight=False).print(_table(report))
    if report["video"] != "works" or report["vllm"]["problems"]:
        raise typer.Exit(PROBLEM)


def describe_device(name: str) -> str:
    """The device that `--device name` means, e.g. "cuda (NVIDIA H200)".

    Raises:
        EngineError: it is not there.
    """
    import torch

    from videomind.engines.device import pick_device

    device = pick_device(name)
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"{device} ({torch.get_num_threads()} threads)" if device.type == "cpu" else str(device)


def check_video() -> str:
    """Writes and reads a video of ten frames: "works", or what went wrong."""
    try:
        import numpy as np

        from videomind.synth.video import write_video
        from videomind.vision.reader import open_video

        levels = np.linspace(0, 225, TEST_FRAMES)
        frames = [np.full((64, 64, 3), level, dtype=np.uint8) for level in levels]
        with tempfile.TemporaryDirectory() as folder:
            reader = open_video(write_video(frames, Path(folder) / "test.mp4", fps=10.0))
            decoded = reader.frames_at(range(reader.num_frames))
            reader.close()
        error = float(np.abs(decoded.mean(axis=(1, 2, 3)) - levels).max())
        return "works" if error < 8 else f"frames come back wrong (by {error:.0f} of 255 levels)"
    except Exception as error:  # the point of this check is to report whatever breaks
        return f"fails: {type(error).__name__}: {error}"


def examine_model(choice: ModelChoice, status: Status) -> dict[str, Any]:
    """Loads a model; its name, place, device and bytes of base and roles.

    Raises:
        BundleError: the folder is no usable model.
        EngineError: the device is not there, or the engine does not start.
    """
    with load_model(choice, status) as agent:
        memory = agent.memory()
        roles = {role: memory.roles.get(role, {}) for role in agent.roles}
        return {
            "name": agent.bundle.manifest.name,
            "folder": str(agent.bundle.folder),
            "base": str(agent.bundle.base),
            "engine": agent.engine.name,
            "bytes": {
                "base": memory.base,
                "roles": roles,
                "total": memory.base + sum(sum(parts.values()) for parts in roles.values()),
            },
        }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _table(report: dict[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="cyan")
    table.add_column()
    for name, found in report["versions"].items():
        table.add_row(name, found or "not installed")
    table.add_row("device", report["device"])
    table.add_row("video files", Text(printable(report["video"])))
    table.add_row("vLLM", Text(vllm_text(report["vllm"])))
    for problem in report["vllm"]["problems"]:
        table.add_row("", Text(printable(problem), style="yellow"))
    model, size = report["model"], report["model"]["bytes"]
    table.add_row("model", Text(printable(f"{model['name']} in {model['folder']}")))
    table.add_row("  base", decimal(size["base"]))
    for role, parts in size["roles"].items():
        detail = ", ".join(f"{part} {decimal(count)}" for part, count in parts.items() if count)
        table.add_row(f"  {role}", f"+ {detail}" if detail else "the base itself")
    table.add_row("  all", decimal(size["total"]))
    return table
