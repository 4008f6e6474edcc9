"""Equal but for rounding: what is computed in another batch or on another cache differs in the last bits."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

ROUNDING = 1.5e-3
"""Above a millisecond: spans are rounded to one, and what lies between two may fall on either side."""


def near(expected: Any) -> Any:
    """What equals `expected` when every float in it may differ by `ROUNDING`."""
    if is_dataclass(expected) and not isinstance(expected, type):
        return replace(expected, **{field.name: near(getattr(expected, field.name)) for field in fields(expected)})
    if isinstance(expected, dict):
        return {key: near(value) for key, value in expected.items()}
    if isinstance(expected, list | tuple):
        return type(expected)(near(value) for value in expected)
    return pytest.approx(expected, abs=ROUNDING) if isinstance(expected, float) else expected
