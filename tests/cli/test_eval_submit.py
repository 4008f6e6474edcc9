"""`videomind eval submit`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Videomind
from tests.evaluation.report.made_up import line, result, results, write_run
from videomind.results import Answer


@pytest.fixture
def highlights(tmp_path: Path) -> Path:
    """A run on three queries of QVHighlights, of which the last failed."""
    queries = [
        {"qid": qid, "query": f"query {qid}", "duration": 150, "vid": f"video{qid}", "relevant_windows": [[0, 10]]}
        | {"relevant_clip_ids": [0, 1, 2, 3, 4], "saliency_scores": [[4, 4, 4]] * 5}
        for qid in (8, 2, 5)
    ]
    annotations = tmp_path / "highlight_val_release.jsonl"
    annotations.write_text("\n".join(map(json.dumps, queries)))
    said = [
        line("2", "video2.mp4", "query 2", result([(2.0, 4.0), (0.0, 10.0)])),
        line("8", "video8.mp4", "query 8", result([(1.0, 9.0)])),
        line("5", "video5.mp4", "query 5", None, error="oh"),
    ]
    out = write_run(tmp_path / "run", tmp_path, said, results("qvhighlights", split="val"))
    settings = json.loads((out / "run.json").read_text())
    settings["tasks"]["qvhighlights"] |= {"annotations": str(annotations), "split": "val"}
    (out / "run.json").write_text(json.dumps(settings))
    return out / "qvhighlights"


def test_the_annotations_are_those_of_the_run(videomind: Videomind, highlights: Path, tmp_path: Path) -> None:
    out = tmp_path / "hl_val_submission.jsonl"
    code, stdout, _ = videomind("eval", "submit", "--task", "qvhighlights", "--run", highlights, "--out", out)
    report = json.loads(stdout)
    assert (code, report["samples"], report["without_prediction"]) == (0, 3, 1)
    assert report["written"] == [str(out)]
    found = [json.loads(one) for one in out.read_text().splitlines()]
    assert [one["qid"] for one in found] == [8, 2, 5]
    assert found[1]["pred_relevant_windows"] == [[2.0, 4.0, 0.9], [0.0, 10.0, pytest.approx(0.7)]]
    assert found[2]["pred_relevant_windows"] == [[0.0, 0.0, 0.0]]


def test_a_run_that_does_not_name_its_annotations(videomind: Videomind, highlights: Path, tmp_path: Path) -> None:
    (highlights.parent / "run.json").unlink()
    args = ("--task", "qvhighlights", "--run", highlights, "--out", tmp_path / "s.jsonl")
    code, _, stderr = videomind("eval", "submit", *args)
    assert code == 2
    assert "give them with --annotations" in " ".join(stderr.split())
    given = tmp_path / "highlight_val_release.jsonl"
    code, _, _ = videomind("eval", "submit", *args, "--annotations", given)
    assert (code, len((tmp_path / "s.jsonl").read_text().splitlines())) == (0, 3)


def test_nextgqa_goes_into_a_folder_under_the_names_of_its_split(videomind: Videomind, tmp_path: Path) -> None:
    data = tmp_path / "nextgqa"
    data.mkdir()
    row = {"video_id": "10", "qid": "0", "question": "why", "answer": "dog", "type": "CW"}
    row |= {f"a{number}": text for number, text in enumerate(("cup", "dog", "hat", "car", "sea"))}
    with (data / "val.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)
    truth = {"10": {"duration": 12.0, "location": {"0": [[1.0, 2.0]]}, "fps": 5.0}}
    (data / "gsub_val.json").write_text(json.dumps(truth))
    (data / "map_vid_vidorID.json").write_text(json.dumps({"10": "0101/10"}))
    said = [line("10_0", "10.mp4", "why?", result([(1.0, 3.0)], Answer("B", "B")), options=["cup", "dog"])]
    run = write_run(tmp_path / "run", tmp_path, said, results("nextgqa", split="val")) / "nextgqa"
    out = tmp_path / "submission"
    args = ("--task", "nextgqa", "--run", run, "--out", out, "--annotations", data / "val.csv", "--split", "val")
    code, stdout, _ = videomind("eval", "submit", *args)
    assert (code, json.loads(stdout)["written"]) == (0, [str(out / "val_ground.json"), str(out / "val-res.json")])
    assert json.loads((out / "val_ground.json").read_text()) == {"10_0": [1.0, 3.0]}
    assert json.loads((out / "val-res.json").read_text()) == {"10_0": {"prediction": 1, "answer": 1}}


def test_a_task_without_official_format_says_what_to_hand_on(
    videomind: Videomind, highlights: Path, tmp_path: Path
) -> None:
    args = ("--task", "charades_sta", "--run", highlights, "--out", tmp_path / "s.jsonl")
    code, _, stderr = videomind("eval", "submit", *args)
    told = " ".join(stderr.split())
    assert code == 2
    assert "charades_sta has no official submission format" in told
    assert f"{highlights / 'predictions.jsonl'} holds the predictions as plain JSONL" in told


def test_the_name_has_to_fit_the_format(videomind: Videomind, highlights: Path, tmp_path: Path) -> None:
    args = ("--task", "qvhighlights", "--run", highlights, "--out", tmp_path / "s.json")
    code, _, stderr = videomind("eval", "submit", *args)
    assert code == 2
    assert "must end in .jsonl" in " ".join(stderr.split())
