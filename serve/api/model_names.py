"""What a request can name as its model: the whole chain, or one role of it."""

from __future__ import annotations

from collections.abc import Sequence

from videomind.serve.errors import Refused

CHAIN = "videomind"
ROLES_OF: dict[str, tuple[str, ...] | None] = {
    CHAIN: None,
    f"{CHAIN}/planner": None,
    f"{CHAIN}/grounder": ("grounder",),
    f"{CHAIN}/verifier": ("grounder", "verifier"),
    f"{CHAIN}/answerer": ("answerer",),
}
"""The roles that each calls; None = all that the loaded model has. The planner's stops when the plan stands."""


def model_names(roles: Sequence[str]) -> list[str]:
    """The names that a model with these roles can be asked under."""
    return [name for name in ROLES_OF if name == CHAIN or name.removeprefix(f"{CHAIN}/") in roles]


def check_model(name: str, roles: Sequence[str]) -> None:
    """Raises:
    Refused: (404) a model with these roles cannot be asked under this name.
    """
    if name not in (known := model_names(roles)):
        raise Refused(404, f"there is no model {name!r}; there is: {', '.join(known)}")
