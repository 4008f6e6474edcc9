"""Chains in lockstep: whose calls are made together, what an error ends, and how time is shared out."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from videomind.agent import Agent
from videomind.calls import Call, Outcome
from videomind.cancellable import Cancel
from videomind.chain import Chain, Steps
from videomind.driving import drive, drive_together
from videomind.engines.base import Choice, Grounding, Reply, RoleRequest
from videomind.engines.torch_engine import TorchEngine
from videomind.errors import Cancelled, InputError
from videomind.events import AnswerToken, Done, Event, Grounded, PlanReady, Verified
from videomind.lora_switch.bundle import load_bundle
from videomind.results import Result
from videomind.task import Task
from videomind.vision.array_backend import ArrayReader

ALL = ("planner", "grounder", "verifier", "answerer")
TOO_LONG = "x" * 5000
"""Tokens; the tiny model's context is 4096."""


class Noting(TorchEngine):
    """Writes down the questions of each call, and can be cancelled in the middle."""

    calls: list[tuple[str, list[str]]]
    cancel_at: str | None = None

    def generate(self, requests: Sequence[RoleRequest], cancel: Cancel | None = None) -> list[Reply]:
        self._note(requests, cancel)
        return super().generate(requests, cancel)

    def choose(
        self, requests: Sequence[RoleRequest], choices: Sequence[str], cancel: Cancel | None = None
    ) -> list[Choice]:
        self._note(requests, cancel)
        return super().choose(requests, choices, cancel)

    def ground(self, requests: Sequence[RoleRequest], cancel: Cancel | None = None) -> list[Grounding]:
        self._note(requests, cancel)
        return super().ground(requests, cancel)

    def _note(self, requests: Sequence[RoleRequest], cancel: Cancel | None) -> None:
        role = requests[0].role
        self.calls.append((role, [request.text.removeprefix(f"As the {role}: ") for request in requests]))
        if role == self.cancel_at and cancel is not None:
            cancel.set()


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Iterator[Agent]:
    bundle = load_bundle(tiny_bundle)
    with Agent(bundle, Noting(bundle, device="cpu")) as agent:
        yield agent


@pytest.fixture
def engine(model: Agent) -> Iterator[Noting]:
    engine = model.engine
    assert isinstance(engine, Noting)
    model.forget()
    engine.calls = []
    yield engine
    engine.cancel_at = None


@pytest.fixture(scope="module")
def reader(frames: np.ndarray) -> ArrayReader:
    return ArrayReader(frames, 1.0)


@pytest.fixture
def start(model: Agent, reader: ArrayReader) -> Any:
    def chain(question: str, *roles: str, options: tuple[str, ...] = ()) -> Steps:
        task = Task(question, options, roles=frozenset(roles or ALL))
        return Chain(model._specs, reader, model._frames, task, "tiny", "torch").run()

    return chain


def first_call(steps: Steps) -> Call:
    return next(step for step in steps if isinstance(step, Call))


def results(events: list[tuple[int, Event | Exception]]) -> dict[int, Result]:
    return {place: event.result for place, event in events if isinstance(event, Done)}


def test_calls_of_one_role_are_one_batch(engine: Noting, start: Any) -> None:
    events = list(drive_together([start("one"), start("two"), start("three")], engine))
    assert [role for role, _ in engine.calls] == list(ALL)
    assert [texts for role, texts in engine.calls if role != "verifier"] == [["one", "two", "three"]] * 3
    assert engine.calls[2] == ("verifier", [text for text in ("one", "two", "three") for _ in range(5)])
    assert sorted(results(events)) == [0, 1, 2]


def test_who_skips_a_role_waits_for_the_others_where_they_meet_again(engine: Noting, start: Any) -> None:
    chains = [
        start("answered at once", "answerer"),
        start("all"),
        start("not verified", "grounder", "answerer"),
        start("not answered", "grounder", "verifier"),
    ]
    list(drive_together(chains, engine))
    assert [(role, list(dict.fromkeys(texts))) for role, texts in engine.calls] == [
        ("planner", ["all"]),
        ("grounder", ["all", "not verified", "not answered"]),
        ("verifier", ["all", "not answered"]),
        ("answerer", ["answered at once", "all", "not verified"]),
    ]


def test_each_chain_gives_the_events_it_gives_alone(engine: Noting, start: Any) -> None:
    asked = [("one", ALL), ("two", ("answerer",)), ("three", ("grounder", "verifier"))]
    together = list(drive_together([start(text, *roles) for text, roles in asked], engine))
    for place, (text, roles) in enumerate(asked):
        mine = [event for of, event in together if of == place]
        alone = [event for event in drive(start(text, *roles), engine) if not isinstance(event, AnswerToken)]
        assert [type(event) for event in mine] == [type(event) for event in alone]
        for one, other in zip(mine[:-1], alone[:-1], strict=True):
            if isinstance(one, PlanReady | Grounded):
                assert one == other
        assert results(together)[place].answer == results([(0, event) for event in alone])[0].answer
    assert [type(event) for place, event in together if place == 0] == [PlanReady, Grounded, Verified, Done]


