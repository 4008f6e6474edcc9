"""The Triton kernels without a GPU: their tests under Triton's interpreter, in a process of their own."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernels.interpreter import INTERPRETED

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(INTERPRETED, reason="is interpreted already")
@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="needs Triton")
def test_the_kernels_are_right_under_the_interpreter() -> None:
    kernels = ["tests/kernels/test_lora_triton.py", "tests/kernels/test_patchify.py"]
    tests = [*kernels, "-q", "--noconftest", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *tests],
        cwd=ROOT,
        env={**os.environ, "TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": "", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout[-5000:] + ran.stderr[-2000:]
    assert " passed" in ran.stdout
