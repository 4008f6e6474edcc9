"""What a request tells the plug-in. It travels in vLLM's own `SamplingParams.extra_args`, through every process."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

KEY = "videomind"


@dataclass(frozen=True, slots=True)
class Draft:
    """A grounder's reply that is already part of the prompt.

    Attributes:
        start: index of its first token; all tokens from there on are the draft.
        reg: index of `<|reg|>` in the prompt.
        video: index of the first video token.
        tokens: number of video tokens.
        pairs: frame pairs they show.
    """

    start: int
    reg: int
    video: int
    tokens: int
    pairs: int


@dataclass(frozen=True, slots=True)
class Notes:
    """Attributes:
    key: under which the worker keeps what it found out about this request.
    acts_from: the first token on which the adapter acts.
    base_until: as many leading tokens have the KV that the base model would give them.
    draft: what to ground, or None.
    """

    key: str
    acts_from: int = 0
    base_until: int = 0
    draft: Draft | None = None

    def to_extra_args(self) -> dict[str, Any]:
        """For `SamplingParams(extra_args=…)`."""
        return {KEY: asdict(self)}


def notes_of(sampling_params: Any) -> Notes | None:
    """The notes of a request; None for one that did not come from our engine."""
    given = (getattr(sampling_params, "extra_args", None) or {}).get(KEY)
    if given is None:
        return None
    draft = given["draft"]
    return Notes(given["key"], given["acts_from"], given["base_until"], Draft(**draft) if draft else None)
