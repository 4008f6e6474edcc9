"""What a role is, as data: its prompt, what it looks at, how its reply begins (DESIGN: `role.json`)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from videomind.errors import BundleError

ROLES = ("planner", "grounder", "verifier", "answerer")
CELL = 28 * 28
"""Pixels of one visual token after 2×2 merging of 14×14 patches."""


@dataclass(frozen=True, slots=True)
class View:
    """How densely a role looks at a video: frames per second, at most how many frames, pixels per frame."""

    fps: float
    max_frames: int
    min_pixels: int
    max_pixels: int
    min_frames: int = 4


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """One role.

    Attributes:
        name: one of `ROLES`.
        prompt: template of the user text; `{query}` stands for the question or query. "" = that alone.
        view: what it looks at.
        reply_prefix: text its reply is known to begin with ("" if none).
        activation: "lora" acts on every token; "alora" from the invocation tokens on.
        invocation: the invocation text of an "alora" adapter, else None.
        max_new_tokens: longest reply.
        min_span: spans shorter than this (seconds) are widened before the role looks at them; 0 = never.
    """

    name: str
    prompt: str
    view: View
    reply_prefix: str = ""
    activation: Literal["lora", "alora"] = "lora"
    invocation: str | None = None
    max_new_tokens: int = 256
    min_span: float = 0.0

    def user_text(self, query: str) -> str:
        """The user text for one query or question."""
        return self.prompt.replace("{query}", query) if self.prompt else query


PUBLISHED_VIEWS = {
    "planner": View(fps=1.0, max_frames=100, min_pixels=36 * CELL, max_pixels=64 * CELL),
    "grounder": View(fps=1.0, max_frames=150, min_pixels=36 * CELL, max_pixels=64 * CELL),
    "verifier": View(fps=2.0, max_frames=64, min_pixels=36 * CELL, max_pixels=64 * CELL),
    "answerer": View(fps=2.0, max_frames=32, min_pixels=128 * CELL, max_pixels=256 * CELL),
}
"""The budgets of the published system (VideoMind, arXiv 2503.13444, sec. 3)."""


def spec_to_json(spec: RoleSpec) -> dict[str, Any]:
    """The JSON-ready content of `role.json`."""
    return asdict(spec)


def spec_from_json(data: object, where: str) -> RoleSpec:
    """The role that the content of a `role.json` describes.

    Args:
        data: the parsed JSON.
        where: the file, for the error text.

    Raises:
        BundleError: a key is missing, unknown or out of range; the text names file, key and what is allowed.
    """
    from pydantic import ValidationError

    from videomind.roles.spec_file import RoleFile, first_problem

    try:
        return RoleFile.model_validate(data).to_spec()
    except ValidationError as error:
        raise BundleError(f"{where}: {first_problem(error)}") from None
