"""Linux's Landlock: a process gives up all files but those it needs, the network, and signals to others.

https://docs.kernel.org/userspace-api/landlock.html. An older kernel offers less of it, or nothing.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Sequence
from contextlib import suppress

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446  # numbers of the system calls, the same on all architectures
_VERSION, _BENEATH = 1, 1
_WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5
_MAKE_DIR, _MAKE_REG, _REFER, _TRUNCATE = 1 << 7, 1 << 8, 1 << 13, 1 << 14
_IN_FOLDER = _READ_FILE | _WRITE_FILE | _READ_DIR | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG
_FILE_RIGHTS = (0, 13, 14, 15, 15, 16)
"""How many rights to files each version knows, from the first bit."""
_TCP, _OTHERS = 0b11, 0b11
"""Binding and connecting; abstract sockets and signals."""


def restrict(files: Sequence[str], folders: Sequence[str]) -> None:
    """From now on this process may open nothing but these files, to read, and what is in these folders.

    It needs `no_new_privs`. What is open already stays so.

    Raises:
        OSError: the kernel has Landlock and refuses.
    """
    call = ctypes.CDLL(None, use_errno=True).syscall
    version = call(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    if version < 1:
        return
    known = (1 << _FILE_RIGHTS[min(version, len(_FILE_RIGHTS) - 1)]) - 1
    handled = struct.pack("QQQ", known, _TCP if version >= 4 else 0, _OTHERS if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = _checked(call(_CREATE, handled, ctypes.c_size_t(size), ctypes.c_uint32(0)))
    for paths, rights in ((files, _READ_FILE), (folders, (_IN_FOLDER | _REFER | _TRUNCATE) & known)):
        for path in paths:
            with suppress(FileNotFoundError):
                at = os.open(path, os.O_PATH | os.O_CLOEXEC)
                _checked(call(_ADD_RULE, rules, _BENEATH, struct.pack("=Qi", rights, at), ctypes.c_uint32(0)))
                os.close(at)
    _checked(call(_RESTRICT, rules, ctypes.c_uint32(0)))
    os.close(rules)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
