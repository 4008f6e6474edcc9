"""Names of events: descriptions by colour, shape and action, what they match, and how they read in English."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

from videomind.synth.world import Event, Scene

VERBS: dict[str, tuple[str, str]] = {
    "moves left": ("move left", "moving left"),
    "moves right": ("move right", "moving right"),
    "moves up": ("move up", "moving up"),
    "moves down": ("move down", "moving down"),
    "stays still": ("stay still", "staying still"),
    "blinks": ("blink", "blinking"),
    "grows": ("grow", "growing"),
    "changes colour": ("change colour", "changing colour"),
}
"""Action → its plain form and its -ing form."""

Form = Literal["name", "clause", "relative", "gerund"]


def gerund(action: str) -> str:
    """The -ing form of an action, or of a flash ("flashes blue")."""
    return VERBS[action][1] if action in VERBS else action.replace("flashes", "flashing")


def deeds(event: Event) -> tuple[str, ...]:
    """What is true of an event: its action, and its flash if it has one."""
    return (event.action,) if event.flash is None else (event.action, f"flashes {event.flash}")


@dataclass(frozen=True, slots=True)
class Description:
    """What is said of a thing, `action` being an action or a flash; None = not said."""

    colour: str | None = None
    shape: str | None = None
    action: str | None = None

    def matches(self, event: Event) -> bool:
        """Whether it is true of the event; a thing that changes colour has both of its colours."""
        return (
            self.colour in (None, event.colour, event.becomes)
            and self.shape in (None, event.shape)
            and self.action in (None, *deeds(event))
        )

    def within(self, scene: Scene) -> list[Event]:
        """The events it is true of."""
        return [event for event in scene.events if self.matches(event)]

    def is_unique(self, scene: Scene) -> bool:
        return len(self.within(scene)) == 1

    @property
    def noun(self) -> str:
        """E.g. "red circle", "circle", "red thing", "thing"."""
        return " ".join(filter(None, (self.colour, self.shape or "thing")))

    def phrase(self, form: Form) -> str:
        """E.g. "the red circle", "the red circle grows", "the red circle that grows", "red circle growing"."""
        if self.action is None or form == "name":
            return f"the {self.noun}"
        if form == "clause":
            return f"the {self.noun} {self.action}" if self.noun != "thing" else f"something {self.action}"
        if form == "relative":
            return f"the {self.noun} that {self.action}"
        return f"{self.noun} {gerund(self.action)}"


def descriptions(event: Event) -> Iterator[Description]:
    """All descriptions of an event by its first colour, from the full one to the vaguest that says anything."""
    for colour, shape, action in product((event.colour, None), (event.shape, None), (*deeds(event), None)):
        if colour or shape or action:
            yield Description(colour, shape, action)
