"""run.json: a run goes on only with what it was started with."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from videomind.errors import InputError
from videomind.evaluation.run.record import RunRecord


def settings(**changes: Any) -> dict[str, Any]:
    of_a_run = {
        "command": ["videomind", "eval", "run"],
        "started": "2026-01-01T00:00:00+00:00",
        "model": {"name": "m", "sha256": "1"},
        "engine": "torch",
        "compat": False,
        "dtype": "auto",
        "roles": None,
        "limit": 16,
        "subtitles": False,
    }
    return of_a_run | {"tasks": {"synth": task()}} | changes


def task(**changes: Any) -> dict[str, Any]:
    return {"split": "test", "annotations_sha256": "2", "protocol": {"unit": 0.001}, "videos": "/v"} | changes


def test_the_same_settings_go_on(tmp_path: Path) -> None:
    first = RunRecord(tmp_path / "run", settings())
    assert first.spent(1.5) == 1.5
    again = RunRecord(tmp_path / "run", settings(started="later", command=["again"]))
    assert again.spent(2.0) == 3.5
    written = json.loads((tmp_path / "run" / "run.json").read_text())
    assert written == again.content
    assert (written["started"], written["seconds"]) == ("2026-01-01T00:00:00+00:00", 3.5)
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model": {"name": "m", "sha256": "9"}}, r"another model \(.*\"1\".*, now .*\"9\""),
        ({"engine": "vllm"}, r'another engine \("torch", now "vllm"\)'),
        ({"compat": True}, r"another compat \(false, now true\)"),
        ({"dtype": "bfloat16"}, "another dtype"),
        ({"roles": ["answerer"]}, r'another roles \(null, now \["answerer"\]\)'),
        ({"limit": None}, r"another limit \(16, now null\)"),
        ({"subtitles": True}, "another subtitles"),
        ({"tasks": {"synth": task(split="val")}}, r'another split of synth \("test", now "val"\)'),
        ({"tasks": {"synth": task(annotations_sha256="3")}}, "another annotations_sha256 of synth"),
        ({"tasks": {"synth": task(protocol={"unit": 1.0})}}, "another protocol of synth"),
    ],
)
def test_what_may_not_change_is_named(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    before = RunRecord(tmp_path, settings()).content
    with pytest.raises(InputError, match=rf"holds a run with {told}.*: go on with the same, or give a new --output"):
        RunRecord(tmp_path, settings(**change))
    assert json.loads((tmp_path / "run.json").read_text()) == before


def test_where_the_videos_are_may_change(tmp_path: Path) -> None:
    RunRecord(tmp_path, settings())
    RunRecord(tmp_path, settings(tasks={"synth": task(videos="/elsewhere")}))


def test_other_tasks_may_join(tmp_path: Path) -> None:
    RunRecord(tmp_path, settings())
    RunRecord(tmp_path, settings(tasks={"own": task(annotations_sha256="7")}))
    both = RunRecord(tmp_path, settings())
    assert sorted(both.content["tasks"]) == ["own", "synth"]
    with pytest.raises(InputError, match="annotations_sha256 of own"):
        RunRecord(tmp_path, settings(tasks={"own": task()}))


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").touch()
    with pytest.raises(InputError, match="holds something that is no run: give a new --output"):
        RunRecord(tmp_path, settings())
    assert [file.name for file in tmp_path.iterdir()] == ["holiday.txt"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    RunRecord(tmp_path, settings())
    assert (tmp_path / "run.json").is_file()


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(InputError, match=r"cannot write into .*run: File exists"):
        RunRecord(tmp_path / "run", settings())


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "cannot read"),
        ("[" * 100_000, "cannot read"),
        ("[]", "another version"),
        ('{"format": 2}', "another version"),
        ('{"format": 1, "tasks": {}}', "does not say seconds, started"),
    ],
)
def test_a_record_that_is_none_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(InputError, match=f"{problem}.*give a new --output"):
        RunRecord(tmp_path, settings())
    assert (tmp_path / "run.json").read_text() == content


def test_time_that_cannot_be_written_down_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    record = RunRecord(tmp_path / "run", settings())
    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(InputError, match="cannot write into"):
        record.spent(1.0)
