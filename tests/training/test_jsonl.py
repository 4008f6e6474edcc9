"""Files of records: what is malformed or missing is told with its line, and the rest is used."""

import json
import logging
from pathlib import Path

import pytest

from videomind.annotations.files import MAX_LINE
from videomind.errors import DataError
from videomind.training.jsonl import read_records, write_records
from videomind.training.record_set import TOLD
from videomind.training.records import GroundingRecord

GOOD = '{"video": "a.mp4", "query": "a dog", "spans": [[1, 2]]}'
LOST = '{"video": "lost.mp4", "query": "a dog", "spans": [[1, 2]]}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.mp4").touch()
    return tmp_path


def write(folder: Path, *lines: str) -> Path:
    path = folder / "grounding.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_what_was_written_is_read(folder: Path) -> None:
    records = [
        GroundingRecord(video="a.mp4", query="a dog", spans=((1.0, 2.0), (3.0, 4.5))),
        GroundingRecord(video="a.mp4", query="ein Hündchen", spans=(), duration=9.0),
    ]
    assert write_records(folder / "grounding.jsonl", records) == 2
    assert read_records(folder / "grounding.jsonl", "grounder").records == tuple(records)


def test_a_bad_line_is_told_and_the_others_are_used(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(folder, "\ufeff" + GOOD, "", "{", GOOD, GOOD, LOST, GOOD, LOST, '{"video": "a.mp4"}')
    records = read_records(path, "grounder")
    assert [placed.place for placed in records.placed] == ["line 1", "line 4", "line 5", "line 7"]
    assert [(skip.place, skip.reason) for skip in records.skipped] == [
        ("line 3", "malformed"),
        ("line 6", "missing video"),
        ("line 8", "missing video"),
        ("line 9", "malformed"),
    ]
    assert caplog.messages == [
        f"{path}: line 3 is skipped: it is no JSON: EOF while parsing an object at column 1",
        f"{path}: line 6 (and 1 more) is skipped: there is no {folder / 'lost.mp4'}",
        f"{path}: line 9 is skipped: query: this key is missing",
    ]


def test_of_many_bad_lines_the_first_are_told_and_the_rest_counted(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad = [GOOD.replace("query", f"query{number}") for number in range(TOLD + 5)]
    read_records(write(folder, *bad, *[GOOD] * len(bad)), "grounder")
    assert len(caplog.messages) == TOLD + 1
    assert caplog.messages[-1].endswith("and 5 more are skipped: 5 malformed")


def test_a_warning_cannot_move_the_cursor(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    read_records(write(folder, GOOD, json.dumps(json.loads(GOOD) | {"\x1b[2J": 1})), "grounder")
    assert len(caplog.messages) == 1
    assert caplog.messages[0].isprintable()


def test_videos_may_lie_elsewhere(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "elsewhere").mkdir()
    path = write(folder / "elsewhere", GOOD)
    records = read_records(path, "grounder", videos=folder)
    assert records.root == folder
    assert not caplog.messages


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([], "there is nothing in it"),
        ([LOST, LOST], r"no record can be used \(2 missing video\).*give the folder that holds the videos"),
        ([GOOD, "{", "{"], "2 of 3 entries are no records for the grounder. The first: line 2: it is no JSON"),
    ],
)
def test_a_file_of_little_use_is_refused(folder: Path, lines: list[str], problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        read_records(write(folder, *lines), "grounder")


def test_half_of_a_file_may_be_malformed(folder: Path) -> None:
    assert len(read_records(write(folder, GOOD, "{"), "grounder")) == 1


def test_the_file_of_another_role_is_refused_by_what_it_lacks(folder: Path) -> None:
    with pytest.raises(DataError, match=r"no records for the verifier.*candidate: this key is missing"):
        read_records(write(folder, GOOD), "verifier")


def test_a_missing_file_and_folder_are_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*none\.jsonl"):
        read_records(folder / "none.jsonl", "grounder")
    with pytest.raises(DataError, match="is no folder"):
        read_records(write(folder, GOOD), "grounder", videos=folder / "none")


def test_an_endless_line_is_skipped_whole(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    records = read_records(write(folder, GOOD, "x" * (3 * MAX_LINE), GOOD), "grounder")
    assert [placed.place for placed in records.placed] == ["line 1", "line 3"]
    assert "longer than" in caplog.text


def test_nothing_half_written_is_left_where_the_disk_refuses(folder: Path) -> None:
    (folder / "grounding.jsonl").mkdir()
    with pytest.raises(DataError, match="cannot write"):
        write_records(folder / "grounding.jsonl", [GroundingRecord(video="a.mp4", query="a", spans=())])
    assert not list(folder.glob(".*"))


@pytest.fixture(autouse=True)
def _warnings(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
