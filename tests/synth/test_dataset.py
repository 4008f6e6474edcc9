"""Synthetic data sets on disk: valid for every role, the same again for the same seed, taken up where left off."""

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.tiny import spec
from tests.waiting import wait_for
from videomind.errors import InputError
from videomind.synth.dataset import FILES, SynthSet
from videomind.synth.questions import IN_THE_MOMENT
from videomind.training.data import ExampleSet
from videomind.training.jsonl import read_records
from videomind.training.records import AnsweringRecord, GroundingRecord, PlanningRecord, VerifyingRecord
from videomind.vision.reader import open_video

SIZE = 56


def make(wanted: SynthSet, workers: int = 1) -> dict[str, int]:
    wanted.prepare()
    wanted.render(workers, lambda: None)
    return wanted.describe()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SynthSet:
    wanted = SynthSet(tmp_path_factory.mktemp("synth") / "new" / "set", videos=3, seed=4, size=SIZE)
    make(wanted)
    return wanted


def test_a_set_says_what_it_holds(made: SynthSet) -> None:
    mark = json.loads((made.out / "dataset.json").read_text())
    assert (mark["seed"], mark["videos"], mark["size"]) == (4, 3, SIZE)
    lines = {name: len((made.out / name).read_text().splitlines()) for name in FILES}
    assert mark["records"] == lines
    assert {path.name for path in made.out.iterdir()} == {"videos", "dataset.json", *FILES}
    assert {path.name for path in (made.out / "videos").iterdir()} == {"000000.mp4", "000001.mp4", "000002.mp4"}


@pytest.mark.parametrize(
    ("name", "role"),
    [("grounding", "grounder"), ("verifying", "verifier"), ("planning", "planner"), ("answering", "answerer")],
)
def test_every_record_can_be_used(made: SynthSet, name: str, role: str) -> None:
    records = read_records(made.out / f"{name}.jsonl", role)
    assert not records.skipped
    assert {record.video for record in records.records} == {f"videos/{n:06}.mp4" for n in range(3)}
    examples = ExampleSet([records], {role: spec(role)})
    assert all(examples[index].clip.frames.any() for index in range(5))
    assert not examples.skipped


def test_records_tell_the_length_of_the_file_and_lie_in_it(made: SynthSet) -> None:
    for record in read_records(made.out / "grounding.jsonl", "grounder").records:
        assert isinstance(record, GroundingRecord)
        with open_video(made.out / record.video) as reader:
            assert record.duration == pytest.approx(reader.duration, abs=1e-6)
            assert all(end <= reader.duration for _, end in record.spans)
            assert (reader.width, reader.height) == (SIZE, SIZE)


def test_queries_mean_one_moment_several_or_none(made: SynthSet) -> None:
    big = [
        record
        for number in range(40)
        for record in FILES["grounding.jsonl"](made.scene(number), "a.mp4", Random(number))
    ]
    counts = [len(record.spans) for record in big if isinstance(record, GroundingRecord)]
    assert {0, 1, 2} <= set(counts)
    assert 0.05 < counts.count(0) / len(counts) < 0.25


def test_candidates_are_right_and_wrong(made: SynthSet) -> None:
    records = read_records(made.out / "verifying.jsonl", "verifier").records
    shown = [record.is_shown for record in records if isinstance(record, VerifyingRecord)]
    assert 0.25 < sum(shown) / len(shown) < 0.65


def test_candidates_are_judged_by_all_moments_of_their_query(made: SynthSet) -> None:
    big = [
        record
        for number in range(20)
        for record in FILES["verifying.jsonl"](made.scene(number), "a.mp4", Random(number))
    ]
    assert any(len(record.spans or ()) > 1 for record in big if isinstance(record, VerifyingRecord))


