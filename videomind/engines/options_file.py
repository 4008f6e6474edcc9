"""Options of an engine from a TOML file (`--engine-config`)."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from videomind.errors import InputError

Options = TypeVar("Options", bound=BaseModel)
_UNITS = {"": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "kb": 10**3, "mb": 10**6, "gb": 10**9}


def _bytes(value: Any) -> Any:
    """ "4GiB" as a number of bytes."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*([\d.]+)\s*([A-Za-z]*)\s*", value)
    if match is None or match[2].lower() not in _UNITS:
        raise ValueError('a number of bytes, or a text like "4GiB"')
    return int(float(match[1]) * _UNITS[match[2].lower()])


Bytes = Annotated[int, BeforeValidator(_bytes), Field(gt=0)]
"""A number of bytes, or a text like "4GiB"."""


def read_options(kind: type[Options], path: Path | None) -> Options:
    """The options in a TOML file; the defaults where there is none.

    Raises:
        InputError: the file cannot be read, or a key or value is not allowed.
    """
    if path is None:
        return kind()
    try:
        return kind.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        known = ", ".join(sorted(kind.model_fields))
        advice = f" (known: {known})" if first["type"] == "extra_forbidden" else ""
        raise InputError(f"{path}: {key}: {first['msg']}{advice}") from error
