"""The annotation files as their authors publish them, where they are at hand."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.conftest import SHARED
from videomind.training.readers import read_annotations
from videomind.training.records import GroundingRecord, PlanningRecord

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (SHARED / "benchmarks").is_dir(), reason="the published annotations are not at hand"),
]
BENCHMARKS = SHARED / "benchmarks"


def with_videos(folder: Path, names: Iterable[str]) -> Path:
    for name in set(names):
        (folder / f"{name}.mp4").touch()
    return folder


def test_qvhighlights(tmp_path: Path) -> None:
    path = BENCHMARKS / "qvhighlights" / "highlight_val_release.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    found = read_annotations("qvhighlights", path, with_videos(tmp_path, (line["vid"] for line in lines)))
    records = [r for r in found.records if isinstance(r, GroundingRecord)]
    assert (len(records), found.skipped) == (1550, ())
    assert sum(len(record.spans) > 1 for record in records) == 530


def test_didemo(tmp_path: Path) -> None:
    path = BENCHMARKS / "didemo" / "val_data.json"
    entries = json.loads(path.read_text())
    found = read_annotations("didemo", path, with_videos(tmp_path, (e["video"].split(".")[0] for e in entries)))
    records = [r for r in found.records if isinstance(r, GroundingRecord)]
    assert (len(records), found.skipped) == (4180, ())
    assert {time % 5 for record in records for span in record.spans for time in span} == {0.0}
    assert max(record.spans[0][1] for record in records) == 30.0


def test_both_forms_of_tacos_agree(tmp_path: Path) -> None:
    path = BENCHMARKS / "tacos" / "test.json"
    videos = with_videos(tmp_path, (f"{name[:-4]}-cam-002" for name in json.loads(path.read_text())))
    frames = read_annotations("tacos", path, videos)
    seconds = read_annotations("tacos", BENCHMARKS / "tacos" / "moment_detr_style" / "test.jsonl", videos)
    assert len(frames) == len(seconds) == 4001
    one, other = (
        {(r.video, r.query, round(r.spans[0][0], 2)) for r in found.records if isinstance(r, GroundingRecord)}
        for found in (frames, seconds)
    )
    assert one == other


def test_charades_sta(tmp_path: Path) -> None:
    path = BENCHMARKS / "charades_sta" / "charades_sta_test.txt"
    videos = with_videos(tmp_path, (line.split()[0] for line in path.read_text().splitlines()))
    found = read_annotations("charades-sta", path, videos)
    assert (len(found), found.skipped) == (3720, ())


def test_activitynet_captions(tmp_path: Path) -> None:
    path = BENCHMARKS / "activitynet_captions" / "val_2.json"
    found = read_annotations("activitynet-captions", path, with_videos(tmp_path, json.loads(path.read_text())))
    assert (len(found), found.skipped) == (17031, ())


def test_nextqa(tmp_path: Path) -> None:
    path = BENCHMARKS / "nextgqa" / "val.csv"
    with path.open(newline="") as file:
        videos = with_videos(tmp_path, (row["video_id"] for row in csv.DictReader(file)))
    found = read_annotations("nextqa-planning", path, videos)
    assert (len(found), found.skipped) == (3358, ())
    assert all(isinstance(record, PlanningRecord) and record.route == "ground" for record in found.records)