def test_routes_and_kinds_of_questions_are_mixed(made: SynthSet) -> None:
    plans = [r for r in read_records(made.out / "planning.jsonl", "planner").records if isinstance(r, PlanningRecord)]
    assert 0.3 < sum(plan.route == "ground" for plan in plans) / len(plans) < 0.7
    asked = read_records(made.out / "answering.jsonl", "answerer").records
    answers = [record for record in asked if isinstance(record, AnsweringRecord)]
    assert {bool(record.options) for record in answers} == {True, False}
    assert {record.span is None for record in answers} == {True, False}
    assert all(record.span is not None for record in answers if record.answer == IN_THE_MOMENT)


def test_the_same_seed_gives_the_same_set_in_any_number_of_processes(made: SynthSet, tmp_path: Path) -> None:
    again = SynthSet(tmp_path, videos=3, seed=4, size=SIZE)
    make(again, workers=2)
    for name in (*FILES, "dataset.json", "videos/000001.mp4"):
        assert (tmp_path / name).read_bytes() == (made.out / name).read_bytes()


def test_other_seeds_share_no_scene(made: SynthSet) -> None:
    other = SynthSet(made.out, videos=3, seed=5, size=SIZE)
    assert not {made.scene(n).events for n in range(30)} & {other.scene(n).events for n in range(30)}


def test_an_interrupted_run_goes_on_and_can_be_made_longer(tmp_path: Path) -> None:
    first = SynthSet(tmp_path, videos=2, seed=4, size=SIZE)
    make(first)
    kept = first.path(1).stat().st_mtime_ns
    first.path(0).unlink()
    (tmp_path / "videos" / ".000007.partial.mp4").write_bytes(b"half")
    longer = SynthSet(tmp_path, videos=3, seed=4, size=SIZE)
    longer.prepare()
    assert longer.missing == [0, 2]
    done = []
    longer.render(1, lambda: done.append(1))
    assert len(done) == 2
    assert longer.describe()["planning.jsonl"] > 16
    assert first.path(1).stat().st_mtime_ns == kept
    assert {path.name for path in (tmp_path / "videos").iterdir()} == {"000000.mp4", "000001.mp4", "000002.mp4"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"seed": 5}, r"of another seed \(4, not 5\)"),
        ({"size": 84}, r"of another size \(56, not 84\)"),
        ({"videos": 1}, "holds 3 videos already"),
    ],
)
def test_a_folder_of_another_set_is_refused(made: SynthSet, change: dict[str, int], problem: str) -> None:
    wanted = SynthSet(made.out, **{"videos": 3, "seed": 4, "size": SIZE} | change)
    with pytest.raises(InputError, match=problem):
        wanted.prepare()


def test_a_set_of_an_older_world_is_refused(made: SynthSet, tmp_path: Path) -> None:
    mark = json.loads((made.out / "dataset.json").read_text())
    (tmp_path / "dataset.json").write_text(json.dumps(mark | {"world": "older"}))
    with pytest.raises(InputError, match="another version"):
        SynthSet(tmp_path, videos=3, seed=4, size=SIZE).prepare()


@pytest.mark.parametrize("content", [None, "{}", "[", "5"])
def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path, content: str | None) -> None:
    (tmp_path / "thesis.txt").touch()
    if content is not None:
        (tmp_path / "dataset.json").write_text(content)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match="holds something that is no synthetic data set"):
        SynthSet(tmp_path, videos=1, seed=4).prepare()
    assert sorted(tmp_path.iterdir()) == before


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "set"):
        with pytest.raises(InputError, match="file"):
            SynthSet(out, videos=1, seed=4).prepare()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's list of child processes")
def test_processes_that_render_end_with_a_run_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "videomind.cli", "synth", str(tmp_path / "set"), "--videos", "9", "--workers", "2"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as run:
        wait_for(lambda: (tmp_path / "set" / "videos" / "000000.mp4").exists())
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        run.kill()
    assert len(children) >= 2
    wait_for(lambda: not any(is_alive(child) for child in children))


def is_alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
