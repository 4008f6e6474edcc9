"""A process that has given up what it does not need; each case runs in one of its own."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

BEGIN = """
import ctypes, os, signal, socket, sys
from pathlib import Path
from videomind.serve.sandbox.landlock import restrict
tmp = Path(sys.argv[1])
ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)
restrict([str(tmp / "film.mp4"), str(tmp / "missing.mp4")], [str(tmp / "mine")])
"""


def version() -> int:
    call = ctypes.CDLL(None).syscall
    found: int = call(444, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    return found


def ends_with(line: str, tmp_path: Path) -> str:
    """The last line of what Python says when a restricted process does this."""
    for folder in ("mine", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file").write_text(folder)
    (tmp_path / "film.mp4").write_text("film")
    done = subprocess.run([sys.executable, "-c", BEGIN + line, str(tmp_path)], capture_output=True, text=True)
    return (done.stderr or done.stdout).strip().splitlines()[-1]


@pytest.mark.skipif(version() < 1, reason="this kernel has no Landlock")
@pytest.mark.parametrize(
    "line",
    [
        'print((tmp / "film.mp4").read_text(), "fine")',
        'print((tmp / "mine" / "file").read_text(), "fine")',
        'print((tmp / "mine" / "new").write_text("x"), "fine")',
        '(tmp / "mine" / "a").mkdir(); (tmp / "mine" / "a" / "b").touch(); print("fine")',
        'os.replace(tmp / "mine" / "file", tmp / "mine" / "moved"); print("fine")',
    ],
)
def test_allowed(line: str, tmp_path: Path) -> None:
    assert ends_with(line, tmp_path).endswith("fine")


@pytest.mark.skipif(version() < 6, reason="this kernel's Landlock is older")
@pytest.mark.parametrize(
    "line",
    [
        '(tmp / "film.mp4").write_text("x")',
        '(tmp / "film.mp4").unlink()',
        '(tmp / "other" / "file").read_text()',
        '(tmp / "other" / "new").touch()',
        'list((tmp / "other").iterdir())',
        'Path("/etc/passwd").read_text()',
        'Path("/proc/self/environ").read_text()',
        'os.execv("/bin/true", ["true"])',
        'os.replace(tmp / "mine" / "file", tmp / "other" / "file")',
        'socket.create_connection(("127.0.0.1", 9))',
        'socket.create_server(("127.0.0.1", 0))',
        "os.kill(os.getppid(), 0)",
    ],
)
def test_refused(line: str, tmp_path: Path) -> None:
    assert ends_with(line, tmp_path).startswith(("PermissionError", "OSError: [Errno 18]"))
