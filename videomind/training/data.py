"""Records as examples, for torch's DataLoader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random

import torch
from torch.utils.data import Dataset

from videomind.errors import DataError, SubtitleError, VideoError
from videomind.roles.answerer import Cue
from videomind.roles.spec import RoleSpec
from videomind.training.examples import Example
from videomind.training.filters import TOO_LONG, TOO_SHORT, Filters
from videomind.training.making import Maker, OutsideError
from videomind.training.mixing import Mixture, Pick
from videomind.training.record_set import RecordSet, Skip, warn
from videomind.training.records import AnsweringRecord
from videomind.vision.reader import open_video
from videomind.vision.subtitles import load_subtitles

BROKEN, OUTSIDE, SUBTITLES = "broken video", "span outside the video", "broken subtitles"
OF_THE_VIDEO = (BROKEN, TOO_SHORT, TOO_LONG)
REASONS = (*OF_THE_VIDEO, OUTSIDE, SUBTITLES)
"""Why a record may turn out to be of no use once its video is opened."""


class UnusableError(Exception):
    """A record that cannot become an example: one of `REASONS`, and what to tell ("" = nothing)."""

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(reason, text)
        self.reason, self.text = reason, text


class ExampleSet(Dataset[Example]):
    """Examples of one or several record sets, mixed; each index is one example, a function of index and seed.

    It is shuffled already: read it in order of the index (no shuffling sampler), and go on at index n to resume
    after n examples. With `length` beyond one epoch the next epochs follow, in other orders.

    A record that turns out to be of no use (its video is broken, its span lies outside) is reported in a warning, and
    from then on the next record of its set that can be used takes its place, so that batches stay full. Which ones
    these were is kept in memory that DataLoader workers share with the process that made them: `skipped` counts
    each record once, whoever met it.

    Args:
        sets: where the records are; all of one role, or of several for training on a mixture of roles.
        specs: the roles' prompts and views; "base" may be left out and is then asked like the answerer.
        seed: of the order and of the crop jitter.
        weights: see `Mixture`; none = 1 each.
        filters: which records to leave out.
        length: number of examples; None = one epoch.
        jitter: an answerer's span is moved at both ends by up to this share of its length.

    Raises:
        DataError: nothing passes the filters, or later: nothing of a set can be used.
        InputError: weights that cannot be used.
    """

    def __init__(
        self,
        sets: Sequence[RecordSet],
        specs: Mapping[str, RoleSpec],
        seed: int = 0,
        *,
        weights: Sequence[float] = (),
        filters: Filters = Filters(),
        length: int | None = None,
        jitter: float = 0.1,
    ) -> None:
        self.sets = [filters.apply(one) for one in sets]
        self._specs, self._seed, self._filters, self._jitter = specs, seed, filters, jitter
        self.mixture = Mixture([len(one) for one in self.sets], weights or [1.0] * len(self.sets), seed)
        self._length = len(self.mixture) if length is None else length
        self._found_bad = [torch.zeros(len(one), dtype=torch.uint8).share_memory_() for one in self.sets]

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Example:
        if not 0 <= index < self._length:
            raise IndexError(f"example {index} of {self._length}")
        part, first = self.mixture.at(index)
        size = len(self.sets[part])
        for step in range(size):
            pick = Pick(part, (first + step) % size)
            if self._found_bad[part][pick.record]:
                continue
            try:
                return self._example(pick, index)
            except UnusableError as error:
                self._report(pick, error)
        raise DataError(f"{self.sets[part].name}: none of its {size} records can be used: see the warnings before this")

    @property
    def skipped(self) -> dict[str, int]:
        """How many records were skipped so far, by reason; those of reading the files among them."""
        counts = Counter(skip.reason for one in self.sets for skip in one.skipped)
        for found in self._found_bad:
            numbers = torch.bincount(found, minlength=1 + len(REASONS)).tolist()
            counts.update({reason: n for reason, n in zip(REASONS, numbers[1:], strict=True) if n})
        return dict(counts)

    def _example(self, pick: Pick, index: int) -> Example:
        records = self.sets[pick.part]
        placed = records.placed[pick.record]
        record = placed.record
        spec = self._specs[records.role if records.role in self._specs else "answerer"]
        cues: Sequence[Cue] = ()
        try:
            if isinstance(record, AnsweringRecord) and record.subtitles is not None:
                cues = load_subtitles(records.root / record.subtitles)
            with open_video(records.root / record.video) as reader:
                if reason := self._filters.of_duration(reader.duration):
                    raise UnusableError(reason)
                rng, source = Random(f"{self._seed} {index}"), f"{records.name}, {placed.place}"
                return Maker(records.role, spec, reader, rng, self._jitter, cues, source).make(record)
        except SubtitleError as error:
            raise UnusableError(SUBTITLES, str(error)) from None
        except VideoError as error:
            raise UnusableError(BROKEN, str(error)) from None
        except OutsideError as error:
            raise UnusableError(OUTSIDE, str(error)) from None

    def _report(self, pick: Pick, error: UnusableError) -> None:
        """Marks the record, or where its video is to blame all that are about it, and warns."""
        records, found_bad, here = self.sets[pick.part], self._found_bad[pick.part], [pick.record]
        placed, known = records.placed[pick.record], bool(found_bad[pick.record])
        if error.reason in OF_THE_VIDEO:
            here = [i for i, other in enumerate(records.placed) if other.record.video == placed.record.video]
        found_bad[here] = 1 + REASONS.index(error.reason)
        if error.text and not known:
            warn(records.name, Skip(placed.place, error.reason, f"{error.reason}: {error.text}"), more=len(here) - 1)
