"""The annotation files as their authors publish them, where they are at hand: every row is a sample."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SHARED
from videomind.evaluation.sample import Sample
from videomind.evaluation.tasks import TASKS, task

BENCHMARKS = SHARED / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the published annotations are not at hand")
COUNTS = {
    ("charades_sta", "test"): 3720,
    ("charades_sta", "test_iid"): 823,
    ("charades_sta", "test_ood"): 3375,
    ("charades_sta", "test_trivial"): 3096,
    ("charades_sta", "novel_composition"): 3442,
    ("charades_sta", "novel_word"): 695,
    ("activitynet_captions", "val_1"): 17505,
    ("activitynet_captions", "val_2"): 17031,
    ("qvhighlights", "val"): 1550,
    ("qvhighlights", "test"): 1542,
    ("qvhighlights", "test_release"): 1542,
    ("tacos", "test"): 4001,
    ("tacos", "val"): 4436,
    ("tacos", "train"): 9790,
    ("nextgqa", "test"): 5553,
    ("nextgqa", "val"): 3358,
    ("rextime", "val"): 921,
    ("cgbench", "mini"): 3000,
    ("mlvu", "dev"): 2175,
    ("didemo", "test"): 4021,
    ("didemo", "val"): 4180,
}


def read(name: str, split: str | None = None, path: Path | None = None) -> list[Sample]:
    chosen = task(name)
    return list(chosen.read(path or BENCHMARKS / name, split or chosen.split))


def by_id(samples: list[Sample]) -> dict[str, Sample]:
    return {sample.id: sample for sample in samples}


def load(relative: str) -> Any:
    return json.loads((BENCHMARKS / relative).read_text())


@pytest.mark.parametrize(("name", "split"), COUNTS)
def test_every_row_is_a_sample_with_an_id_of_its_own(name: str, split: str) -> None:
    samples = read(name, split)
    assert len(samples) == len(by_id(samples)) == COUNTS[name, split]


def test_no_file_is_forgotten() -> None:
    """Whatever lies there is read by some split, holds no questions, or is left out on purpose."""
    beside = {"LICENSE", "README.md", "SOURCE.txt", "SEMANTICS.md", "Charades_v1_test.csv", "video_meta_info.json"}
    beside |= {f"{kind}_{split}.json" for kind in ("gsub", "frame2time", "upbd") for split in ("val", "test")}
    beside |= {"map_vid_vidorID.json", "8_sub_scene.json", "9_summary.json"}
    rest = {path.relative_to(BENCHMARKS) for path in BENCHMARKS.rglob("*") if path.is_file()}
    rest = {path for path in rest if path.name not in beside}
    for path in rest:
        name = path.parts[0]
        splits = [split for split in TASKS[name].annotations if split in path.stem] or [TASKS[name].split]
        assert list(TASKS[name].read(BENCHMARKS / path, splits[0])), path


@pytest.mark.parametrize("name", ["charades_test", "val"])
def test_a_charades_file_is_read_by_its_path_whatever_its_form(name: str) -> None:
    text = read("charades_sta")
    other = read("charades_sta", path=BENCHMARKS / "charades_sta" / "time_r1" / f"{name}.json")
    assert {(s.video, s.question, s.spans) for s in text} == {(s.video, s.question, s.spans) for s in other}


def test_charades_knows_the_lengths_and_keeps_ends_beyond_them() -> None:
    samples = read("charades_sta")
    with (BENCHMARKS / "charades_sta" / "Charades_v1_test.csv").open() as file:
        lengths = {row["id"]: float(row["length"]) for row in csv.DictReader(file)}
    assert all(sample.duration == lengths[sample.video[0]] for sample in samples)
    assert sum(sample.spans[0][1] > lengths[sample.video[0]] for sample in samples) == 562
    assert samples[0].question == "person turn a light on"
    assert [sample.id for sample in samples[:5]] == ["3MSZA_0", "3MSZA_1", "3MSZA_2", "3MSZA_3", "AMT7R_0"]


def test_activitynet_is_read_in_the_order_of_its_file() -> None:
    raw = load("activitynet_captions/val_2.json")
    expected = [(video, tuple(span), data["duration"]) for video, data in raw.items() for span in data["timestamps"]]
    assert [(s.video[0], s.spans[0], s.duration) for s in read("activitynet_captions")] == expected


def test_both_forms_of_tacos_are_equal() -> None:
    for split in ("test", "val", "train"):
        lines = read("tacos", split, BENCHMARKS / "tacos" / "moment_detr_style" / f"{split}.jsonl")
        frames = read("tacos", split, BENCHMARKS / "tacos" / f"{split}.json")
        assert [s.id for s in lines] == [s.id for s in frames]
        for line, frame in zip(lines, frames, strict=True):
            assert (line.video, line.question) == (frame.video, frame.question)
            assert line.spans[0] == pytest.approx(frame.spans[0])
            assert line.duration == pytest.approx(frame.duration)


def test_qvhighlights_has_several_windows_and_all_that_highlight_detection_needs() -> None:
    samples = read("qvhighlights")
    assert sum(len(sample.spans) > 1 for sample in samples) == 530
    for sample in samples:
        assert len(sample.notes["relevant_clip_ids"]) == len(sample.notes["saliency_scores"])
        covered = sum(end - start for start, end in sample.spans)
        assert covered == 2 * len(sample.notes["relevant_clip_ids"])
    assert {sample.spans for sample in read("qvhighlights", "test_release")} == {()}


def test_nextgqa_says_what_the_csv_says() -> None:
    samples = by_id(read("nextgqa"))
    truth = load("nextgqa/gsub_test.json")
    with (BENCHMARKS / "nextgqa" / "test.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        sample = samples[f"{row['video_id']}_{row['qid']}"]
        options = [row[f"a{number}"].capitalize() for number in range(5)]
        assert sample.answer == "ABCDE"[options.index(row["answer"].capitalize())]
        assert sample.spans == tuple(map(tuple, truth[row["video_id"]]["location"][row["qid"]]))
        assert sample.labels("task") == (row["type"],)
    assert samples["2574374895_8"].video == ("1101/2574374895", "2574374895")
    asked = "What did the baby do after throwing the green cup away while on the floor near the end?"
    assert samples["2574374895_8"].question == asked
    assert sum(len(sample.spans) > 1 for sample in samples.values()) == 591
    twice = [sample.id for sample in samples.values() if len(set(sample.options)) < 5]
    assert sorted(twice) == ["2574703259_8", "3509821194_5", "3842638015_4"]


def test_of_an_answer_that_is_listed_twice_the_first_counts() -> None:
    sample = by_id(read("nextgqa"))["3842638015_4"]
    letters = [
        letter for letter, option in zip("ABCDE", sample.options, strict=True) if sample.options.count(option) > 1
    ]
    assert len(letters) == 2
    assert sample.answer == letters[0]


def test_rextime_without_options_keeps_the_letter() -> None:
    samples = read("rextime")
    assert {sample.options for sample in samples} == {()}
    assert {sample.answer for sample in samples} == set("ABCD")
    assert sum(start >= end for sample in samples for start, end in sample.spans) == 2
    assert by_id(samples)["anet_val92"].video == ("v_ZMTi498qnPc", "ZMTi498qnPc")
    assert by_id(samples)["qvh_val241"].video == ("2I9-kvemtSU_510.0_660.0",)


def test_cgbench_answers_are_the_letters_of_the_answers_and_intervals_are_kept() -> None:
    raw = load("cgbench/cgbench_mini.json")
    samples = by_id(read("cgbench"))
    for row in raw:
        sample = samples[str(row["qid"])]
        assert sample.answer is not None
        assert sample.options[ord(sample.answer) - ord("A")] == row["answer"]
        assert sample.spans == tuple(map(tuple, row["clue_intervals"]))
        assert sample.groups == (("task", row["sub_category"]), ("domain", row["domain"]))
    assert sum(len(sample.spans) > 1 for sample in samples.values()) == 421


def test_mlvu_keeps_what_has_no_right_candidate() -> None:
    samples = read("mlvu")
    unanswerable = [sample for sample in samples if sample.answer is None]
    assert [sample.video[1] for sample in unanswerable] == ["needle_4.mp4", "needle_5.mp4"]
    assert [sample.video[0] for sample in unanswerable] == ["2_needle/needle_4.mp4", "2_needle/needle_5.mp4"]
    raw = [
        row
        for path in sorted((BENCHMARKS / "mlvu" / "json").glob("[1-7]_*.json"))
        for row in json.loads(path.read_text())
    ]
    for row, sample in zip(raw, samples, strict=True):
        assert sample.options == tuple(row["candidates"])
        right = row["candidates"].index(row["answer"]) if row["answer"] in row["candidates"] else None
        assert sample.answer == (None if right is None else "ABCD"[right])
        assert sample.labels("task") == (row["question_type"],)


def test_one_task_of_mlvu_can_be_read_alone() -> None:
    samples = read("mlvu", path=BENCHMARKS / "mlvu" / "json" / "4_count.json")
    assert (len(samples), {sample.labels("task") for sample in samples}) == (206, {("count",)})


def test_didemo_takes_the_mean_of_its_annotators_and_keeps_them_all() -> None:
    samples = by_id(read("didemo"))
    for row in load("didemo/test_data.json"):
        sample, count = samples[str(row["annotation_id"])], len(row["times"])
        start = round(sum(first for first, _ in row["times"]) / count * 5)
        end = round((sum(last for _, last in row["times"]) / count + 1) * 5)
        assert sample.spans == ((start, end),)
        assert (sample.notes["times"], sample.notes["num_segments"]) == (row["times"], row["num_segments"])


@pytest.mark.parametrize(("name", "split"), COUNTS)
def test_a_task_is_found_from_the_data_folder_too(name: str, split: str) -> None:
    first, same = (next(iter(task(name).read(folder, split))) for folder in (BENCHMARKS, BENCHMARKS / name))
    assert first == same
