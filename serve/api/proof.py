"""An answered question and the video it is about, as the endpoints of its evidence need them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from videomind.results import Result
from videomind.serve.api.stored import Asking, Id, Served
from videomind.serve.asked import Ask
from videomind.serve.errors import Refused
from videomind.serve.services import Services
from videomind.serve.store.conversations import Turn, TurnState
from videomind.serve.store.library import VideoFile
from videomind.vision.base import VideoReader
from videomind.vision.part import PartReader
from videomind.wire import result_from_json


@dataclass(frozen=True, slots=True)
class Proof:
    """A turn that was answered."""

    turn: Turn
    ask: Ask
    result: Result
    services: Services

    def video(self) -> VideoFile:
        """What it is about.

        Raises:
            Refused: (410) it was removed.
        """
        if self.turn.file_id is None:
            raise Refused(410, f"the video {self.turn.file_name!r} was removed; send it again and ask anew")
        return self.services.library.get(self.turn.owner, self.turn.file_id)

    @contextmanager
    def reader(self) -> Iterator[VideoReader]:
        """Its frames; of a question about a part, those of the part.

        Raises:
            Refused: (410) it was removed.
            VideoError: it cannot be decoded.
        """
        with self.services.videos.reader(self.video()) as whole:
            yield whole if self.ask.span is None else PartReader(whole, self.ask.span)


def proof(turn_id: Id, served: Served, asking: Asking) -> Proof:
    """The caller's turn of this id, which has a result."""
    turn = served.conversations.turn(asking.owner, turn_id)
    if turn.result is None:
        why = "is not answered yet: try again in a moment" if turn.state is TurnState.ASKED else f"was {turn.state}"
        raise Refused(409, f"the question {turn_id} {why}")
    return Proof(turn, Ask.from_json(turn.asked), result_from_json(turn.result), served)


Proved = Annotated[Proof, Depends(proof)]
