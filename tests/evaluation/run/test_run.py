"""Whole runs: asked, written down, asked again, scored; and killed at any time without a trace in the results."""

import json
import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.evaluation.run.processes import CPU, SAMPLES, Here, Silent, forked, run_synth, synth_settings
from tests.evaluation.run.test_line import without_times
from tests.near import near
from videomind.agent import Agent
from videomind.errors import DataError, InputError
from videomind.evaluation.run import batches
from videomind.evaluation.run.batches import Batch
from videomind.evaluation.run.journal import Journal, Line
from videomind.evaluation.run.line import Manner
from videomind.evaluation.run.run import RunSettings, run
from videomind.evaluation.run.workers import LocalWorkers, Workers
from videomind.evaluation.scoring.score import Scores
from videomind.evaluation.tasks import synth, task


@pytest.fixture(autouse=True)
def a_batch_for_each_video(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "AT_ONCE", 1)


@pytest.fixture
def here(tiny_agent: Agent) -> Callable[[Manner], Workers]:
    return lambda manner: Here(tiny_agent, manner)


@pytest.fixture
def own(tmp_path: Path, synth_data: Path) -> Path:
    """A folder with a benchmark of one's own: four questions about two videos."""
    folder = tmp_path / "own"
    folder.mkdir()
    for number in range(2):
        shutil.copy(synth_data / synth.FOLDER / "videos" / f"{number:06}.mp4", folder / f"{number}.mp4")
    write_questions(folder, [(0, "one"), (1, "two"), (0, "three"), (1, "four")])
    return folder


