"""Cancelling in every phase, priorities and full houses: nothing is left behind in the engine."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.engines.vllm.ask import clip, request
from videomind.cancellable import Cancel
from videomind.engines.base import Reply, Service
from videomind.engines.vllm_engine import VLLMEngine
from videomind.errors import Cancelled, EngineBusy

pytestmark = pytest.mark.vllm


def unfinished(engine: VLLMEngine) -> int:
    return int(engine._llm.get_num_unfinished_requests())


def soon(condition: Callable[[], bool]) -> bool:
    """Whether it comes true within some seconds."""
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def test_before_it_began(nano: VLLMEngine) -> None:
    cancel = Cancel()
    cancel.set()
    for call in (
        lambda: nano.generate([request("planner", clip(31))], cancel),
        lambda: nano.choose([request("verifier", clip(31))], ["Yes"], cancel),
        lambda: nano.ground([request("grounder", clip(31))], cancel),
        lambda: list(nano.stream(request("answerer", clip(31)), cancel)),
    ):
        with pytest.raises(Cancelled):
            call()
    assert soon(lambda: unfinished(nano) == 0)


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.1])
def test_while_it_waits_or_runs(nano: VLLMEngine, delay: float) -> None:
    cancel = Cancel()
    many = [request("planner", clip(seed)) for seed in range(32, 36)] * 20
    timer = threading.Timer(delay, cancel.set)
    timer.start()
    with pytest.raises(Cancelled):
        nano.generate(many, cancel)
    assert soon(lambda: unfinished(nano) == 0)
    assert nano.generate(many[:1])[0].text


def test_in_the_middle_of_a_stream(nano: VLLMEngine) -> None:
    cancel = Cancel()
    pieces = nano.stream(request("planner", clip(31)), cancel)
    next(pieces)
    cancel.set()
    with pytest.raises(Cancelled):
        list(pieces)
    assert soon(lambda: unfinished(nano) == 0)


def test_a_stream_that_nobody_reads_on(nano: VLLMEngine) -> None:
    pieces = nano.stream(request("planner", clip(31)))
    next(pieces)
    pieces.close()  # a generator
    assert soon(lambda: unfinished(nano) == 0)
    assert nano._calls == 0


def test_the_kv_of_cancelled_requests_is_free_again(nano: VLLMEngine) -> None:
    """A whole cache full of cancelled requests, several times over."""
    for _ in range(3):
        cancel = Cancel()
        threading.Timer(0.05, cancel.set).start()
        with pytest.raises(Cancelled):
            nano.generate([request("planner", clip(37), "Why? " * 200)] * 100, cancel)
    replies: list[Reply] = nano.generate([request("planner", clip(38))] * 32)
    assert len({reply.text for reply in replies}) == 1


def test_a_call_of_higher_priority_overtakes_those_that_wait(nano: VLLMEngine) -> None:
    many, seen = 160, clip(39)
    with ThreadPoolExecutor(many) as threads:
        patient = replace(request("planner", seen), service=Service(priority=1))
        waiting = [threads.submit(nano.generate, [patient]) for _ in range(many)]
        # on a busy machine some have ended before the last has begun
        assert soon(lambda: nano._calls + sum(call.done() for call in waiting) == many)
        nano.generate([request("planner", seen)])
        overtaken = sum(not call.done() for call in waiting)
    assert overtaken > many / 4


def test_too_many_calls_are_refused_at_once(nano: VLLMEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nano, "options", nano.options.model_copy(update={"max_num_seqs": 1, "max_waiting": 0}))
    pieces = nano.stream(request("planner", clip(31)))
    next(pieces)
    with pytest.raises(EngineBusy, match="max_waiting"):
        nano.generate([request("planner", clip(31))])
    list(pieces)
    assert nano.generate([request("planner", clip(31))])
