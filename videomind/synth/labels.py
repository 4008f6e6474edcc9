"""What is to be seen where in a frame pair: direct labels for parts of a model that language reaches late."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from videomind.synth.render import centres, colours, visible
from videomind.synth.world import ACTIONS, COLOURS, FLASH, SHAPES, Event, Scene

CELLS = 4
"""A view is 2×2 cells, in reading order."""
IGNORE = -100
Labels = npt.NDArray[np.int64]


class CellLabels(NamedTuple):
    """Class indices [T, 4] of the thing in each cell of each frame pair; 0 = nothing there, else 1 + index.

    Attributes:
        early, late: colours seen in the first and in the second frame of the pair; 0 where the thing is not seen.
        colour: of the thing, as it is named.
        flash: the colour of its flash, if a frame of this view shows it; else 0.
        shape: of the thing.
        action: what its event is; `IGNORE` in pairs where the event begins or ends.
        event: 1 + index of the event.
    """

    early: Labels
    late: Labels
    colour: Labels
    flash: Labels
    shape: Labels
    action: Labels
    event: Labels


def cell_labels(scene: Scene, times: npt.NDArray[np.float64]) -> CellLabels:
    """Labels of frame pairs whose frames are taken at `times` [T, 2] (seconds).

    A thing belongs to the cell its centre is in, halfway through the pair. A blinking thing counts as there
    throughout its event, also while it is dark.
    """
    labels = CellLabels(*(np.zeros((len(times), CELLS), dtype=np.int64) for _ in range(7)))
    names, middle = list(COLOURS), times.mean(axis=1)
    for index, event in enumerate(scene.events):
        seen = np.stack([visible(event, times[:, 0]), visible(event, times[:, 1])], axis=1)
        inside = (times[:, 0] >= event.start) & (times[:, 1] < event.end)
        where = np.flatnonzero(seen.any(axis=1) | inside)
        x, y = centres(event, middle)[where].T
        cell = (y >= 0.5) * 2 + (x >= 0.5)
        for side, label in enumerate((labels.early, labels.late)):
            label[where, cell] = np.where(seen[where, side], 1 + colours(event, times[where, side]), 0)
        labels.colour[where, cell] = 1 + names.index(event.colour)
        if event.flash is not None:
            since = times - event.flash_at
            shown = bool(((since >= 0) & (since < FLASH)).any())
            labels.flash[where, cell] = 1 + names.index(event.flash) if shown else 0
        labels.shape[where, cell] = 1 + SHAPES.index(event.shape)
        labels.action[where, cell] = np.where(inside[where], 1 + ACTIONS.index(event.action), IGNORE)
        labels.event[where, cell] = 1 + index
    return labels


def event_labels(event: Event) -> tuple[int, int, int]:
    """Class indices of an event's first colour, its shape and its action, as in `CellLabels`."""
    places = (list(COLOURS).index(event.colour), SHAPES.index(event.shape), ACTIONS.index(event.action))
    colour, shape, action = (1 + place for place in places)
    return colour, shape, action
