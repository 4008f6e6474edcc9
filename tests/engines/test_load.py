"""How busy an engine is, and why one did not start."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from videomind.engines.child_log import LONGEST
from videomind.engines.gate import Gate
from videomind.engines.vllm_start import _text


def test_who_waits_at_the_gate_is_counted() -> None:
    async def enter(gate: Gate) -> None:
        async with gate.enter(0):
            await asyncio.sleep(60)

    async def crowd() -> list[int]:
        gate, counts = Gate(1), []
        tasks = [asyncio.ensure_future(enter(gate)) for _ in range(3)]
        for task in tasks:
            await asyncio.sleep(0)
            counts.append(gate.waiting)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return [*counts, gate.waiting]

    assert asyncio.run(crowd()) == [2, 1, 0, 0]


class Settings(BaseModel):
    """Settings with a rule of their own."""

    name: str = Field(default="x")

    @field_validator("name")
    @classmethod
    def known(cls, name: str) -> str:
        """Refuses every name."""
        raise ValueError(f"Unknown name:\n {name}")


def test_settings_that_were_refused_read_as_one_line() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(name="nonsense")
    assert _text(refused.value) == "Unknown name: nonsense"
    assert _text(RuntimeError("x" * 1000)) == "x" * LONGEST
