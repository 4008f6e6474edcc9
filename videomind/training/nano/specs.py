"""The roles of the embedded model: own prompts, one view small enough for a laptop."""

from __future__ import annotations

from videomind.roles.spec import CELL, RoleSpec, View

WATCH = View(fps=2.0, max_frames=48, min_pixels=4 * CELL, max_pixels=4 * CELL)
"""All roles see 56×56 pixels, two frames a second, at most 24 seconds at that rate."""

ROLE_SPECS = {
    "planner": RoleSpec("planner", "Plan the steps for: {query}", WATCH, max_new_tokens=96),
    "grounder": RoleSpec(
        "grounder", "Find the moment: {query}", WATCH, reply_prefix="It happens at:<|reg|>", max_new_tokens=16
    ),
    "verifier": RoleSpec("verifier", "Do the marks enclose this? {query}", WATCH, max_new_tokens=4, min_span=2.0),
    "answerer": RoleSpec("answerer", "", WATCH, max_new_tokens=96, min_span=8.0),
}
REG, SEG_START, SEG_END = "<|reg|>", "<|seg_start|>", "<|seg_end|>"
YES, NO = "Yes", "No"
