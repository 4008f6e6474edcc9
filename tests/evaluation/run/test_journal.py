"""The file of predictions: what is in it stays, whatever happens; and it belongs to one run at a time."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from videomind.errors import InputError
from videomind.evaluation.run.journal import Journal


def line(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "error": None} | more


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "synth" / "predictions.jsonl"


def test_lines_are_there_when_append_returns(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(os.fstat(number).st_size))
    with Journal(path) as journal:
        journal.append([line("a", question="Grüße\n"), line("b")])
        assert synced == [path.stat().st_size]  # and synced after they were written
        journal.append([line("c")])
        assert [json.loads(raw)["id"] for raw in path.read_bytes().splitlines()] == ["a", "b", "c"]
        assert list(journal.lines) == ["a", "b", "c"]
    assert synced[-1] == path.stat().st_size
    assert path.read_bytes().isascii()


def test_what_was_written_is_known_again(path: Path) -> None:
    lines = [line("a", result={"x": [1.5, None]}), line("b", error="it failed"), line("é")]
    with Journal(path) as journal:
        journal.append(lines)
    with Journal(path) as journal:
        assert list(journal.lines.values()) == lines


def test_the_last_line_of_an_id_counts(path: Path) -> None:
    with Journal(path) as journal:
        journal.append([line("a", attempt=1), line("b"), line("a", attempt=2)])
        assert journal.lines["a"]["attempt"] == 2
    with Journal(path) as journal:
        assert journal.lines["a"]["attempt"] == 2
        assert len(journal.lines) == 2


def test_a_line_that_was_not_finished_is_dropped_wherever_it_was_cut(path: Path) -> None:
    with Journal(path) as journal:
        journal.append([line("a"), line("b")])
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(first, len(whole)):
        path.write_bytes(whole[:cut])
        with Journal(path) as journal:
            assert list(journal.lines) == ["a"]
            journal.append([line("c")])
        assert path.read_bytes() == whole[:first] + whole[first:].replace(b'"b"', b'"c"')


@pytest.mark.parametrize(
    "content", ["no json\n", "[]\n", '{"question": "?"}\n', "3\n", "null\n", '{"id": []}\n', "\n", "[" * 9999 + "\n"]
)
def test_another_file_is_refused_and_left_alone(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text('{"id":"a"}\n' + content)
    with pytest.raises(InputError, match=r"predictions\.jsonl, line 2 is no prediction: take another --output"):
        Journal(path)
    assert path.read_text() == '{"id":"a"}\n' + content


def test_two_runs_cannot_write_to_it(path: Path) -> None:
    with Journal(path), pytest.raises(InputError, match="another run is writing to it"):
        Journal(path)
    Journal(path).close()


def test_the_lock_ends_with_the_process_that_had_it(path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from videomind.evaluation.run.journal import Journal
journal = Journal(Path({str(path)!r}))
journal.append([{{"id": "a"}}])
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    with Journal(path) as journal:
        assert list(journal.lines) == ["a"]


def test_sorting_keeps_the_last_line_of_each_sample_of_the_run(path: Path) -> None:
    with Journal(path) as journal:
        journal.append([line("c"), line("a", attempt=1), line("b"), line("a", attempt=2), line("old")])
        journal.sort(["a", "b", "missing", "c"])
        kept = [json.loads(raw) for raw in path.read_bytes().splitlines()]
        assert kept == [line("a", attempt=2), line("b"), line("c")]
    assert [file.name for file in path.parent.iterdir()] == ["predictions.jsonl"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write"):
        Journal(tmp_path / "file" / "predictions.jsonl")


def test_a_full_disk_says_how_to_go_on(path: Path) -> None:
    journal = Journal(path)
    journal.append([line("a")])
    journal._file.close()
    journal._file = open("/dev/full", "r+b")  # noqa: SIM115
    said = "No space left on device; once there is room, the same command goes on"
    with pytest.raises(InputError, match=said), journal:
        journal.append([line("b")])
    assert list(journal.lines) == ["a"]
    with Journal(path) as journal:
        assert list(journal.lines) == ["a"]


def test_the_lock_is_one_that_other_programs_heed(path: Path) -> None:
    with Journal(path), path.open("ab") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
