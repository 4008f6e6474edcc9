"""Examples as the text model sees them, for torch's DataLoader."""

from __future__ import annotations

from random import Random

import torch
from torch.utils.data import Dataset

from videomind.errors import DataError, InputError
from videomind.training.data import ExampleSet
from videomind.training.encode import Item, ItemEncoder
from videomind.training.record_set import log

TRIES = 100
TOO_LONG = "does not fit the model"


class ItemSet(Dataset[Item]):
    """The items of an example set, in its order.

    An example that does not fit the model (longer than its context) is reported and counted, and the next one takes its
    place.

    Args:
        examples: where they come from.
        items: makes them.
        seed: of what the losses sample.
    """

    def __init__(self, examples: ExampleSet, items: ItemEncoder, seed: int) -> None:
        self._examples, self._items, self._seed = examples, items, seed
        self._unfit = torch.zeros(1, dtype=torch.int64).share_memory_()  # DataLoader workers count here too

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> Item:
        for step in range(TRIES):
            example = self._examples[(index + step) % len(self._examples)]
            try:
                return self._items.encode(example, Random(f"{self._seed} {index}").random())
            except InputError as error:
                self._unfit += 1
                log.warning("%s is skipped: %s", example.source, error)
        raise DataError(f"{TRIES} examples one after the other do not fit the model: see the warnings before this")

    @property
    def skipped(self) -> dict[str, int]:
        """How many records were skipped so far, by reason."""
        unfit = int(self._unfit)
        return self._examples.skipped | ({TOO_LONG: unfit} if unfit else {})
