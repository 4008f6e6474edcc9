"""What `import videomind` offers, and that it costs next to nothing."""

import subprocess
import sys

import pytest

import videomind

HEAVY = (
    "torch",
    "numpy",
    "transformers",
    "peft",
    "vllm",
    "decord",
    "cv2",
    "av",
    "gradio",
    "pydantic",
    "fastapi",
    "uvicorn",
    "httpx2",
    "prometheus_client",
    "matplotlib",
)


def fresh(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_public_names_are_these() -> None:
    assert videomind.__all__ == [
        "Agent",
        "Answer",
        "AnswerToken",
        "BundleError",
        "Cancelled",
        "Candidate",
        "Client",
        "Done",
        "EngineError",
        "Grounded",
        "InputError",
        "Judged",
        "Plan",
        "PlanReady",
        "Protocol",
        "Question",
        "Result",
        "SubtitleError",
        "Trace",
        "Verified",
        "VideoError",
        "VideoInfo",
        "VideoMindError",
    ]


@pytest.mark.parametrize("name", videomind.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(videomind, name).__name__ == name
    assert name in dir(videomind)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Agnet'"):
        videomind.Agnet  # noqa: B018


def test_importing_loads_no_heavy_library() -> None:
    loaded = fresh(f"import sys, videomind; print([name for name in {HEAVY} if name in sys.modules])")
    assert loaded == "[]"


def test_importing_takes_under_100_ms() -> None:
    code = "import time; t = time.perf_counter(); import videomind; print(time.perf_counter() - t)"
    assert min(float(fresh(code)) for _ in range(5)) < 0.1
