"""Scenes as frames: vectorised signed distance fields with antialiased edges, at any size and at any times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from videomind.synth.world import BLINK_PERIOD, COLOURS, FLASH, SHAPES, Event, Scene

Floats = npt.NDArray[np.float32]
Frames = npt.NDArray[np.uint8]
_NOISE_SHIFTS = 61


def frame_times(scene: Scene) -> npt.NDArray[np.float64]:
    """Seconds [frames] at which the frames of the scene's video are taken: 0, 1/fps, 2/fps, …"""
    return np.arange(scene.frames) / scene.fps


def visible(event: Event, times: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Whether the thing is seen at each time [T]: within [start, end), and not in the dark half of a blink."""
    since = np.round(times - event.start, 6)
    seen = (since >= 0) & (np.round(times - event.end, 6) < 0)
    if event.action == "blinks":
        seen &= since % BLINK_PERIOD < BLINK_PERIOD / 2
    return np.asarray(seen)


def centres(event: Event, times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """x and y [T, 2] of the thing's centre, as fractions of the frame's side."""
    done = _progress(event, times)[:, None]
    path = np.array(event.path)
    return np.asarray(path[:2] * (1 - done) + path[2:] * done)


def colours(event: Event, times: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Index in `COLOURS` [T] of the colour that the thing has at each time."""
    names = list(COLOURS)
    index = np.where(times >= event.middle, names.index(event.becomes), names.index(event.colour))
    if event.flash is not None:
        since = np.round(times - event.flash_at, 6)
        index[(since >= 0) & (since < FLASH)] = names.index(event.flash)
    return np.asarray(index)


def render(scene: Scene, times: Sequence[float] | npt.NDArray[np.float64], size: int) -> Frames:
    """Frames [T, size, size, 3] of the scene at `times` (seconds). A frame depends on its own time alone."""
    moments = np.asarray(times, dtype=np.float64)
    canvas = np.repeat(_background(scene, size)[None], len(moments), axis=0)
    for event in scene.events:
        index = np.flatnonzero(visible(event, moments))
        if len(index):
            _paint(canvas, event, index, moments[index])
    _add_noise(canvas, scene, moments)
    frames: Frames = np.clip(canvas + 0.5, 0, 255).astype(np.uint8)
    return frames


def _progress(event: Event, times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.clip((times - event.start) / (event.end - event.start), 0, 1)


def _grid(size: int) -> Floats:
    return ((np.arange(size) + 0.5) / size).astype(np.float32)


def _background(scene: Scene, size: int) -> Floats:
    level, slope_x, slope_y = scene.background
    axis = _grid(size) - 0.5
    shade = level + slope_x * axis[None, :] + slope_y * axis[:, None]
    background: Floats = (shade[..., None] + np.array(scene.tint)).astype(np.float32)
    return background


def _paint(canvas: Floats, event: Event, index: npt.NDArray[np.intp], times: npt.NDArray[np.float64]) -> None:
    """Lay the thing over frames `index` of canvas [T, S, S, 3]; edges are one pixel soft."""
    size = canvas.shape[1]
    axis = _grid(size)
    centre = centres(event, times).astype(np.float32)
    done = _progress(event, times)
    radius = (event.radius[0] * (1 - done) + event.radius[1] * done).astype(np.float32)[:, None, None]
    x = axis[None, None, :] - centre[:, 0, None, None]
    y = axis[None, :, None] - centre[:, 1, None, None]
    cover = np.clip(0.5 - _distance(event.shape, x, y, radius) * size, 0, 1)[..., None]
    palette = np.array(list(COLOURS.values()), dtype=np.float32)
    canvas[index] += cover * (palette[colours(event, times)][:, None, None] - canvas[index])


def _distance(shape: str, x: Floats, y: Floats, radius: Floats) -> Floats:
    """Signed distance (negative inside) from points x [T, 1, S], y [T, S, 1] to a shape around the origin."""
    across, along = np.abs(x), np.abs(y)
    distance: Floats
    match shape:
        case "circle":
            distance = np.sqrt(x * x + y * y) - radius
        case "square":
            distance = np.maximum(across, along) - 0.86 * radius
        case "triangle":
            distance = np.maximum((1.75 * across - 0.95 * (y + radius)) / 1.99, y - 0.75 * radius)
        case "cross":
            arms = np.minimum(across, along) - 0.36 * radius
            distance = np.maximum(arms, np.maximum(across, along) - 1.05 * radius)
        case _:
            raise ValueError(f"no shape {shape!r}; there are {', '.join(SHAPES)}")
    return distance


def _add_noise(canvas: Floats, scene: Scene, times: npt.NDArray[np.float64]) -> None:
    """Grain of `scene.noise` grey levels: one seeded field, shifted by an amount that depends on the time."""
    size = canvas.shape[1]
    side = size + _NOISE_SHIFTS
    field = np.random.default_rng(scene.seed).standard_normal((side, side, 1), dtype=np.float32) * scene.noise
    for frame, milliseconds in zip(canvas, np.round(times * 1000).astype(int), strict=True):
        down, right = milliseconds * 7 % _NOISE_SHIFTS, milliseconds * 13 % _NOISE_SHIFTS
        frame += field[down : down + size, right : right + size]
