"""Answerer adapters of a running engine, kept in a folder so that they are there again after a restart."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pydantic import BaseModel

from videomind.engines.base import Engine
from videomind.errors import InputError, VideoMindError
from videomind.lora_switch.adapter import CONFIG_FILE
from videomind.lora_switch.adapter_name import check_adapter_name
from videomind.lora_switch.files import read_json
from videomind.serve.errors import Refused

log = logging.getLogger("videomind.serve")
_INCOMING, _LOCK = ".incoming", ".lock"


class StoredAdapter(BaseModel):
    """Attributes:
    name: what requests call it by.
    object: always "adapter".
    created: when it was added, in seconds since 1970.
    rank: the rank its configuration names.
    bytes: size of its files.
    problem: why it cannot be used with this model; None of one that can.
    """

    name: str
    object: str = "adapter"
    created: int
    rank: int | None
    bytes: int
    problem: str | None = None


class AdapterStore:
    """Adds to folder and engine together, and removes from both. After `restore`, any thread may call.

    Args:
        folder: one folder per adapter, in PEFT's format; what is not whole yet is in a hidden one.

    Raises:
        InputError: the folder cannot be used, or another server uses it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / _INCOMING
        self._lock = threading.Lock()
        self._problems: dict[str, str] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._held = _hold(folder)
            shutil.rmtree(self._incoming, ignore_errors=True)
            self._incoming.mkdir()
        except BlockingIOError as error:
            raise InputError(f"another server keeps its adapters in {folder}: give another --adapters") from error
        except OSError as error:
            raise InputError(f"cannot keep adapters in {folder}: {error.strerror}; give another --adapters") from error

    def close(self) -> None:
        """Leave the folder to others."""
        self._held.close()

    def restore(self, engine: Engine) -> None:
        """Give the engine what is stored, and from now on what is added.

        What it cannot use is reported, and stays where it is.
        """
        self._engine = engine
        for name in self._stored():
            try:
                self._engine.add_adapter(name, self._folder / name)
            except VideoMindError as error:
                self._problems[name] = _without(self._folder / name, name, error)
                log.warning("the stored adapter %s cannot be used: %s", name, self._problems[name])

    def entries(self) -> list[StoredAdapter]:
        """All that are stored, by name."""
        return [self._describe(name) for name in self._stored()]

    @contextmanager
    def incoming(self) -> Iterator[Path]:
        """A folder for what is being received; gone afterwards, unless `add` took it."""
        folder = Path(tempfile.mkdtemp(dir=self._incoming))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def add(self, name: str, received: Path) -> StoredAdapter:
        """Check what was received, load it, and keep it.

        Raises:
            Refused: (409) there is one of this name.
            BundleError, InputError: it cannot be served with this model, or under this name.
        """
        home = self._folder / check_adapter_name(name)
        with self._lock:
            if home.exists() or name in self._engine.adapters():
                raise Refused(409, f"there is an adapter {name!r} already: remove it first, or take another name")
            try:
                self._engine.add_adapter(name, received)
            except VideoMindError as error:
                raise type(error)(_without(received, name, error)) from error
            os.replace(received, home)
            return self._describe(name)

    def remove(self, name: str) -> None:
        """Drop an adapter once no request uses it any more.

        Raises:
            Refused: (404) there is none of this name.
        """
        home = self._folder / check_adapter_name(name)
        with self._lock:
            if not home.is_dir():
                known = ", ".join(self._stored()) or "none"
                raise Refused(404, f"there is no adapter {name!r}; there is: {known}")
            if name in self._engine.adapters():
                self._engine.remove_adapter(name)
            self._problems.pop(name, None)
            with self.incoming() as trash:
                os.replace(home, trash / name)

    def _stored(self) -> list[str]:
        return sorted(path.name for path in self._folder.iterdir() if path.is_dir() and path.name[0] != ".")

    def _describe(self, name: str) -> StoredAdapter:
        home = self._folder / name
        try:
            rank = read_json(home / CONFIG_FILE).get("r")
        except VideoMindError:
            rank = None
        return StoredAdapter(
            name=name,
            created=int(home.stat().st_mtime),
            rank=rank if isinstance(rank, int) else None,
            bytes=sum(path.stat().st_size for path in home.iterdir()),
            problem=self._problems.get(name),
        )


def _hold(folder: Path) -> IO[bytes]:
    """A file that is locked as long as it is open."""
    file = (folder / _LOCK).open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise
    return file


def _without(folder: Path, name: str, error: VideoMindError) -> str:
    """The text of an error, with the adapter's name in place of its folder, which is nobody's business."""
    return str(error).replace(f"{folder}/", f"{name}/").replace(str(folder), name)
