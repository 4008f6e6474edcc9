"""Which option a reply to a question chooses."""

from __future__ import annotations

from string import ascii_uppercase

from videomind.evaluation.sample import Sample
from videomind.roles.answerer import parse_option

_UNKNOWN = ("",) * len(ascii_uppercase)
"""Options of a question whose annotations leave them out: any letter may be one."""


def chosen(reply: str, sample: Sample) -> str | None:
    """The letter of the option; None where the reply chooses none (`parse_option`)."""
    return parse_option(reply, sample.options or _UNKNOWN)
