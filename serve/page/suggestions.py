"""Questions that are worth a try, for a start."""

from __future__ import annotations

from collections.abc import Sequence

EMBEDDED = "nano"
"""Name of the embedded model, which knows only its synthetic world."""
OF_ITS_WORLD = (
    "What does the yellow triangle do?",
    "What shape is the thing that blinks?",
    "What does the white cross do?",
)
OF_ANY_VIDEO = ("What happens in this video?", "What happens right at the end?", "When does a person first appear?")
TO_FIND = ("A person appears", "Someone speaks to the camera", "The scene changes")


def suggestions(model: str, roles: Sequence[str]) -> tuple[str, ...]:
    """Args:
    model: name of the bundle.
    roles: those it has.
    """
    if model == EMBEDDED:
        return OF_ITS_WORLD
    return OF_ANY_VIDEO if "answerer" in roles else TO_FIND
