"""Scenes of coloured shapes that appear, do one thing, and disappear. Times in seconds, lengths in frame sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (220, 40, 40),
    "green": (40, 185, 60),
    "blue": (50, 85, 235),
    "yellow": (235, 215, 45),
    "purple": (170, 60, 200),
    "white": (238, 238, 238),
}
SHAPES = ("circle", "square", "triangle", "cross")
MOVES: dict[str, tuple[int, int]] = {
    "moves left": (-1, 0),
    "moves right": (1, 0),
    "moves up": (0, -1),
    "moves down": (0, 1),
}
ACTIONS = (*MOVES, "stays still", "blinks", "grows", "changes colour")
BLINK_PERIOD = 1.0
"""A blinking thing is visible in the first half of each period, counted from its start."""
FLASH = 0.6
"""Seconds for which a thing that flashes has another colour."""
FLASHING = (*MOVES, "stays still", "grows")
"""Actions during which a thing may flash."""


@dataclass(frozen=True, slots=True)
class World:
    """How hard the scenes are: what exists in them and how events may lie in time.

    Attributes:
        colours, shapes, actions: what may occur.
        duration: shortest and longest video.
        events: fewest and most events in a video.
        length: shortest and longest event.
        gap: least time between two events that do not overlap.
        overlap: chance that an event starts while the one before it is still going on (never three at once).
        kin: chance that a thing shares its colour or its shape with an earlier one (a distractor).
        twin: chance that an event shows a thing again that was there before.
        again: chance that it then does the same again.
        flash: chance that a thing takes another colour for a moment.
        radius: smallest and largest thing.
        brightness: grey level of the background.
        slope: by how much, at most, the background's level changes across the frame.
        noise: grain, in grey levels.
        fps: frames per second of the video file.
    """

    colours: tuple[str, ...] = tuple(COLOURS)
    shapes: tuple[str, ...] = SHAPES
    actions: tuple[str, ...] = ACTIONS
    duration: tuple[float, float] = (16.0, 40.0)
    events: tuple[int, int] = (3, 6)
    length: tuple[float, float] = (2.5, 6.0)
    gap: float = 0.6
    overlap: float = 0.25
    kin: float = 0.4
    twin: float = 0.25
    again: float = 0.3
    flash: float = 0.5
    radius: tuple[float, float] = (0.17, 0.22)
    brightness: tuple[float, float] = (25.0, 90.0)
    slope: float = 20.0
    noise: tuple[float, float] = (1.0, 5.0)
    fps: float = 10.0


OTHER_STYLE = World(
    duration=(40.0, 120.0),
    length=(3.5, 9.0),
    radius=(0.14, 0.26),
    brightness=(10.0, 115.0),
    slope=45.0,
    noise=(5.0, 10.0),
    fps=12.5,
)
"""Scenes as `World()` never shows them: up to three times as long, slower, other sizes, backgrounds and grain."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing doing one thing: visible for `start <= t < end`, its centre on a straight line, its radius linear in t.

    Attributes:
        colour, shape: what it is; no two things seen at once share both.
        action: one of `ACTIONS`.
        becomes: its colour from the middle of the event on ("changes colour" only, else its colour).
        flash: its colour for `FLASH` seconds from `flash_at` on, or None.
        path: x, y at the start and x, y at the end; the origin is the upper left corner.
        radius: at the start and at the end.
    """

    colour: str
    shape: str
    action: str
    start: float
    end: float
    becomes: str
    path: tuple[float, float, float, float]
    radius: tuple[float, float]
    flash: str | None = None
    flash_at: float = 0.0

    def __post_init__(self) -> None:
        assert self.start < self.end, "an event takes time"

    @property
    def name(self) -> str:
        return f"{self.colour} {self.shape}"

    @property
    def span(self) -> tuple[float, float]:
        return (self.start, self.end)

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2


@dataclass(frozen=True, slots=True)
class Scene:
    """A video to be: its events by start time, its background (grey level, slope across x and y, noise) and seed."""

    seed: int
    duration: float
    fps: float
    events: tuple[Event, ...]
    background: tuple[float, float, float] = (60.0, 0.0, 0.0)
    tint: tuple[float, float, float] = field(default=(0.0, 0.0, 0.0))
    noise: float = 3.0

    @property
    def frames(self) -> int:
        return round(self.duration * self.fps)


def sample_scene(seed: int, world: World | None = None) -> Scene:
    """A scene drawn from `world` (default: `World()`); the same seed and world give the same scene."""
    world = world or World()
    rng = Random(seed)
    duration = round(rng.uniform(*world.duration), 1)
    spans = _sample_spans(rng, world, duration)
    names = _sample_names(rng, world, len(spans))
    events: list[Event] = []
    for index, ((start, end), (colour, shape)) in enumerate(zip(spans, names, strict=True)):
        before = events[-1] if events and events[-1].end > start else None
        shared = before is not None or (index + 1 < len(spans) and spans[index + 1][0] < end)
        taken = {c for c, s in names if s == shape} | {e.becomes for e in events if e.shape == shape}
        known = [e for e in events if e.becomes == e.colour and (before is None or e.name != before.name)]
        if known and rng.random() < world.twin:
            events.append(_sample_twin(rng, world, rng.choice(known), (start, end), before, shared))
        else:
            events.append(_sample_event(rng, world, (colour, shape), (start, end), before, shared, taken))
    slope = world.slope
    background = (rng.uniform(*world.brightness), rng.uniform(-slope, slope), rng.uniform(-slope, slope))
    tint = (rng.uniform(-8, 8), rng.uniform(-8, 8), rng.uniform(-8, 8))
    return Scene(seed, duration, world.fps, tuple(events), background, tint, rng.uniform(*world.noise))


def _sample_spans(rng: Random, world: World, duration: float) -> list[tuple[float, float]]:
    """Spans by start, at most two at once, starts at least a second apart; lengths and ends in tenths of a second."""
    fit = int((duration - world.gap) / (world.length[0] + world.gap))
    count = min(rng.randint(*world.events), fit)
    lengths = [rng.uniform(*world.length) for _ in range(count)]
    shortest = world.length[0]
    room = duration - world.gap * (count + 1)
    if sum(lengths) > room:
        spare = (room - shortest * count) / max(sum(lengths) - shortest * count, 1e-9)
        lengths = [shortest + (length - shortest) * spare for length in lengths]
    slack = room - sum(lengths)
    cuts = sorted(rng.uniform(0, slack) for _ in range(count))
    spans: list[tuple[float, float]] = []
    clock, paired = 0.0, False
    for length, cut in zip(lengths, cuts, strict=True):
        start = clock + world.gap + cut
        paired = bool(spans) and not paired and rng.random() < world.overlap
        if paired:
            first, last = spans[-1]
            start = max(first + 1.0, last - rng.uniform(0.3, 0.8) * (last - first))
        spans.append((round(start, 1), round(start + length, 1)))
        clock += world.gap + length
    return spans


def _sample_names(rng: Random, world: World, count: int) -> list[tuple[str, str]]:
    names: list[tuple[str, str]] = []
    while len(names) < count:
        colour, shape = rng.choice(world.colours), rng.choice(world.shapes)
        if names and rng.random() < world.kin:
            kin_colour, kin_shape = rng.choice(names)
            colour, shape = (kin_colour, shape) if rng.random() < 0.5 else (colour, kin_shape)
        if (colour, shape) not in names:
            names.append((colour, shape))
    return names


def _sample_twin(
    rng: Random, world: World, known: Event, span: tuple[float, float], before: Event | None, shared: bool
) -> Event:
    """The thing of an earlier event once more: doing the same, or the same but for a flash, or something else."""
    taken = set(world.colours)
    kind, alike = (known.colour, known.shape), [known.action]
    again = rng.random() < world.again
    if not again and rng.random() < 0.5:
        alike = [a for a in world.actions if a != known.action]
    event = _sample_event(rng, world, kind, span, before, shared, taken, alike)
    if again and event.action == known.action:
        return replace(event, flash=known.flash, flash_at=_flash_at(rng, span))
    return event


def _flash_at(rng: Random, span: tuple[float, float]) -> float:
    return round(rng.uniform(span[0] + 0.4, span[1] - FLASH - 0.4), 1)


def _sample_event(
    rng: Random,
    world: World,
    name: tuple[str, str],
    span: tuple[float, float],
    before: Event | None,
    shared: bool,
    taken: set[str],
    wanted: Sequence[str] = (),
) -> Event:
    """An event that becomes none of the `taken` colours.

    `shared`: it overlaps another in time and so keeps to a half of the frame (`before` has the other). `wanted`: its
    action is one of these if it can be.
    """
    colour, shape = name
    free = [c for c in world.colours if c not in taken]
    allowed = [a for a in world.actions if a != "changes colour" or free]
    if before is not None:
        flat = before.path[1] == before.path[3] and abs(before.path[1] - 0.5) > 0.2
        allowed = [a for a in allowed if a not in MOVES or (MOVES[a][0] != 0) == flat]
    action = rng.choice([a for a in allowed if a in wanted] or allowed)
    if before is None:
        flat = rng.random() < 0.5 if action not in MOVES else MOVES[action][0] != 0
    aside = rng.uniform(0.25, 0.75)
    if shared:
        aside = rng.choice((0.26, 0.74)) + rng.uniform(-0.02, 0.02)
    if before is not None:
        aside = 1.0 - (before.path[1] if flat else before.path[0])
    along = (rng.uniform(0.25, 0.75),) * 2
    if action in MOVES:
        far = (rng.uniform(0.18, 0.26), rng.uniform(0.74, 0.82))
        along = far if sum(MOVES[action]) > 0 else far[::-1]
    path = (along[0], aside, along[1], aside) if flat else (aside, along[0], aside, along[1])
    radius = rng.uniform(*world.radius)
    radii = (0.5 * radius, 1.15 * radius) if action == "grows" else (radius, radius)
    becomes = rng.choice(free) if action == "changes colour" else colour
    flash = None
    if action in FLASHING and rng.random() < world.flash:
        flash = rng.choice([c for c in world.colours if c != colour])
    return Event(colour, shape, action, *span, becomes, path, radii, flash, _flash_at(rng, span) if flash else 0.0)
