"""A small real video and a way to run the command in this process."""

import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from videomind.cli.main import app
from videomind.synth.video import write_video

Videomind = Callable[..., tuple[int, str, str]]


def heed_interrupts() -> None:
    """In a child before it starts: shells let what runs in the background ignore SIGINT, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def videomind() -> Videomind:
    """Runs `videomind ARGS…`; gives exit code, stdout and stderr."""

    def run(*args: str | Path) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, [str(arg) for arg in args])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.stdout, done.stderr

    return run


@pytest.fixture(scope="session")
def grey_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds that grow lighter."""
    frames = [np.full((64, 64, 3), 10 * i, dtype=np.uint8) for i in range(20)]
    return write_video(frames, tmp_path_factory.mktemp("videos") / "grey.mp4", fps=10.0)