def test_an_error_ends_only_the_chain_it_belongs_to(engine: Noting, start: Any) -> None:
    chains = [start("good"), start(TOO_LONG), start("good too"), start(TOO_LONG, "answerer"), start("the last")]
    events = list(drive_together(chains, engine))
    errors = {place: event for place, event in events if isinstance(event, Exception)}
    assert sorted(errors) == [1, 3]
    assert all(isinstance(error, InputError) and "too long" in str(error) for error in errors.values())
    assert sorted(results(events)) == [0, 2, 4]
    assert engine.calls[1:5] == [("planner", [text]) for text in ("good", TOO_LONG, "good too", "the last")]
    assert [len(texts) for role, texts in engine.calls if role == "grounder"] == [3]  # together again
    alone = results([(0, event) for event in drive(start("good too"), engine)])[0]
    assert results(events)[2].answer == alone.answer
    assert next(chains[1], None) is None  # closed


def test_an_error_of_a_chain_itself_ends_only_that(engine: Noting, start: Any) -> None:
    def failing() -> Steps:
        yield PlanReady(plan=None, query="")
        raise InputError("no frame")

    def failing_later(call: Call) -> Steps:
        yield call
        raise InputError("no frame either")

    call = first_call(start("unheard", "grounder"))
    events = list(drive_together([failing(), start("good"), failing_later(call)], engine))
    assert [(place, str(event)) for place, event in events if isinstance(event, Exception)] == [
        (0, "no frame"),
        (2, "no frame either"),
    ]
    assert list(results(events)) == [1]
    assert engine.calls[1] == ("grounder", ["good", "unheard"])


def test_no_chain_is_no_work(engine: Noting) -> None:
    assert list(drive_together([], engine)) == []
    assert engine.calls == []


@pytest.mark.parametrize("role", ALL)
def test_a_cancelled_batch_ends_all(engine: Noting, start: Any, role: str) -> None:
    engine.cancel_at = role
    with pytest.raises(Cancelled):
        list(drive_together([start("one"), start("two")], engine, Cancel()))
    assert engine.calls[-1][0] == role
    assert [of for of, _ in engine.calls].count(role) == 1  # not asked again one by one


def test_a_chain_that_was_cancelled_itself_ends_all(engine: Noting) -> None:
    def cancelled() -> Steps:
        raise Cancelled("enough")
        yield

    with pytest.raises(Cancelled):
        list(drive_together([cancelled()], engine))


def test_time_is_shared_out_by_requests(engine: Noting, start: Any) -> None:
    def timed(role: str, requests: int, got: list[Outcome]) -> Steps:
        call = first_call(start("what?", role))
        got.append((yield Call(role, call.requests * requests)))

    got: list[Outcome] = []
    list(drive_together([timed("answerer", count, got) for count in (1, 3, 4)], engine))
    assert [len(outcome.values) for outcome in got] == [1, 3, 4]
    share = got[0].seconds
    assert share > 0
    np.testing.assert_allclose([outcome.seconds for outcome in got], [share, 3 * share, 4 * share])


def test_timings_of_a_batch_add_up_to_its_time(engine: Noting, start: Any) -> None:
    found = results(list(drive_together([start("one"), start("two", "grounder", "verifier")], engine)))
    for role in ("grounder", "verifier"):
        (seconds,) = {call.seconds for result in found.values() for call in result.trace.calls if call.role == role}
        count = sum(call.role == role for call in found[0].trace.calls)
        assert found[0].timings[role] == pytest.approx(seconds * count, abs=1e-5)
    assert sum(seconds for what, seconds in found[0].timings.items() if what != "total") <= found[0].timings["total"]


def test_two_runs_make_the_same_batches_and_give_the_same_bits(model: Agent, engine: Noting, start: Any) -> None:
    def run() -> tuple[list[tuple[str, list[str]]], list[object]]:
        model.forget()
        engine.calls = []
        asked = [start("one"), start(TOO_LONG), start("two", "answerer", options=("yes", "no")), start("three")]
        events = list(drive_together(asked, engine))
        found = [(r.candidates, r.answer, [c.reply for c in r.trace.calls]) for r in results(events).values()]
        return engine.calls, [(place, type(event)) for place, event in events] + found

    assert run() == run()


def test_one_chain_streams_its_answer(engine: Noting, start: Any) -> None:
    *events, done = drive(start("one", "answerer"), engine)
    pieces = "".join(event.text for event in events if isinstance(event, AnswerToken))
    assert isinstance(done, Done)
    assert done.result.answer is not None
    assert pieces.strip() == done.result.answer.text
    assert done.result.timings["answerer"] > 0
