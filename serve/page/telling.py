"""One turn as the page tells it: the question, the steps of the chain, the answer; the same live and from the store."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from videomind.events import AnswerToken, Done, Event, Grounded, Judged, PlanReady, Verified
from videomind.results import Candidate, Result, percent
from videomind.serve.asked import Ask
from videomind.serve.desk import Started, Step, Waiting
from videomind.serve.page.words import (
    answer_text,
    grounded_text,
    plan_text,
    span_text,
    summary_text,
    verified_text,
)
from videomind.serve.store.conversations import Turn, TurnState
from videomind.wire import result_from_json

Message = dict[str, Any]
"""As gr.Chatbot takes it."""
ENDS = {
    TurnState.CANCELLED: "Stopped.",
    TurnState.INTERRUPTED: "The server stopped before there was an answer. Ask again.",
}


@dataclass(slots=True)
class Told:
    """A finished step: its name, what came of it, and its seconds."""

    role: str
    title: str
    text: str
    seconds: float | None = None


@dataclass(slots=True)
class Telling:
    """What is known of one turn so far.

    Attributes:
        ask: what was asked.
        turn: its id, as soon as it has one.
        doing: what is under way; "" = nothing any more.
        steps: what is done, in order.
        candidates, moments: best first, as far as they are known.
        said: the answer so far.
        result: what came of it, when it is there.
        end: why there is no result, where it ended without.
    """

    ask: Ask
    turn: str = ""
    doing: str = "Starting"
    steps: list[Told] = field(default_factory=list)
    candidates: tuple[Candidate, ...] = ()
    moments: tuple[Candidate, ...] = ()
    said: str = ""
    result: Result | None = None
    end: str = ""
    _since: float = field(default_factory=perf_counter)

    @classmethod
    def of_turn(cls, turn: Turn) -> Telling:
        """What the store knows of it."""
        telling = cls(Ask.from_json(turn.asked), turn.id)
        if turn.result is not None:
            for event in _events(result_from_json(turn.result)):
                telling.take(event)
        elif turn.state is not TurnState.ASKED:
            telling.stop(turn.error or ENDS.get(turn.state, "There is no answer."))
        return telling

    def take(self, step: Step) -> None:
        """Note what has just happened."""
        match step:
            case Started(turn):
                self.turn, self.doing = turn, "Planning"
            case Waiting(position):
                self.doing = "Waiting: next in line" if position == 1 else f"Waiting: number {position} in line"
            case PlanReady(plan, query):
                self._done("planner", "Planned", plan_text(plan, query))
                self.doing = "Looking through the video" if "grounder" in plan.roles else "Answering"
            case Grounded(candidates):
                several = f"{len(candidates)} candidates" if len(candidates) != 1 else "1 candidate"
                self.candidates = candidates
                self._done("grounder", f"Found {several}", grounded_text(candidates))
                self.doing = "Verifying"
            case Verified(candidates):
                looked_at = sum(candidate.verified is not None for candidate in candidates)
                self.candidates = candidates
                self._done("verifier", f"Verified {looked_at}", verified_text(candidates))
                self.doing = "Answering"
            case Judged(presence, moments):
                where = "In this video" if moments else "Not in this video"
                self.moments = moments
                self.steps.append(Told("", where, f"{percent(presence)} likely"))
                self.doing = "Answering"
            case AnswerToken(text):
                self.said, self.doing = self.said + text, "Answering"
            case Done(result):
                self.result, self.doing = result, ""
                for told in self.steps:
                    told.seconds = result.timings.get(told.role, told.seconds)

    def stop(self, why: str) -> None:
        """It ended without a result."""
        self.doing, self.end = "", why[:1].upper() + why[1:]

    @property
    def answer(self) -> str:
        """The answer so far, or why there is none."""
        return self.end or self.said if self.result is None else answer_text(self.result, self.ask.options)

    def messages(self) -> list[Message]:
        """The question, one line on the work that opens to its steps, and the answer."""
        said = [_message("assistant", self.answer)] if self.answer else []
        return [_message("user", _question(self.ask)), *self._work(), *said]

    def _done(self, role: str, title: str, text: str) -> None:
        now = perf_counter()
        self.steps.append(Told(role, title, text, now - self._since))
        self._since = now

    def _work(self) -> Iterator[Message]:
        if not self.doing and not self.steps:
            return
        title = summary_text(self.result) if self.result is not None else self.doing or "Stopped"
        parent = f"work-{self.turn}"
        status = {"status": "pending" if self.doing else "done"}
        yield _message("assistant", "", title=title, id=parent, **status)
        for number, told in enumerate(self.steps):
            took = {} if told.seconds is None else {"duration": round(told.seconds, 2)}
            place = {"id": f"{parent}-{number}", "parent_id": parent, "status": "done"}
            yield _message("assistant", told.text, title=told.title, **place, **took)


def _message(role: str, text: str, **metadata: Any) -> Message:
    """Gradio takes text for HTML, also where it is told to render no Markdown."""
    message: Message = {"role": role, "content": html.escape(text, quote=False)}
    return message | {"metadata": metadata} if metadata else message


def _events(result: Result) -> Iterator[Event]:
    """What happened, as far as a result still tells."""
    yield PlanReady(result.plan, result.query)
    if result.trace.grounded:
        yield Grounded(result.trace.grounded)
    if any(candidate.verified is not None for candidate in result.candidates):
        yield Verified(result.candidates)
    if result.presence is not None:
        yield Judged(result.presence, result.moments)
    yield Done(result)


def _question(ask: Ask) -> str:
    options = [f"{letter}: {text}" for letter, text in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", ask.options, strict=False)]
    part = [f"About {span_text(*ask.span)}"] if ask.span is not None else []
    return "\n".join([ask.question, *options, *part])
