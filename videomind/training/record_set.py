"""The records of one file: those that can be used, and why the others cannot."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from videomind.errors import DataError
from videomind.training.records import Record

MALFORMED, MISSING = "malformed", "missing video"
TOLD = 10
"""So many reasons to skip records of a file are told one by one; the rest is summed up."""

log = logging.getLogger("videomind.training")


@dataclass(frozen=True, slots=True)
class Placed:
    """A record and where it stands in its file, e.g. "line 7"."""

    place: str
    record: Record


@dataclass(frozen=True, slots=True)
class Skip:
    """Something that cannot be learned from: where it stands, the kind of reason, and the reason in words."""

    place: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class RecordSet:
    """The records of one file.

    Attributes:
        name: how the file is called in messages.
        role: whose records they are, a key of `RECORDS`.
        root: the folder that the paths in the records start from.
        placed: the records that can be used, at least one.
        skipped: what cannot be used.
    """

    name: str
    role: str
    root: Path
    placed: tuple[Placed, ...]
    skipped: tuple[Skip, ...] = ()

    def __len__(self) -> int:
        return len(self.placed)

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(placed.record for placed in self.placed)


def collect(name: str, role: str, root: Path, read: Iterable[Placed | Skip]) -> RecordSet:
    """Sorts what was read into records and skips, and reports the skips.

    Raises:
        DataError: more than half is malformed, or nothing remains.
    """
    everything = list(read)
    placed = tuple(one for one in everything if isinstance(one, Placed))
    skipped = tuple(one for one in everything if isinstance(one, Skip))
    malformed = [skip for skip in skipped if skip.reason == MALFORMED]
    if 2 * len(malformed) > len(everything):
        raise DataError(
            f"{name}: {len(malformed)} of {len(everything)} entries are no records for the {role}. The first: "
            f"{malformed[0].place}: {malformed[0].text}; docs/training-data.md says what is read"
        )
    if not placed:
        raise DataError(nothing_left(name, skipped))
    report(name, skipped)
    return RecordSet(name, role, root, placed, skipped)


def report(name: str, skipped: Sequence[Skip]) -> None:
    """Warns of skipped records: the first reasons each with its place, of the rest how many."""
    alike: dict[str, list[Skip]] = {}
    for skip in skipped:
        alike.setdefault(skip.text, []).append(skip)
    groups = list(alike.values())
    for group in groups[:TOLD]:
        warn(name, group[0], more=len(group) - 1)
    if rest := [skip for group in groups[TOLD:] for skip in group]:
        log.warning("%s: and %s more are skipped: %s", name, f"{len(rest):,}", counts_text(rest))


def warn(name: str, skip: Skip, more: int = 0) -> None:
    """Warns of a skipped record and of `more` like it, without what could move a terminal's cursor."""
    others = f" (and {more:,} more)" if more else ""
    text = f"{name}: {skip.place}{others} is skipped: {skip.text}"
    log.warning("%s", "".join(c if c.isprintable() else " " for c in text))


def counts_text(skipped: Iterable[Skip]) -> str:
    """How many for each reason, e.g. "3 malformed, 1 missing video"."""
    counts = Counter(skip.reason for skip in skipped)
    return ", ".join(f"{count:,} {reason}" for reason, count in counts.most_common())


def nothing_left(name: str, skipped: Sequence[Skip]) -> str:
    """The text of the error when a file yields no record that can be used."""
    if not skipped:
        return f"{name}: there is nothing in it; give a file with one record a line (docs/training-data.md)"
    hint = "; give the folder that holds the videos" if skipped[0].reason == MISSING else ""
    first = f"{skipped[0].place}: {skipped[0].text}"
    return f"{name}: no record can be used ({counts_text(skipped)}). The first: {first}{hint}"
