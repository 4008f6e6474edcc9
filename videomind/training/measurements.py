"""Running a model over grounding records, to see how what it says relates to what is true."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from videomind.annotations.fields import Span
from videomind.errors import VideoError
from videomind.results import Result
from videomind.roles.verifier import MAX_OF_EVERY
from videomind.training.calibration import Measurement
from videomind.training.record_set import RecordSet, Skip
from videomind.training.records import GroundingRecord

if TYPE_CHECKING:
    from videomind.agent import Agent

BROKEN = "broken video"


def measure_records(agent: Agent, records: RecordSet) -> Iterator[Measurement | Skip]:
    """What the model says about each record, in their order; a video that cannot be read is a skip.

    Raises:
        EngineError: the engine cannot run them.
    """
    for placed in records.placed:
        record = placed.record
        assert isinstance(record, GroundingRecord), "these records are the grounder's"
        try:
            result = agent.find(records.root / record.video, record.query, every=True, long="whole")
        except VideoError as error:
            yield Skip(placed.place, BROKEN, str(error))
        else:
            yield measurement(result, record.spans)


def measurement(result: Result, spans: Sequence[Span]) -> Measurement:
    """What a result of looking for every moment says, beside the true moments (seconds)."""
    grounded = result.trace.grounded[:MAX_OF_EVERY]
    scores = [call.score for call in result.trace.calls if call.role == "verifier"]
    scored = [replace(candidate, verified=score) for candidate, score in zip(grounded, scores, strict=False)]
    return Measurement(result.video.path, tuple(spans), (*scored, *grounded[len(scored) :]))
