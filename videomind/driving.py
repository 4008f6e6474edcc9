"""Driving chains: an engine makes the calls that they wait for, of one chain alone or of many in lockstep."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from typing import Any

from videomind.calls import CHOICES, Call, Outcome
from videomind.cancellable import Cancel
from videomind.chain import Steps
from videomind.engines.base import Engine, Reply, RoleRequest
from videomind.errors import Cancelled
from videomind.events import AnswerToken, Event
from videomind.roles.spec import ROLES


def drive(steps: Steps, engine: Engine, cancel: Cancel | None = None) -> Iterator[Event]:
    """The events of one chain as they happen; the answer comes in pieces."""
    outcome: Outcome | None = None
    while True:
        try:
            step = _resume(steps, outcome)
        except StopIteration:
            return
        outcome = None
        if not isinstance(step, Call):
            yield step
        elif step.role == "answerer":
            outcome = yield from _stream(step.requests[0], engine, cancel)
        else:
            outcome = _make(step.role, step.requests, engine, cancel)


def drive_together(
    chains: Sequence[Steps], engine: Engine, cancel: Cancel | None = None
) -> Iterator[tuple[int, Event | Exception]]:
    """The events of several chains, each with the place of its chain; calls of one role are made as one batch.

    The role that stands first in the chain is always served first, so that chains which skip a role wait for the
    others where they meet again. What is in a batch depends on the chains alone, not on time, so that two runs
    give the same numbers. An error ends only the chain it belongs to, and is given in place of its last event.

    Raises:
        Cancelled: the cancel event was set.
    """
    waiting: dict[int, Call] = {}
    for place, steps in enumerate(chains):
        yield from _advance(place, steps, None, waiting)
    while waiting:
        role = min((call.role for call in waiting.values()), key=ROLES.index)
        places = sorted(place for place, call in waiting.items() if call.role == role)
        calls = [waiting.pop(place) for place in places]
        for place, outcome in zip(places, _make_together(role, calls, engine, cancel), strict=True):
            steps = chains[place]
            if isinstance(outcome, Exception):
                steps.close()
                yield place, outcome
            else:
                yield from _advance(place, steps, outcome, waiting)


def _resume(steps: Steps, outcome: Outcome | None) -> Event | Call:
    return next(steps) if outcome is None else steps.send(outcome)


def _advance(
    place: int, steps: Steps, outcome: Outcome | None, waiting: dict[int, Call]
) -> Iterator[tuple[int, Event | Exception]]:
    """Lets a chain go on to its next call or its end."""
    try:
        step = _resume(steps, outcome)
        while not isinstance(step, Call):
            yield place, step
            step = next(steps)
    except StopIteration:
        return
    except Cancelled:
        raise
    except Exception as error:
        yield place, error
    else:
        waiting[place] = step


def _make_together(
    role: str, calls: Sequence[Call], engine: Engine, cancel: Cancel | None
) -> Sequence[Outcome | Exception]:
    """The outcome of each call, all made as one batch; one by one if that fails, so that only the culprit suffers."""
    try:
        outcome = _make(role, [request for call in calls for request in call.requests], engine, cancel)
    except Cancelled:
        raise
    except Exception as error:
        if len(calls) == 1:
            return [error]
        return [_make_together(role, [call], engine, cancel)[0] for call in calls]
    values, share = iter(outcome.values), outcome.seconds / len(outcome.values)
    return [Outcome([next(values) for _ in call.requests], share * len(call.requests)) for call in calls]


def _make(role: str, requests: Sequence[RoleRequest], engine: Engine, cancel: Cancel | None) -> Outcome:
    began = time.perf_counter()
    values: Sequence[Any]
    match role:
        case "grounder":
            values = engine.ground(requests, cancel)
        case "verifier":
            values = engine.choose(requests, CHOICES, cancel)
        case _:
            values = engine.generate(requests, cancel)
    return Outcome(values, time.perf_counter() - began)


def _stream(request: RoleRequest, engine: Engine, cancel: Cancel | None) -> Generator[Event, None, Outcome]:
    began = time.perf_counter()
    for piece in engine.stream(request, cancel):
        if isinstance(piece, Reply):
            reply = piece
        else:
            yield AnswerToken(piece)
    return Outcome([reply], time.perf_counter() - began)
