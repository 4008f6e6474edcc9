"""What the model's own grounder predicts, as verifying records (VideoMind, arXiv 2503.13444, sec. 3.3)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from videomind.engines.base import Engine, RoleRequest
from videomind.errors import DataError, VideoError
from videomind.roles.grounder import clean_query, spans_from_decoder
from videomind.roles.spec import RoleSpec
from videomind.roles.verifier import MAX_CANDIDATES
from videomind.training.record_set import Placed, RecordSet, log
from videomind.training.records import GroundingRecord
from videomind.training.verifying import verifying_records
from videomind.vision.clip import load_clip
from videomind.vision.reader import open_video

Prediction = tuple[float, float, float]
"""Start, end (seconds) and confidence."""


class Key(NamedTuple):
    """A record: number of its set, and where it stands there."""

    part: int
    place: str


class Predictions:
    """Predictions as they are made, kept in a file so that a run which goes on does not make them again.

    Args:
        path: the file; lines that a killed run did not finish are dropped.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.known: dict[Key, list[Prediction]] = dict(_read(path))
        path.write_text("".join(_line(key, found) for key, found in self.known.items()), encoding="utf-8")

    def add(self, found: dict[Key, list[Prediction]]) -> None:
        """Keep more."""
        self.known |= found
        with self._path.open("a", encoding="utf-8") as file:
            file.writelines(_line(key, predicted) for key, predicted in found.items())


def predict(
    sets: Sequence[RecordSet],
    spec: RoleSpec,
    engine: Callable[[], Engine],
    kept: Predictions,
    done: Callable[[int], None],
) -> None:
    """Predict what is not known yet, video by video.

    Args:
        sets: grounding records.
        spec: the grounder.
        engine: makes the engine; only called if something is missing.
        kept: where predictions are and go.
        done: called with the number of records dealt with since the last call. A record whose video cannot be
            read is reported, and stays without prediction.
    """
    missing = [
        (Key(part, placed.place), records.root / placed.record.video, placed.record)
        for part, records in enumerate(sets)
        for placed in records.placed
        if Key(part, placed.place) not in kept.known
    ]
    done(sum(map(len, sets)) - len(missing))
    if not missing:
        return
    running = engine()
    try:
        for video, group in groupby(missing, key=lambda one: one[1]):
            asked = [(key, record) for key, _, record in group]
            queries = [record.query for _, record in asked if isinstance(record, GroundingRecord)]
            try:
                found = _ground(running, spec, video, queries)
            except VideoError as error:
                log.warning("%s is skipped: %s", video, error)
            else:
                kept.add({key: rows for (key, _), rows in zip(asked, found, strict=True)})
            done(len(asked))
            running.forget()
    finally:
        running.close()


def as_verifying(sets: Sequence[RecordSet], kept: Predictions) -> list[RecordSet]:
    """Sets of verifying records: the top candidates of each record that was predicted, labelled by overlap.

    Raises:
        DataError: nothing of a set was predicted.
    """
    made = []
    for part, records in enumerate(sets):
        placed = [
            Placed(one.place, verifying)
            for one in records.placed
            if isinstance(one.record, GroundingRecord)
            for verifying in verifying_records([one.record], [kept.known.get(Key(part, one.place), [])])
        ]
        if not placed:
            raise DataError(f"{records.name}: the grounder found nothing to verify in any of its videos")
        made.append(RecordSet(records.name, "verifier", records.root, tuple(placed), records.skipped))
    return made


def _ground(engine: Engine, spec: RoleSpec, video: Path, queries: Sequence[str]) -> list[list[Prediction]]:
    with open_video(video) as reader:
        clip, duration = load_clip(reader, spec.view), reader.duration
    requests = [
        RoleRequest(
            "grounder",
            clip,
            spec.user_text(clean_query(query)),
            reply_prefix=spec.reply_prefix,
            max_new_tokens=spec.max_new_tokens,
        )
        for query in queries
    ]
    found = []
    for grounding in engine.ground(requests):
        rows = [] if grounding.spans is None else grounding.spans[:MAX_CANDIDATES].tolist()
        found.append([(one.start, one.end, one.confidence) for one in spans_from_decoder(rows, duration)])
    return found


def _line(key: Key, predicted: Sequence[Prediction]) -> str:
    return json.dumps({"set": key.part, "place": key.place, "candidates": predicted}) + "\n"


def _read(path: Path) -> Iterator[tuple[Key, list[Prediction]]]:
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            content = json.loads(line)
            yield Key(content["set"], content["place"]), [(a, b, c) for a, b, c in content["candidates"]]
        except (ValueError, KeyError, TypeError):
            return
