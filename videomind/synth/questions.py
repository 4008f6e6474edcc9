"""Questions about a scene whose answers and spans follow from it, and queries for things that never happen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from random import Random

from videomind.synth.describe import VERBS, Description, Form, deeds, descriptions
from videomind.synth.world import ACTIONS, COLOURS, SHAPES, Event, Scene

Span = tuple[float, float]
OPTIONS = 4
IN_THE_MOMENT = "in the moment shown"
NOTHING = "not in this video"
FLASH_WORDINGS = ("Which colour does {} flash?", "What colour does {} flash for a moment?")
MOTION_WORDINGS = ("What does {} do?", "What is {} doing?", "What happens to {}?")


@dataclass(frozen=True, slots=True)
class Query:
    """A text to ground and the spans (seconds) it means, in order of time; none if it never happens."""

    text: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its answer.

    Attributes:
        kind: what it asks for: colour, shape, motion, turn, flash, when (grounded); first, last, after, before, order,
            count, exists, describe (about the whole video).
        text: as a user would ask it.
        answer: the right answer.
        choices: wrong answers that could be right in other videos, the most tempting first.
        query: what to look for first, or None if the whole video is needed.
        span: where the answer is to be seen (seconds), or None.
        options: the options of a multiple-choice question, else ().
    """

    kind: str
    text: str
    answer: str
    choices: tuple[str, ...] = ()
    query: str | None = None
    span: Span | None = None
    options: tuple[str, ...] = ()

    @property
    def letter(self) -> str:
        """The right option's letter."""
        return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[self.options.index(self.answer)]

    def with_options(self, rng: Random) -> Question:
        """The same question as multiple choice, the options shuffled."""
        options = [self.answer, *self.choices[: OPTIONS - 1]]
        rng.shuffle(options)
        return replace(self, options=tuple(options))


def queries(scene: Scene, rng: Random) -> list[Query]:
    """For each event one query, in one of the forms people use; where it can, the query means that event alone."""
    return [_query(rng, scene, event, most=1) for event in scene.events]


def repeated_queries(scene: Scene, rng: Random) -> list[Query]:
    """For each event a query that means it and others, if there is one."""
    found = (_query(rng, scene, event, most=len(scene.events)) for event in scene.events)
    return [query for query in found if len(query.spans) > 1]


def _query(rng: Random, scene: Scene, event: Event, most: int) -> Query:
    """A query for the event that means `most` events or fewer, if it can."""
    ways = [(described, described.within(scene)) for described in descriptions(event)]
    fitting = [way for way in ways if len(way[1]) == most] if most == 1 else [way for way in ways if len(way[1]) > 1]
    fewest = min(len(meant) for _, meant in ways)
    described, meant = rng.choice(fitting or [way for way in ways if len(way[1]) == fewest])
    return Query(wording(rng, described), tuple(e.span for e in meant))


def absent_query(scene: Scene, rng: Random) -> Query:
    """A query for something that does not happen in the scene, though parts of it may."""
    while True:
        event = rng.choice(scene.events)
        near = Description(event.colour, event.shape, event.action)
        part = rng.choice(("colour", "shape", "action", "colour and shape"))
        deed = rng.choice((rng.choice(ACTIONS), f"flashes {rng.choice(list(COLOURS))}"))
        other = Description(rng.choice(list(COLOURS)), rng.choice(SHAPES), deed)
        described = replace(
            near,
            colour=other.colour if "colour" in part else near.colour,
            shape=other.shape if "shape" in part else near.shape,
            action=other.action if part == "action" else rng.choice((None, near.action)),
        )
        if not described.within(scene) and described.action != f"flashes {described.colour}":
            return Query(wording(rng, described), ())


def absent_question(scene: Scene, rng: Random) -> Question:
    """A question about a thing that is not in the scene."""
    thing = f"the {rng.choice(_absent_names(scene))}"
    ways = {"motion": MOTION_WORDINGS, "flash": FLASH_WORDINGS}
    kind = rng.choice(list(ways))
    return Question(kind, rng.choice(ways[kind]).format(thing), NOTHING, (), thing, None)


