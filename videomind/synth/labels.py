"""What is to be seen where in a frame pair: direct labels for parts of a model that language reaches late."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from videomind.synth.render import centres, visible
from videomind.synth.world import ACTIONS, COLOURS, SHAPES, Event, Scene

CELLS = 4
"""A view is 2×2 cells, in reading order."""
IGNORE = -100
Labels = npt.NDArray[np.int64]


class CellLabels(NamedTuple):
    """Class indices [T, 4] of the thing in each cell of each frame pair; 0 = nothing there, else 1 + index.

    Attributes:
        colour: of the thing, as seen in the pair (its first visible frame).
        shape: of the thing.
        action: what its event is; `IGNORE` in pairs where the event begins or ends.
        event: 1 + index of the event.
    """

    colour: Labels
    shape: Labels
    action: Labels
    event: Labels


def cell_labels(scene: Scene, times: npt.NDArray[np.float64]) -> CellLabels:
    """Labels of frame pairs whose frames are taken at `times` [T, 2] (seconds).

    A thing belongs to the cell its centre is in, halfway through the pair. A blinking thing counts as there
    throughout its event, also while it is dark.
    """
    labels = CellLabels(*(np.zeros((len(times), CELLS), dtype=np.int64) for _ in range(4)))
    colours, middle = list(COLOURS), times.mean(axis=1)
    for index, event in enumerate(scene.events):
        seen = np.stack([visible(event, times[:, 0]), visible(event, times[:, 1])], axis=1)
        inside = (times[:, 0] >= event.start) & (times[:, 1] < event.end)
        where = np.flatnonzero(seen.any(axis=1) | inside)
        x, y = centres(event, middle)[where].T
        cell = (y >= 0.5) * 2 + (x >= 0.5)
        first_seen = np.where(seen[:, 0], times[:, 0], times[:, 1])[where]
        colour = np.where(first_seen < event.middle, colours.index(event.colour), colours.index(event.becomes))
        labels.colour[where, cell] = 1 + colour
        labels.shape[where, cell] = 1 + SHAPES.index(event.shape)
        labels.action[where, cell] = np.where(inside[where], 1 + ACTIONS.index(event.action), IGNORE)
        labels.event[where, cell] = 1 + index
    return labels


def event_labels(event: Event | None) -> tuple[int, int, int]:
    """Class indices of an event's first colour, its shape and its action, as in `CellLabels`; `IGNORE` for none."""
    if event is None:
        return (IGNORE,) * 3
    places = (list(COLOURS).index(event.colour), SHAPES.index(event.shape), ACTIONS.index(event.action))
    colour, shape, action = (1 + place for place in places)
    return colour, shape, action
