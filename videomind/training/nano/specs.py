"""The roles of the embedded model: own prompts, one view small enough for a laptop."""

from __future__ import annotations

from typing import Any

from videomind.roles.spec import CELL, RoleSpec, View

WATCH = View(fps=3.0, max_frames=48, min_pixels=4 * CELL, max_pixels=4 * CELL)
"""What all roles share: 56×56 pixels, three frames a second, at most 48 frames."""


def _role(name: str, invocation: str, **more: Any) -> RoleSpec:
    """A role that is invoked by the first words of its prompt, which follow the video."""
    return RoleSpec(name, f"{invocation} {{query}}", WATCH, activation="alora", invocation=invocation, **more)


ROLE_SPECS = {
    "planner": _role("planner", "Plan the steps for:", max_new_tokens=96),
    "grounder": _role("grounder", "Find the moment:", reply_prefix="It happens at:<|reg|>", max_new_tokens=16),
    "verifier": _role("verifier", "Do the marks enclose this?", max_new_tokens=4, min_span=2.0),
    "answerer": _role("answerer", "Answer this:", max_new_tokens=128, min_span=6.0),
}
REG, SEG_START, SEG_END = "<|reg|>", "<|seg_start|>", "<|seg_end|>"