def wording(rng: Random, described: Description) -> str:
    """A description in one of the forms people use for what they look for."""
    form: Form = rng.choice(("clause", "clause", "relative", "gerund"))
    if described.action is not None and described.action not in VERBS:  # what is meant is the thing, not its flash
        phrase = described.phrase(rng.choice(("relative", "relative", "gerund")))
        return rng.choice((phrase, phrase.capitalize()))
    phrase = described.phrase(form)
    ways = [
        phrase,
        phrase,
        f"{phrase}.",
        phrase.capitalize(),
        f"the moment when {described.phrase('clause')}",
    ]
    if described.action is None:
        noun = described.noun
        ways = [phrase, noun, f"a {noun}", phrase.capitalize(), f"{phrase} appears", f"a {noun} appears"]
    else:
        plain = VERBS[described.action][0]
        ways += [f"When does the {described.noun} {plain}?", f"a {described.noun} {described.action}"]
    return rng.choice(ways)


def questions(scene: Scene, rng: Random) -> list[Question]:
    """All kinds of questions the scene allows, each once or a few times, in random wording and order."""
    asked = [question for make in _MAKERS for question in make(scene, rng)]
    rng.shuffle(asked)
    return asked


def describe(scene: Scene) -> str:
    """The whole video in a sentence per event."""
    sentences = [f"a {e.name} {' and '.join(deeds(e))}" for e in scene.events]
    return ". then ".join(sentences) + "."


def _colour(scene: Scene, rng: Random) -> Iterable[Question]:
    for event in scene.events:
        for shape in (event.shape, None):
            seen = Description(None, shape, rng.choice(deeds(event)))
            if seen.is_unique(scene) and event.colour == event.becomes:
                text = rng.choice(("What colour is {}?", "Which colour is {}?", "What is the colour of {}?"))
                yield _grounded("colour", text, seen, event, event.colour, _others(rng, COLOURS, event.colour))


def _shape(scene: Scene, rng: Random) -> Iterable[Question]:
    for event in scene.events:
        for colour in (event.colour, None):
            seen = Description(colour, None, rng.choice(deeds(event)))
            if seen.is_unique(scene):
                text = rng.choice(("What shape is {}?", "Which shape is {}?", "What is the shape of {}?"))
                yield _grounded("shape", text, seen, event, event.shape, _others(rng, SHAPES, event.shape))


def _motion(scene: Scene, rng: Random) -> Iterable[Question]:
    for event in scene.events:
        for seen in (Description(event.colour, event.shape), Description(None, event.shape)):
            if seen.is_unique(scene):
                text = rng.choice(MOTION_WORDINGS)
                yield _grounded("motion", text, seen, event, event.action, _others(rng, ACTIONS, event.action))


def _turn(scene: Scene, rng: Random) -> Iterable[Question]:
    for event in scene.events:
        seen = Description(event.colour, event.shape)
        if event.becomes != event.colour and seen.is_unique(scene):
            text = rng.choice(("Which colour does {} turn into?", "What colour does {} become?"))
            choices = (event.colour, *(c for c in _others(rng, COLOURS, event.becomes) if c != event.colour))
            yield _grounded("turn", text, seen, event, event.becomes, choices)


def _flash(scene: Scene, rng: Random) -> Iterable[Question]:
    for event in scene.events:
        ways = [Description(event.colour, event.shape, action) for action in (None, event.action)]
        clear = [seen for seen in ways if seen.is_unique(scene)]
        if event.flash is not None and clear:
            text = rng.choice(FLASH_WORDINGS)
            choices = tuple(c for c in _others(rng, COLOURS, event.flash) if c != event.colour)
            yield _grounded("flash", text, rng.choice(clear), event, event.flash, choices)


def _when(scene: Scene, rng: Random) -> Iterable[Question]:
    for event in scene.events:
        seen = Description(event.colour, event.shape, event.action)
        if seen.is_unique(scene):
            plain = VERBS[event.action][0]
            text = f"When does the {seen.noun} {plain}?"
            yield Question("when", text, IN_THE_MOMENT, (), seen.phrase("clause"), event.span)


