"""What is asked of one video, as it is kept with the turn that answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

DEFAULT_TOP_K = 5


@dataclass(frozen=True, slots=True)
class Ask:
    """Attributes:
    question: the question, or the query where only a moment is looked for.
    options: texts of a multiple choice (2 to 26).
    roles: the roles that may be called; None = all that the model has.
    every: give back every moment that matches.
    top_k: how many candidates to give back.
    span: start and end in seconds: only the answerer is asked, and only about this part.
    answerer: name of an answerer adapter.
    subtitles: text of a subtitle file (SRT, VTT or ASS).
    """

    question: str
    options: tuple[str, ...] = ()
    roles: tuple[str, ...] | None = None
    every: bool = False
    top_k: int = DEFAULT_TOP_K
    span: tuple[float, float] | None = None
    answerer: str | None = None
    subtitles: str | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Ask:
        """What `to_json` wrote."""
        return TypeAdapter(cls).validate_python(data)
