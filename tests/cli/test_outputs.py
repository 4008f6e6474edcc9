"""Output files are checked before the work and appear whole or not at all."""

import json
from pathlib import Path

import pytest

from videomind.cli.outputs import json_text, output_file
from videomind.errors import InputError


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    target = output_file("--trace", tmp_path / "trace.json", (".json",))
    with target.replacing() as partial:
        partial.write_text("all of it")
        assert not target.path.exists()
    assert target.path.read_text() == "all of it"
    assert list(tmp_path.iterdir()) == [target.path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = output_file("--trace", tmp_path / "trace.json", (".json",))
    target.path.write_text("old")
    with pytest.raises(TypeError, match="not JSON serializable"):
        target.write_json({"half of it": 1, "then": object()})
    assert target.path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target.path]


def test_a_full_disk_is_an_error_in_one_line(tmp_path: Path) -> None:
    target = output_file("--trace", tmp_path / "trace.json", (".json",))
    with pytest.raises(InputError, match=r"cannot write .*trace\.json: No space left"), target.replacing():
        raise OSError(28, "No space left on device")


def test_json_keeps_letters_and_survives_odd_file_names() -> None:
    data = {"path": "caf\udce9.mp4", "text": "走る"}
    assert "走る" in json_text(data)
    assert json.loads(json_text(data)) == data


def test_paths_that_cannot_work_are_refused_early(tmp_path: Path) -> None:
    video = tmp_path / "video.mp4"
    video.touch()
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "link.mp4").symlink_to(video)
    for name, suffix, problem in [
        ("trace.txt", ".json", "must end in .json"),
        ("trace", ".json", "must end in .json"),
        ("none/trace.json", ".json", "there is no folder"),
        ("folder.json", ".json", "is a folder"),
        ("video.mp4", ".mp4", "would replace an input"),
        ("link.mp4", ".mp4", "would replace an input"),
    ]:
        with pytest.raises(InputError, match=problem):
            output_file("--trace", tmp_path / name, (suffix,), inputs=(video,))
