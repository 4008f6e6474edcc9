"""Equal but for rounding: what is computed in another batch or on another cache differs in the last bits."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

ROUNDING = 1e-4
TIMES = frozenset({"start", "end", "span", "spans"})
MILLISECOND = 1.5e-3
"""Times are rounded to one: what lies between two may fall on either side."""


def near(expected: Any, tolerance: float = ROUNDING) -> Any:
    """What equals `expected` when every float in it may differ by `ROUNDING`, times in seconds by `MILLISECOND`."""
    if is_dataclass(expected) and not isinstance(expected, type):
        return replace(expected, **_named({field.name: getattr(expected, field.name) for field in fields(expected)}))
    if isinstance(expected, dict):
        return _named(expected)
    if isinstance(expected, list | tuple):
        return type(expected)(near(value, tolerance) for value in expected)
    return pytest.approx(expected, abs=tolerance) if isinstance(expected, float) else expected


def _named(values: dict[str, Any]) -> dict[str, Any]:
    return {name: near(value, MILLISECOND if name in TIMES else ROUNDING) for name, value in values.items()}
