"""Results and events as JSON and back, as a server writes and a client reads them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from videomind.errors import EngineError
from videomind.events import AnswerToken, Done, Event, Grounded, Judged, PlanReady, Verified
from videomind.results import Result, candidates_to_json, fields_of

_NAMES: dict[type[Event], str] = {
    PlanReady: "plan_ready",
    Grounded: "grounded",
    Verified: "verified",
    Judged: "judged",
    AnswerToken: "answer_token",
    Done: "done",
}
_EVENTS = {name: kind for kind, name in _NAMES.items()}


def event_to_json(event: Event) -> dict[str, Any]:
    """A JSON-ready dict (seconds to the millisecond); its key "event" names what happened."""
    data: dict[str, Any] = {"event": _NAMES[type(event)]}
    match event:
        case PlanReady():
            return data | {"plan": fields_of(event.plan), "query": event.query}
        case Grounded() | Verified():
            return data | {"candidates": candidates_to_json(event.candidates)}
        case Judged():
            return data | {"presence": event.presence, "moments": candidates_to_json(event.moments)}
        case AnswerToken():
            return data | {"text": event.text}
        case Done():
            return data | {"result": result_to_json(event.result)}


def event_from_json(data: Mapping[str, Any]) -> Event:
    """The event that `event_to_json` wrote; fields of later versions are left out.

    Raises:
        EngineError: it is none.
    """
    kind = _EVENTS.get(str(data.get("event")))
    if kind is None:
        raise EngineError(f"the server sent an unknown event {data.get('event')!r}: update videomind")
    event: Event = _read(kind, data)
    return event


def result_to_json(result: Result) -> dict[str, Any]:
    """A JSON-ready dict of a result with its trace."""
    return result.to_json() | {"trace": result.trace.to_json()}


def result_from_json(data: Mapping[str, Any]) -> Result:
    """The result that `result_to_json` or `Result.to_json` wrote.

    Raises:
        EngineError: it is none.
    """
    result: Result = _read(Result, data)
    return result


def _read(kind: type, data: Mapping[str, Any]) -> Any:
    from pydantic import ValidationError

    try:
        return _adapter(kind).validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise EngineError(f"the server sent no {kind.__name__}: {where}: {first['msg']}") from error


@cache
def _adapter(kind: type) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
