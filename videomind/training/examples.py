"""What a record becomes once its frames were read: one thing to learn."""

from __future__ import annotations

from dataclasses import dataclass

from videomind.roles.verifier import SegmentPositions
from videomind.vision.clip import Clip

Span = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One thing to learn: what is seen, what is said, what should be replied.

    Attributes:
        role: whose example it is: one of `ROLES`, or "base" for the backbone itself.
        clip: the frames, uint8 at the size of the role's view.
        text: the user text, with the role's prompt filled in.
        reply: what to learn, without stop token. For the grounder the role's whole fixed reply.
        reply_prefix: how the reply is made to begin, which is not learned; `reply` goes on after it.
        segment: before which frame pairs the segment tokens go (verifier), else None.
        spans: the true moments as fractions of the clip (grounder); () = never happens.
        source: name of the data set and line, for error texts.
    """

    role: str
    clip: Clip
    text: str
    reply: str
    reply_prefix: str = ""
    segment: SegmentPositions | None = None
    spans: tuple[Span, ...] = ()
    source: str = ""
