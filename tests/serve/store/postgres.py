"""A PostgreSQL server of our own, in a temporary folder, on a Unix socket."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psycopg

DEBIAN = Path("/usr/lib/postgresql")
PATIENCE = 30


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`, the newest version; None where they are not installed."""
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = versions[-1] if versions else shutil.which("initdb")
    return Path(found).parent if found else None


@contextmanager
def running(bin_folder: Path) -> Iterator[Callable[[], str]]:
    """Runs until the block ends; gives a function that makes an empty database and returns its URL."""
    folder = Path(tempfile.mkdtemp(prefix="videomind-pg-"))
    user: dict[str, Any] = {}
    if os.geteuid() == 0:  # which it refuses to run as
        user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(folder, "postgres", "postgres")
    try:
        subprocess.run(
            [bin_folder / "initdb", "-D", folder / "data", "-U", "videomind", "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True,
            capture_output=True,
            cwd=folder,
            **user,
        )
        with (folder / "log").open("wb") as log:
            settings = [f"unix_socket_directories={folder}", "listen_addresses=", "fsync=off", "shared_buffers=16MB"]
            server = subprocess.Popen(
                [bin_folder / "postgres", "-D", folder / "data", *(part for s in settings for part in ("-c", s))],
                stdout=log,
                stderr=log,
                cwd=folder,
                **user,
            )
        try:
            yield _schemas(folder, server)
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait(PATIENCE)
    finally:
        shutil.rmtree(folder)


def _schemas(folder: Path, server: subprocess.Popen[bytes]) -> Callable[[], str]:
    """A schema does for a database: it is made at once and takes no room."""
    names = (f"test{number}" for number in itertools.count())
    until = monotonic() + PATIENCE

    def make() -> str:
        name = next(names)
        with psycopg.connect(f"host={folder} user=videomind dbname=postgres", autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return f"postgresql://videomind@/postgres?host={folder}&options=-csearch_path%3D{name}"

    while True:
        try:
            make()
            return make
        except psycopg.OperationalError:
            if server.poll() is not None or monotonic() > until:
                raise RuntimeError(f"postgres does not start: {(folder / 'log').read_text()}") from None
            sleep(0.05)