def write_questions(folder: Path, asked: Sequence[tuple[int, str]]) -> None:
    lines = [
        {"id": text, "video": f"{video}.mp4", "question": f"What is {text}?", "options": ["a", "b"], "answer": "A"}
        for video, text in asked
    ]
    (folder / "questions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def own_run(folder: Path, **how: Any) -> RunSettings:
    settings = RunSettings((task("jsonl"),), folder.parent / "out", folder, CPU, roles=frozenset({"answerer"}))
    return replace(settings, **how)


def lines_of(output: Path, name: str = "jsonl") -> list[Line]:
    return [json.loads(raw) for raw in (output / name / "predictions.jsonl").read_bytes().splitlines()]


def untimed(lines: Sequence[Line]) -> list[Line]:
    return [without_times(line) if line["error"] is None else line | {"seconds": 0} for line in lines]


def test_a_run_asks_writes_and_scores(own: Path, here: Callable[[Manner], Workers]) -> None:
    watch = Silent()
    scores = run(own_run(own), here, watch)
    lines = lines_of(own.parent / "out")
    assert [line["id"] for line in lines] == ["one", "two", "three", "four"]  # as in the annotations
    assert [line["video"] for line in lines] == ["0.mp4", "1.mp4", "0.mp4", "1.mp4"]
    assert watch.of("begin") == [(0, 4)]
    assert [[name for name, _, _ in some] for some in watch.of("add")] == [["one", "three"], ["two", "four"]]

    found: Scores = scores["jsonl"]
    assert (found.n, found.missing, found.failed, found.unknown) == (4, 0, 0, 0)
    written = json.loads((own.parent / "out" / "jsonl" / "results.json").read_text())
    assert (written["n"], written["failed"], written["limit"]) == (4, 0, None)
    assert written["variants"].keys() == found.variants.keys()
    assert written["seconds"] > 0
    record = json.loads((own.parent / "out" / "run.json").read_text())
    assert record["tasks"]["jsonl"]["videos"] == str(own)
    assert record["roles"] == ["answerer"]


def test_the_same_command_again_asks_nothing(own: Path, here: Callable[[Manner], Workers]) -> None:
    first = run(own_run(own), here, Silent())
    before = (own.parent / "out" / "jsonl" / "predictions.jsonl").read_bytes()
    watch = Silent()
    second = run(own_run(own), here, watch)
    assert watch.of("begin") == [(4, 4)]
    assert watch.of("add") == []
    assert (own.parent / "out" / "jsonl" / "predictions.jsonl").read_bytes() == before
    assert first["jsonl"].to_json() == second["jsonl"].to_json()


def test_a_batch_in_which_lines_are_missing_is_asked_whole_but_no_line_is_written_twice(
    own: Path, here: Callable[[Manner], Workers]
) -> None:
    run(own_run(own), here, Silent())
    path = own.parent / "out" / "jsonl" / "predictions.jsonl"
    whole = path.read_bytes()
    kept = whole.splitlines(keepends=True)[:3]  # of the second video one is missing
    path.write_bytes(b"".join(kept) + b'{"id":"fo')
    watch = Silent()
    run(own_run(own), here, watch)
    assert watch.of("begin") == [(3, 4)]
    assert [[name for name, _, _ in some] for some in watch.of("add")] == [["four"]]
    assert path.read_bytes().splitlines(keepends=True)[:3] == kept
    assert untimed(lines_of(own.parent / "out")) == near(untimed([json.loads(raw) for raw in whole.splitlines()]))


def test_what_fails_is_asked_once_more_at_the_end_and_counted_as_wrong(
    own: Path, here: Callable[[Manner], Workers]
) -> None:
    (own / "0.mp4").write_bytes(b"damaged")
    watch = Silent()
    scores = run(own_run(own), here, watch)
    assert [some for some in watch.of("add") if some] == [
        [("one", 1, False), ("three", 1, False)],
        [("two", 1, True), ("four", 1, True)],
        [("one", 2, False)],
        [("three", 2, False)],
    ]
    lines = lines_of(own.parent / "out")
    assert [(line["id"], line["attempt"], line["error"] is None) for line in lines] == [
        ("one", 2, False),
        ("two", 1, True),
        ("three", 2, False),
        ("four", 1, True),
    ]
    assert (scores["jsonl"].n, scores["jsonl"].failed, scores["jsonl"].missing) == (4, 2, 0)
    right = sum(line["error"] is None and line["result"]["answer"]["option"] == "A" for line in lines)
    fixed = scores["jsonl"].variants["fixed"].metrics
    assert any(value == pytest.approx(100 * right / 4) for name, value in fixed.items() if "Acc" in name)

    again = Silent()
    run(own_run(own), here, again)  # it failed twice: that is its result
    assert again.of("add") == []


class MendedBetween(Here):
    """Someone puts the video right before what failed is asked again."""

    def run(self, batches: Sequence[Batch]) -> Iterator[list[Line]]:
        if batches[0].attempt == 2:
            video = batches[0].asked[0].video
            shutil.copy(video.with_name("1.mp4"), video)
        yield from super().run(batches)


def test_what_succeeds_the_second_time_is_as_good(own: Path, tiny_agent: Agent) -> None:
    (own / "0.mp4").write_bytes(b"damaged")
    scores = run(own_run(own), lambda manner: MendedBetween(tiny_agent, manner), Silent())
    lines = lines_of(own.parent / "out")
    assert [(line["attempt"], line["error"]) for line in lines] == [(2, None), (1, None), (2, None), (1, None)]
    assert scores["jsonl"].failed == 0


class Stopped(Here):
    """Is stopped before a batch."""

    def run(self, batches: Sequence[Batch]) -> Iterator[list[Line]]:
        for number, batch in enumerate(batches):
            if batch.attempt == 2 or number == 1:
                raise KeyboardInterrupt
            yield from super().run([batch])


def test_what_failed_before_a_stop_is_asked_again_after_it(
    own: Path, tiny_agent: Agent, here: Callable[[Manner], Workers]
) -> None:
    (own / "0.mp4").write_bytes(b"damaged")
    with pytest.raises(KeyboardInterrupt):
        run(own_run(own), lambda manner: Stopped(tiny_agent, manner), Silent())
    assert [line["id"] for line in lines_of(own.parent / "out")] == ["one", "three"]
    assert json.loads((own.parent / "out" / "run.json").read_text())["seconds"] > 0
    watch = Silent()
    run(own_run(own), here, watch)
    assert [some for some in watch.of("add") if some] == [
        [("two", 1, True), ("four", 1, True)],
        [("one", 2, False)],
        [("three", 2, False)],
    ]


def test_missing_videos_are_found_before_anything_is_asked(own: Path, here: Callable[[Manner], Workers]) -> None:
    (own / "0.mp4").unlink()

    def nobody(manner: Manner) -> Workers:
        raise AssertionError("nobody is to be hired")

    with pytest.raises(DataError, match=r"missing videos: 1 \(needed by 2 of 4 samples\): 0\.mp4"):
        run(own_run(own), nobody, Silent())
    assert not (own.parent / "out").exists()

    scores = run(own_run(own, skip_missing=True), here, Silent())["jsonl"]
    assert [line["id"] for line in lines_of(own.parent / "out")] == ["two", "four"]
    assert (scores.n, scores.missing, scores.failed) == (4, 2, 0)


def test_videos_that_were_missing_can_be_asked_about_later(own: Path, here: Callable[[Manner], Workers]) -> None:
    aside = (own / "0.mp4").rename(own.parent / "aside.mp4")
    run(own_run(own, skip_missing=True), here, Silent())
    aside.rename(own / "0.mp4")
    scores = run(own_run(own), here, Silent())["jsonl"]
    assert [line["id"] for line in lines_of(own.parent / "out")] == ["one", "two", "three", "four"]
    assert scores.missing == 0


def test_another_run_is_not_mixed_up_with_this_one(own: Path, here: Callable[[Manner], Workers]) -> None:
    run(own_run(own), here, Silent())
    before = (own.parent / "out" / "jsonl" / "predictions.jsonl").read_bytes()
    for change in ({"limit": 2}, {"roles": None}, {"model": replace(CPU, compat=True)}):
        with pytest.raises(InputError, match="holds a run with another"):
            run(own_run(own, **change), here, Silent())
    write_questions(own, [(0, "one"), (1, "two"), (0, "three"), (1, "five")])
    with pytest.raises(InputError, match="another annotations_sha256 of jsonl"):
        run(own_run(own), here, Silent())
    assert (own.parent / "out" / "jsonl" / "predictions.jsonl").read_bytes() == before


def test_two_runs_at_once_do_not_write_to_one_file(own: Path, here: Callable[[Manner], Workers]) -> None:
    run(own_run(own), here, Silent())
    with (
        Journal(own.parent / "out" / "jsonl" / "predictions.jsonl"),
        pytest.raises(InputError, match="another run is writing"),
    ):
        run(own_run(own), here, Silent())


def test_tasks_lie_side_by_side_and_one_can_join_later(
    own: Path, synth_data: Path, here: Callable[[Manner], Workers]
) -> None:
    shutil.copytree(synth_data / synth.FOLDER, own / synth.FOLDER)
    settings = own_run(own, limit=2, roles=None)
    run(settings, here, Silent())
    watch = Silent()
    both = run(replace(settings, tasks=(task("synth"), task("jsonl"))), here, watch)
    assert watch.of("begin") == [(2, 4)]
    assert list(both) == ["synth", "jsonl"]
    assert [line["task"] for line in lines_of(own.parent / "out", "synth")] == ["synth"] * 2
    assert [line["id"] for line in lines_of(own.parent / "out")] == ["one", "two"]


@pytest.fixture(scope="module")
def undisturbed(synth_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Line], dict[str, Any]]:
    """The lines and the results of a run that nobody disturbed."""
    output = tmp_path_factory.mktemp("undisturbed") / "out"
    process = start(synth_data, output)
    process.join(120)
    assert process.exitcode == 0
    return lines_of(output, "synth"), results_of(output)


