"""Workers in processes of their own: one that dies takes nothing with it but what killed it."""

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import psutil
import pytest

from tests.evaluation.run.conftest import Ask, ids
from tests.evaluation.run.processes import CPU, EXIT, KILL, ONCE, mortal_work
from tests.waiting import wait_for
from videomind.errors import BundleError, EngineError
from videomind.evaluation.run import worker, workers
from videomind.evaluation.run.batches import Asked, Batch
from videomind.evaluation.run.journal import Line
from videomind.evaluation.run.line import Manner
from videomind.evaluation.run.workers import LocalWorkers, _Hand
from videomind.model_choice import ModelChoice

pytestmark = pytest.mark.usefixtures("fast_processes")


@pytest.fixture
def tiny(tiny_bundle: Path) -> ModelChoice:
    return replace(CPU, model=tiny_bundle)


@pytest.fixture
def hired(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[_Hand]]:
    """Every worker that is hired; none of them may be left over, nor what it started."""
    hands: list[_Hand] = []
    hire = LocalWorkers._hire

    def noting(self: LocalWorkers, number: int) -> _Hand:
        hands.append(hire(self, number))
        return hands[-1]

    monkeypatch.setattr(LocalWorkers, "_hire", noting)
    yield hands
    assert hands
    wait_for(lambda: not any(is_alive(hand.process.pid) for hand in hands))


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that die of some questions."""
    monkeypatch.setattr(workers, "work", mortal_work)


def is_alive(pid: int | None) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def run(team: LocalWorkers, *batches: Sequence[Asked]) -> dict[str, Line]:
    """The lines by id; each sample may have only one."""
    lines = [line for lines in team.run([Batch(tuple(batch)) for batch in batches]) for line in lines]
    assert len(ids(lines)) == len(set(ids(lines))) == sum(map(len, batches))
    return {line["id"]: line for line in lines}


@pytest.mark.parametrize(("count", "decoders"), [(1, 0), (2, 0), (5, 0), (1, 1)])
def test_all_samples_are_asked_by_any_number_of_workers(
    tiny: ModelChoice, about: Ask, manner: Manner, hired: list[_Hand], count: int, decoders: int
) -> None:
    batches = [[about(video, text) for text in ("one", "two")] for video in range(3)]
    lines = run(LocalWorkers(tiny, manner, count, decoders=decoders), *batches)
    assert [line["error"] for line in lines.values()] == [None] * 6
    assert len(hired) == min(count, 3)


def test_a_worker_that_is_killed_is_replaced_and_its_samples_are_asked_again(
    tiny: ModelChoice, about: Ask, manner: Manner, hired: list[_Hand], mortal: None, tmp_path: Path
) -> None:
    lines = run(
        LocalWorkers(tiny, manner, 2),
        [about(0, "good"), about(0, f"{ONCE}{tmp_path}/mark"), about(0, "good too")],
        [about(1, "other"), about(1, "another")],
    )
    assert [line["error"] for line in lines.values()] == [None] * 5
    assert len(hired) == 3


def test_a_sample_that_always_kills_has_failed_and_the_rest_is_fine(
    tiny: ModelChoice, about: Ask, manner: Manner, hired: list[_Hand], mortal: None
) -> None:
    lines = run(
        LocalWorkers(tiny, manner, 1),
        [about(0, "good"), about(0, KILL), about(0, "good too")],
        [about(1, EXIT)],
        [about(2, "other")],
    )
    errors = {line["question"]: line["error"] for line in lines.values() if line["error"] is not None}
    assert errors == {
        KILL: "the process that worked on it ended by signal 9",
        EXIT: "the process that worked on it ended with exit code 3",
    }
    assert sum("result" in line for line in lines.values()) == 3
    assert len(hired) == 1 + 2 + 1


def test_each_worker_sees_one_gpu_of_those_that_may_be_used(
    tiny: ModelChoice, manner: Manner, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[object, ...]] = []

    def note(target: object, args: tuple[object, ...]) -> Mock:
        given.append(args)
        return Mock()

    monkeypatch.setattr(workers, "get_context", lambda kind: SimpleNamespace(Pipe=Pipe, Process=note))
    team = LocalWorkers(tiny, manner, 3, ("2", "GPU-5a"))
    for number in range(3):
        team._hire(number)
    assert [arguments[-2] for arguments in given] == ["2", "GPU-5a", "2"]


def test_a_worker_restricts_itself_to_its_gpu_before_it_loads(
    manner: Manner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    here, there = Pipe()
    worker.work(there, replace(CPU, model=tmp_path / "nowhere"), manner, "3", 0)
    assert isinstance(here.recv(), BundleError)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"


def test_what_was_given_ahead_goes_back_when_a_worker_dies(
    tiny: ModelChoice, about: Ask, manner: Manner, hired: list[_Hand], mortal: None
) -> None:
    lines = run(
        LocalWorkers(tiny, manner, 1, decoders=1),
        [about(0, KILL)],
        [about(1, "next"), about(1, "and next")],
        [about(2, "last")],
    )
    assert [line["question"] for line in lines.values() if line["error"] is not None] == [KILL]
    assert len(hired) == 2


def test_many_questions_about_a_video_that_kills_do_not_end_the_run(
    tiny: ModelChoice, about: Ask, manner: Manner, hired: list[_Hand], mortal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "MOST_DEATHS", 2)
    deadly = [about(0, KILL, f"deadly {number}") for number in range(4)]
    lines = run(LocalWorkers(tiny, manner, 1), deadly, [about(1, "good")])
    assert [line["error"] is None for line in lines.values()] == [False] * 4 + [True]


def test_workers_that_die_of_everything_end_the_run(
    tiny: ModelChoice, about: Ask, manner: Manner, hired: list[_Hand], mortal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "MOST_DEATHS", 2)
    with pytest.raises(EngineError, match="3 workers died in a row, the last with exit code 3"):
        run(LocalWorkers(tiny, manner, 1), *([about(video, EXIT)] for video in range(3)), [about(0, "good")])


def test_a_worker_that_is_killed_while_it_has_nothing_to_do_is_replaced(
    tiny: ModelChoice, about: Ask, manner: Manner, hired: list[_Hand]
) -> None:
    batches = [Batch(tuple(about(video, text) for text in ("one", "two"))) for video in range(3)]
    lines: list[Line] = []
    for some in LocalWorkers(tiny, manner, 1).run(batches):
        lines += some
        if len(some) == 2:
            hired[-1].process.kill()
            hired[-1].process.join()
    assert sorted(map(str, ids(lines))) == sorted(one.sample.id for batch in batches for one in batch.asked)
    assert all(line["error"] is None for line in lines)
    assert len(hired) == 2  # what it was to be given next was asked in single samples


def test_a_model_that_does_not_load_is_said_once(
    about: Ask, manner: Manner, hired: list[_Hand], tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match="nowhere"):
        run(LocalWorkers(replace(CPU, model=tmp_path / "nowhere"), manner, 2), [about(0)], [about(1)])


def test_who_is_no_longer_wanted_is_ended(tiny: ModelChoice, about: Ask, manner: Manner, hired: list[_Hand]) -> None:
    outcomes = LocalWorkers(tiny, manner, 2, decoders=1).run([Batch((about(video),)) for video in range(3)])
    next(outcomes)
    assert any(is_alive(hand.process.pid) for hand in hired)
    outcomes.close()
    assert not any(hand.process.is_alive() for hand in hired)


def test_workers_end_when_nobody_can_give_them_work_any_more(
    tiny: ModelChoice, manner: Manner, capfd: pytest.CaptureFixture[str]
) -> None:
    hand = LocalWorkers(tiny, manner, 1)._hire(0)
    assert hand.hear() == []
    hand.connection.close()
    hand.process.join(20)
    assert hand.process.exitcode == 0
    assert capfd.readouterr().err == ""


def test_those_already_hired_are_ended_if_the_next_cannot_be(
    tiny: ModelChoice, about: Ask, manner: Manner, hired: list[_Hand], monkeypatch: pytest.MonkeyPatch
) -> None:
    hire = LocalWorkers._hire

    def only_one(self: LocalWorkers, number: int) -> _Hand:
        if number:
            raise KeyboardInterrupt
        return hire(self, number)

    monkeypatch.setattr(LocalWorkers, "_hire", only_one)
    with pytest.raises(KeyboardInterrupt):
        run(LocalWorkers(tiny, manner, 2), [about(0)], [about(1)])
    assert [hand.process.is_alive() for hand in hired] == [False]
