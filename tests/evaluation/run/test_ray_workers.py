"""Actors on Ray give the lines that processes on this machine give; those that die are replaced."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import psutil
import pytest

from tests.evaluation.run.processes import CPU, Silent, forked
from videomind.agent import Agent
from videomind.errors import BundleError, EngineDead, EngineError, InputError
from videomind.evaluation.data import check_data
from videomind.evaluation.run import batches as batching
from videomind.evaluation.run import ray_actor, workers
from videomind.evaluation.run.batches import Asked, Batch
from videomind.evaluation.run.journal import NAME, Journal, Line
from videomind.evaluation.run.line import Manner
from videomind.evaluation.run.ray_actor import Asker, Ledger
from videomind.evaluation.run.ray_workers import RayWorkers, _manner_from_anywhere, room
from videomind.evaluation.run.run import RunSettings, run
from videomind.evaluation.run.workers import LocalWorkers
from videomind.evaluation.tasks.synth import PER_VIDEO, SYNTH

ray = pytest.importorskip("ray", reason="needs Ray: pip install 'videomind-agent[ray]'")

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context"),  # Ray copies its own settings
    pytest.mark.filterwarnings(  # Ray Data's handler opens its log again if one thread logs while another closes it
        "ignore:Exception ignored in. <_io.FileIO name='.*/logs/ray-data/.*:pytest.PytestUnraisableExceptionWarning"
    ),
]

SAMPLES = 3 * PER_VIDEO
MANNER = Manner({SYNTH.name: SYNTH.protocol})


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A cluster of one machine with two processors and, as far as Ray knows, a GPU."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 2, "num_gpus": 1, "object_store_memory": 100 << 20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    yield cluster.address
    cluster.shutdown()


@pytest.fixture
def asker(address: str, tiny_agent: Agent, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asker]:
    """What an actor does, in this process."""
    monkeypatch.setattr(ray_actor, "load_agent", lambda settings: tiny_agent)
    ray.init(address, log_to_driver=False, logging_level="ERROR")
    yield Asker(CPU, MANNER, ray.remote(Ledger).remote())
    ray.shutdown()


@pytest.fixture(scope="module")
def batches(synth_data: Path) -> list[Batch]:
    """Three, of one video each."""
    ready = check_data(SYNTH, synth_data, limit=SAMPLES)
    asked = [Asked(SYNTH.name, sample, path := ready.found.paths[sample.id], path.name) for sample in ready.samples]
    return [Batch(tuple(asked[start : start + PER_VIDEO])) for start in range(0, SAMPLES, PER_VIDEO)]


@pytest.fixture(scope="module")
def expected(batches: list[Batch]) -> dict[str, Line]:
    """The lines that a process on this machine gives."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "get_context", lambda kind: forked())
        return _by_id(LocalWorkers(CPU, MANNER, count=1).run(batches))


def test_two_actors_give_the_same_lines(address: str, batches: list[Batch], expected: dict[str, Line]) -> None:
    assert _by_id(RayWorkers(CPU, MANNER, address, num_gpus=0.5).run(batches)) == expected


def test_a_killed_actor_is_replaced(
    address: str, batches: list[Batch], expected: dict[str, Line], capsys: pytest.CaptureFixture[str]
) -> None:
    coming = RayWorkers(CPU, MANNER, address, count=1).run(batches)
    lines = next(coming)
    while not (working := _actors_at_work()):
        time.sleep(0.02)
    working[0].kill()
    assert _by_id([lines, *coming]) == expected
    assert capsys.readouterr().out == ""  # what Ray says about it does not mix with results


def test_a_batch_that_no_actor_survives_has_failed(address: str, batches: list[Batch]) -> None:
    over = threading.Event()
    killer = threading.Thread(target=_kill_who_works, args=(over,))
    killer.start()
    try:
        [lines] = RayWorkers(CPU, MANNER, address, count=1).run(batches[:1])
    finally:
        over.set()
        killer.join()
    assert [line["id"] for line in lines] == [one.sample.id for one in batches[0].asked]
    assert all("the 2 actors that worked on its batch died" in line["error"] for line in lines)
    assert all(line["attempt"] == 1 for line in lines)  # so that each is asked once more by itself