def start(data: Path, output: Path) -> Any:
    process = forked().Process(target=run_synth, args=(data, output))
    process.start()
    return process


def results_of(output: Path) -> dict[str, Any]:
    results: dict[str, Any] = json.loads((output / "synth" / "results.json").read_text())
    return results


def written(output: Path) -> int:
    path = output / "synth" / "predictions.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_a_run_killed_again_and_again_ends_as_one_that_nobody_disturbed(
    undisturbed: tuple[list[Line], dict[str, Any]], synth_data: Path, tmp_path: Path
) -> None:
    lines, results = undisturbed
    assert len(lines) == SAMPLES
    output, rng = tmp_path / "out", random.Random(0)
    for wanted in (0, 0, 1, 1):
        process = start(synth_data, output)
        end = time.monotonic() + 60
        while written(output) < wanted and process.is_alive():
            assert time.monotonic() < end
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.7))
        process.kill()
        process.join()
        kept = written(output)
        with Journal(output / "synth" / "predictions.jsonl") as journal:  # nobody holds it any more
            assert len(journal.lines) == kept
    process = start(synth_data, output)
    process.join(120)
    assert process.exitcode == 0
    assert untimed(lines_of(output, "synth")) == near(untimed(lines))
    again = results_of(output)
    assert again["variants"] == near(results["variants"])
    assert (again["n"], again["missing"], again["failed"]) == (SAMPLES, 0, 0)


@pytest.mark.usefixtures("fast_processes")
@pytest.mark.parametrize(("count", "decoders"), [(2, 0), (1, 1)])
def test_the_number_of_workers_and_decoding_ahead_change_nothing(
    undisturbed: tuple[list[Line], dict[str, Any]], synth_data: Path, tmp_path: Path, count: int, decoders: int
) -> None:
    settings = synth_settings(synth_data, tmp_path / "out")
    run(settings, lambda manner: LocalWorkers(CPU, manner, count, decoders=decoders), Silent())
    assert untimed(lines_of(tmp_path / "out", "synth")) == near(untimed(undisturbed[0]))
    assert results_of(tmp_path / "out")["variants"] == near(undisturbed[1]["variants"])
