"""Finding videos."""

from pathlib import Path

import pytest

from videomind.evaluation.sample import Sample
from videomind.evaluation.videos import find_videos


def sample(*names: str, of: str = "a") -> Sample:
    return Sample(id=of, video=names, question="q")


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def find(folder: Path, *names: str) -> Path | None:
    return find_videos([sample(*names)], [folder]).paths.get("a")


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("3MSZA.mp4", "3MSZA"),
        ("3MSZA.MKV", "3MSZA"),
        ("NUsG9BgSes0_210.0_360.0.mp4", "NUsG9BgSes0_210.0_360.0"),
        ("0101/2909445186.mp4", "0101/2909445186"),
        ("2_needle/needle_4.mp4", "2_needle/needle_4.mp4"),
        ("star/Charades_v1_480/ZS9XR.mp4", "star/Charades_v1_480/ZS9XR.mp4"),
        ("ssv2_video/166583.mp4", "ssv2_video/166583.webm"),
        ("part_1/3MSZA.mp4", "3MSZA"),
        ("part_1/3MSZA.webm", "3MSZA.mp4"),
        ("1161044@N04_4253.m4v.mp4", "1161044@N04_4253.m4v"),
    ],
)
def test_a_video_is_found_by_its_name(tmp_path: Path, file: str, name: str) -> None:
    assert find(tmp_path, name) is None
    assert find(touch(tmp_path / file).parents[file.count("/")], name) == tmp_path / file


def test_a_folder_of_frames_counts_but_a_video_comes_first(tmp_path: Path) -> None:
    touch(tmp_path / "tvqa" / "castle" / "00001.jpg")
    assert find(tmp_path, "tvqa/castle") == tmp_path / "tvqa" / "castle"
    touch(tmp_path / "tvqa" / "castle.mp4")
    assert find(tmp_path, "tvqa/castle") == tmp_path / "tvqa" / "castle.mp4"


def test_other_files_of_the_name_are_no_videos(tmp_path: Path) -> None:
    touch(tmp_path / "3MSZA.json")
    assert find(tmp_path, "3MSZA") is None


def test_likelier_names_and_earlier_folders_come_first(tmp_path: Path) -> None:
    for file in ("one/v_a.mp4", "two/a.mp4", "two/v_a.mp4"):
        touch(tmp_path / file)
    assert find(tmp_path / "two", "v_a", "a") == tmp_path / "two" / "v_a.mp4"
    assert find(tmp_path / "two", "a", "v_a") == tmp_path / "two" / "a.mp4"
    folders = [tmp_path / "none", tmp_path / "one", tmp_path / "two"]
    found = find_videos([sample("v_a", of="1"), sample("a", of="2")], folders)
    assert found.paths == {"1": tmp_path / "one" / "v_a.mp4", "2": tmp_path / "two" / "a.mp4"}
    assert found.folders == tuple(folders)


def test_what_is_missing_is_counted_by_video(tmp_path: Path) -> None:
    touch(tmp_path / "b.mp4")
    samples = [sample("a", "x", of="1"), sample("b", of="2"), sample("a", "x", of="3"), sample("c", of="4")]
    found = find_videos(samples, [tmp_path])
    assert found.missing == (("a", 2), ("c", 1))
    assert list(found.paths) == ["2"]
