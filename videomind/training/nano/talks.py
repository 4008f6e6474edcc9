"""What each role is told about a clip and what it should reply."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from videomind.roles.answerer import OPTION_PREFIX, multiple_choice_text
from videomind.roles.grounder import clean_query
from videomind.roles.planner import plan_reply
from videomind.roles.spans import temporal_iou
from videomind.synth.questions import Query, Question, absent_query, queries, questions, repeated_queries
from videomind.synth.world import ACTIONS, COLOURS, SHAPES, Scene
from videomind.training.nano.packing import Talk
from videomind.training.nano.specs import REG, ROLE_SPECS
from videomind.training.nano.views import Span


@dataclass(frozen=True, slots=True)
class Grounding:
    """A query to ground, and its spans in seconds (none: never happens)."""

    talk: Talk
    spans: tuple[Span, ...]


ANSWERS = (
    *COLOURS,
    *SHAPES,
    *ACTIONS,
    *(f"the {colour} {shape}" for colour in COLOURS for shape in SHAPES),
    *map(str, range(7)),
    "yes",
    "no",
)
"""The short answers of this world."""
CHOICE_SHARE = 0.6
"""How often a question with wrong answers to choose from is asked as multiple choice."""


def answer_talk(question: Question, rng: Random) -> Talk:
    """The question free-form or with options."""
    if question.choices and rng.random() < CHOICE_SHARE:
        return choice_talk(question.with_options(rng))
    return Talk(ROLE_SPECS["answerer"].user_text(question.text), question.answer, answer=_answer_class(question))


def choice_talk(question: Question) -> Talk:
    text = ROLE_SPECS["answerer"].user_text(multiple_choice_text(question.text, question.options))
    reply = f"{OPTION_PREFIX}{question.letter}) {question.answer.capitalize()}"
    options = tuple(ANSWERS.index(option) for option in question.options)
    return Talk(text, reply, OPTION_PREFIX, _answer_class(question), options)


def _answer_class(question: Question) -> int | None:
    return ANSWERS.index(question.answer) if question.answer in ANSWERS else None


def plan_talk(question: Question) -> Talk:
    return Talk(ROLE_SPECS["planner"].user_text(question.text), plan_reply(question.query))


def ground_talk(query: Query) -> Grounding:
    spec = ROLE_SPECS["grounder"]
    return Grounding(Talk(spec.user_text(clean_query(query.text)), spec.reply_prefix), query.spans)


def verify_talk(query: Query, candidate: Span) -> Talk:
    """Whether the candidate is what is asked for: "Yes" should be as probable as its temporal IoU is large."""
    good = max((temporal_iou(span, candidate) for span in query.spans), default=0.0)
    return Talk(ROLE_SPECS["verifier"].user_text(query.text), "", yes=good)


def grounding_queries(scene: Scene, rng: Random) -> list[Query]:
    """Queries as users write them and as the planner rephrases questions, and some that never happen."""
    asked = [Query(q.query, (q.span,)) for q in questions(scene, rng) if q.query is not None and q.span is not None]
    return [
        *queries(scene, rng),
        *rng.sample(repeated := repeated_queries(scene, rng), min(2, len(repeated))),
        *rng.sample(asked, min(len(asked), 2 * len(scene.events))),
        absent_query(scene, rng),
        absent_query(scene, rng),
    ]


def verifiable_queries(scene: Scene, candidate: Span, rng: Random) -> list[Query]:
    """Questions and queries to judge a candidate by: about what it shows most of, and about other things."""
    asked = [Query(q.text, (q.span,)) for q in questions(scene, rng) if q.query is not None and q.span is not None]
    pool = [*queries(scene, rng), *repeated_queries(scene, rng), *asked]
    best = max(scene.events, key=lambda event: temporal_iou(event.span, candidate)).span
    about = [query for query in pool if best in query.spans]
    other = [query for query in pool if best not in query.spans]
    nothing = absent_query(scene, rng)
    return [*rng.choices(about, k=2), rng.choice(other or [nothing]), nothing]


def queries_of_prediction(scene: Scene) -> list[Query]:
    """The queries for which the grounder's predictions are collected, always the same for a scene."""
    rng = Random(scene.seed)
    once = rng.choice(queries(scene, rng))
    repeated = repeated_queries(scene, rng)
    return [once, rng.choice(repeated) if repeated else absent_query(scene, rng)]


def moment_questions(scene: Scene, event_span: Span, rng: Random) -> list[Question]:
    """Questions whose answer is to be seen in this moment; if it happens again elsewhere, as if it did not."""
    about = [q for q in questions(scene, rng) if q.span == event_span]
    if about:
        return about
    alone = replace(scene, events=tuple(event for event in scene.events if event.span == event_span))
    return [q for q in questions(alone, rng) if q.span == event_span]


def role_texts() -> list[str]:
    """The fixed words of prompts and replies, often enough for a tokenizer to learn them."""
    example = multiple_choice_text("Which?", [*"abcd"])
    fixed = [spec.prompt.replace("{query}", "") for spec in ROLE_SPECS.values()]
    fixed += [spec.reply_prefix.replace(REG, "") for spec in ROLE_SPECS.values()]
    return [
        *fixed,
        example,
        f"{OPTION_PREFIX}A) ",
        "system\nYou are a helpful assistant.",
        "user\n",
        "assistant\n",
    ] * 50
