"""What one tab of a browser looks at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """Attributes:
    video: id of the file that plays; "" = none.
    conversation: id of the conversation that is shown; "" = a new one.
    span: start and end in seconds: what the next question is about; None = the whole video.
    """

    video: str = ""
    conversation: str = ""
    span: tuple[float, float] | None = None
