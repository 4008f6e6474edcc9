"""How an adapter may be called, by people and as a folder."""

from __future__ import annotations

import re

from videomind.errors import InputError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def check_adapter_name(name: str) -> str:
    """The name, if it can be one.

    Raises:
        InputError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} is no name for an adapter: letters, digits, '.', '_' and '-', at most 100")
    return name