def _grounded(kind: str, text: str, seen: Description, event: Event, answer: str, choices: tuple[str, ...]) -> Question:
    phrase = seen.phrase("relative")
    return Question(kind, text.format(phrase), answer, choices, phrase, event.span)


def _ends(scene: Scene, rng: Random) -> Iterable[Question]:
    for kind, event in (("first", scene.events[0]), ("last", scene.events[-1])):
        text = rng.choice(("Which thing appears {}?", "What appears {}?", "What comes {}?"))
        yield Question(kind, text.format(kind), *_thing_answer(scene, rng, event))


def _neighbours(scene: Scene, rng: Random) -> Iterable[Question]:
    for early, late in zip(scene.events, scene.events[1:], strict=False):
        for kind, anchor, answer in (("after", early, late), ("before", late, early)):
            if not Description(anchor.colour, anchor.shape).is_unique(scene) or answer.name == anchor.name:
                continue
            text = rng.choice(("What appears right {}?", "Which thing appears right {}?", "What comes right {}?"))
            choices = _thing_answer(scene, rng, answer, without=anchor)
            yield Question(kind, text.format(f"{kind} the {anchor.name}"), *choices)


def _order(scene: Scene, rng: Random) -> Iterable[Question]:
    once = [e for e in scene.events if Description(e.colour, e.shape).is_unique(scene)]
    if len(once) < 2:
        return
    early, late = sorted(rng.sample(once, 2), key=lambda e: e.start)
    first, second = rng.sample((early, late), 2)
    word = rng.choice(("before", "after"))
    right = (first is early) == (word == "before")
    text = f"Does the {first.name} appear {word} the {second.name}?"
    yield Question("order", text, "yes" if right else "no", ("no" if right else "yes",))


def _count(scene: Scene, rng: Random) -> Iterable[Question]:
    action = rng.choice([rng.choice(scene.events).action, rng.choice(ACTIONS)])
    shape = rng.choice([rng.choice(scene.events).shape, rng.choice(SHAPES)])
    plural = "crosses" if shape == "cross" else f"{shape}s"
    things = {
        "How many things appear?": len(scene.events),
        f"How many things {VERBS[action][0]}?": sum(e.action == action for e in scene.events),
        f"How many {plural} appear?": sum(e.shape == shape for e in scene.events),
    }
    for text, count in things.items():
        near = sorted((n for n in range(7) if n != count), key=lambda n: (abs(n - count), rng.random()))
        yield Question("count", text, str(count), tuple(map(str, near)))


def _exists(scene: Scene, rng: Random) -> Iterable[Question]:
    if rng.random() < 0.5:
        yield Question("exists", f"Is there a {rng.choice(scene.events).name}?", "yes", ("no",))
    else:
        yield Question("exists", f"Is there a {rng.choice(_absent_names(scene))}?", "no", ("yes",))


def _describe(scene: Scene, rng: Random) -> Iterable[Question]:
    yield Question("describe", rng.choice(("Describe the video.", "What happens in the video?")), describe(scene))


def _thing_answer(scene: Scene, rng: Random, event: Event, without: Event | None = None) -> tuple[str, tuple[str, ...]]:
    """The event's name as an answer, and wrong ones: first the scene's other things, then things not in it."""
    known = {event.name, without.name if without else event.name}
    others = sorted({e.name for e in scene.events} - known)
    rng.shuffle(others)
    absent = _absent_names(scene)
    rng.shuffle(absent)
    return f"the {event.name}", tuple(f"the {name}" for name in [*others, *absent][:6])


def _absent_names(scene: Scene) -> list[str]:
    seen = {(colour, e.shape) for e in scene.events for colour in (e.colour, e.becomes)}
    return [f"{colour} {shape}" for colour in COLOURS for shape in SHAPES if (colour, shape) not in seen]


def _others(rng: Random, values: Iterable[str], answer: str) -> tuple[str, ...]:
    rest = [value for value in values if value != answer]
    rng.shuffle(rest)
    return tuple(rest)


_MAKERS: tuple[Callable[[Scene, Random], Iterable[Question]], ...] = (
    _colour,
    _shape,
    _motion,
    _turn,
    _flash,
    _when,
    _ends,
    _neighbours,
    _order,
    _count,
    _exists,
    _describe,
)