def test_an_engine_that_died_takes_its_actor_along(
    asker: Asker, batches: list[Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_actor, "ask_batch", Mock(side_effect=EngineDead("the engine has died")))
    monkeypatch.setattr(os, "_exit", sys.exit)
    with pytest.raises(SystemExit):
        asker({"number": [0], "batch": batches})


def test_actors_that_die_of_everything_end_the_run(
    asker: Asker, batches: list[Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_actor, "ask_batch", Mock(side_effect=KeyboardInterrupt))  # as if it died
    monkeypatch.setattr(ray_actor, "MOST_DEATHS", 2)
    for number in (0, 0, 1, 1, 2):
        with pytest.raises(KeyboardInterrupt):
            asker({"number": [number], "batch": batches[number:]})
    with pytest.raises(EngineError, match="actors died of 3 videos in a row"):
        asker({"number": [2], "batch": batches[2:]})


def test_actors_that_die_now_and_then_do_not_end_the_run(
    asker: Asker, batches: list[Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_actor, "ask_batch", Mock(side_effect=[KeyboardInterrupt, []] * 3))
    monkeypatch.setattr(ray_actor, "MOST_DEATHS", 1)
    for number in range(3):
        with pytest.raises(KeyboardInterrupt):
            asker({"number": [number], "batch": batches[number:]})
        assert asker({"number": [number], "batch": batches[number:]}) == {"lines": ["[]"]}


def test_a_batch_that_is_begun_again_was_deadly() -> None:
    ledger = Ledger()
    assert [ledger.begin(number, "a.mp4") for number in (0, 0, 0, 1, 1)] == [(1, 0), (2, 1), (3, 1), (1, 1), (2, 1)]
    assert [ledger.begin(number, "b.mp4") for number in (2, 3, 3)] == [(1, 1), (1, 1), (2, 2)]
    ledger.end()
    assert [ledger.begin(number, "c.mp4") for number in (4, 4)] == [(1, 0), (2, 1)]


@pytest.mark.usefixtures("fast_processes")
def test_a_run_goes_on_with_ray_and_without_again(
    address: str, synth_data: Path, expected: dict[str, Line], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "AT_ONCE", PER_VIDEO)
    settings = RunSettings((SYNTH,), tmp_path / "run", synth_data, CPU, limit=SAMPLES)
    local = LocalWorkers(CPU, MANNER, count=1)

    def finished() -> dict[str, Line]:
        with Journal(tmp_path / "run" / SYNTH.name / NAME) as journal:
            return _by_id([list(journal.lines.values())])

    for team, videos in (local, 1), (RayWorkers(CPU, MANNER, address, count=1), 2):
        with suppress(KeyboardInterrupt):
            run(settings, lambda manner, team=team: team, Interrupting())
        assert len(finished()) == videos * PER_VIDEO
    run(settings, lambda manner: local, Silent())
    assert finished() == expected


def test_a_model_that_is_missing_is_named(
    address: str, batches: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleError, match=rf"{tmp_path}/nothing[^\n]*$"):
        list(RayWorkers(replace(CPU, model=Path("nothing")), MANNER, address).run(batches))


def test_a_video_that_an_actor_does_not_find_ends_the_run(asker: Asker, batches: list[Batch]) -> None:
    lost = Batch(tuple(replace(one, video=Path("/only/elsewhere.mp4")) for one in batches[0].asked))
    with pytest.raises(InputError, match=r"/only/elsewhere.mp4 is missing on .* same place on all machines"):
        asker({"number": [0], "batch": [lost]})


def test_subtitles_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _manner_from_anywhere(replace(MANNER, subtitles={"own": Path("srt")})).subtitles == {"own": tmp_path / "srt"}


def test_gpus_that_no_machine_has(address: str, batches: list[Batch]) -> None:
    with pytest.raises(InputError, match=r"no machine of the Ray cluster has 2 GPUs \(the most: 1\): .* --num-gpus"):
        list(RayWorkers(CPU, MANNER, address, num_gpus=2).run(batches))


def test_gpus_are_not_used_unless_it_is_said_how(address: str, batches: list[Batch]) -> None:
    with pytest.raises(InputError, match=r"has GPUs: give --num-gpus 1 .* else --device cpu"):
        list(RayWorkers(replace(CPU, device="auto"), MANNER, address).run(batches))


def test_a_cluster_of_its_own(
    batches: list[Batch], expected: dict[str, Line], capfd: pytest.CaptureFixture[str]
) -> None:
    lines = _by_id(RayWorkers(CPU, MANNER, "local", count=1).run(batches[:1]))
    assert lines == {one: expected[one] for one in lines}
    assert len(lines) == PER_VIDEO
    assert not ray.is_initialized()
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1:1", "no Ray cluster at 127.0.0.1:1 .*refused.* `ray start --head`"),
        ("nonsense", "no Ray cluster at nonsense"),
        ("ray://127.0.0.1:10001", "--ray auto"),
    ],
)
def test_an_address_without_a_cluster(address: str, why: str, batches: list[Batch]) -> None:
    with pytest.raises(InputError, match=why):
        list(RayWorkers(CPU, MANNER, address).run(batches))


def test_a_machine_without_ray(batches: list[Batch], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(InputError, match=r"pip install 'videomind-agent\[ray\]'"):
        list(RayWorkers(CPU, MANNER, "local").run(batches))


def test_one_and_a_half_gpus(batches: list[Batch]) -> None:
    with pytest.raises(InputError, match=r"--num-gpus 1.5"):
        list(RayWorkers(CPU, MANNER, "local", num_gpus=1.5).run(batches))


@pytest.mark.parametrize(
    ("num_gpus", "actors"),
    [(0, 24), (1, 9), (2, 4), (0.5, 18), (0.3, 27), (8, 1)],
    ids=["no GPU", "one", "two", "half of one", "three on one", "a whole machine"],
)
def test_room_on_a_cluster(num_gpus: float, actors: int) -> None:
    nodes = [
        {"Alive": True, "Resources": {"CPU": 16.0, "GPU": 8.0}},
        {"Alive": True, "Resources": {"CPU": 4.0, "GPU": 1.0}},
        {"Alive": True, "Resources": {"CPU": 4.0}},
        {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 64.0}},
    ]
    assert room(nodes, num_gpus) == actors


class Interrupting(Silent):
    """Stops a run after its first lines, as Ctrl-C does."""

    def add(self, lines: Sequence[Line]) -> None:
        if lines:
            raise KeyboardInterrupt


def _by_id(coming: Iterable[list[Line]]) -> dict[str, Line]:
    """Lines without times, by id; of each sample one."""
    lines = [_timeless(line) for lines in coming for line in lines]
    assert len({line["id"] for line in lines}) == len(lines)
    return {line["id"]: line for line in lines}


def _timeless(line: Line) -> Line:
    line = json.loads(json.dumps(line))  # as it is written
    del line["seconds"], line["result"]["timings"]
    for call in line["trace"]["calls"]:
        del call["seconds"]
    return line


def _actors_at_work() -> list[psutil.Process]:
    """Processes of actors that have a batch; Ray titles them by what they do."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "ray::MapWorker(MapBatches(Asker)).submit" in " ".join(process.cmdline()):
                found.append(process)
    return found


def _kill_who_works(over: threading.Event) -> None:
    """Kills every actor that works on a batch, which takes long for the first: it loads the model."""
    before: set[int] = set()
    while not over.wait(0.3):
        working = _actors_at_work()
        for process in working:
            if process.pid in before:
                process.kill()
        before = {process.pid for process in working}
