"""What is missing is told before the first sample."""

import json
from pathlib import Path

import pytest

from videomind.errors import DataError, InputError
from videomind.evaluation.data import check_data, load_samples
from videomind.evaluation.tasks import task

CHARADES = task("charades_sta")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four questions about three videos, two of which are there."""
    folder = tmp_path / "charades_sta"
    (folder / "videos").mkdir(parents=True)
    lines = ["AAAAA 1.0 2.0##one.", "BBBBB 1.0 2.0##two.", "CCCCC 1.0 2.0##three.", "CCCCC 3.0 4.0##four."]
    (folder / "charades_sta_test.txt").write_text("\n".join(lines))
    for name in ("AAAAA", "BBBBB"):
        (folder / "videos" / f"{name}.mp4").touch()
    return tmp_path


def test_all_is_there(data: Path) -> None:
    (data / "charades_sta" / "videos" / "CCCCC.mp4").touch()
    ready = check_data(CHARADES, data)
    assert [sample.question for sample in ready.samples] == ["one", "two", "three", "four"]
    assert ready.found.missing == ()
    assert ready.found.paths["CCCCC_1"] == data / "charades_sta" / "videos" / "CCCCC.mp4"


def test_no_annotations(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        check_data(CHARADES, tmp_path)
    message = str(caught.value)
    for said in ("Charades-STA, split test", str(tmp_path / "charades_sta" / "charades_sta_test.txt"), CHARADES.source):
        assert said in message
    assert "--annotations PATH" in message
    assert "--data DIR" in message
    assert "\n" not in message


def test_annotations_that_are_given_but_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file or folder .*mine\.txt"):
        load_samples(CHARADES, tmp_path, tmp_path / "mine.txt")


def test_some_videos_are_missing(data: Path) -> None:
    with pytest.raises(DataError) as caught:
        check_data(CHARADES, data)
    message = str(caught.value)
    assert "missing videos: 1 (needed by 2 of 4 samples): CCCCC." in message
    looked = [str(data / folder) for folder in CHARADES.videos]
    for said in (*looked, CHARADES.source, "--videos DIR", "--data DIR", "--skip-missing", "count as wrong"):
        assert said in message
    ready = check_data(CHARADES, data, skip_missing=True)
    assert len(ready.samples) == 4
    assert list(ready.found.paths) == ["AAAAA_0", "BBBBB_0"]


def test_all_videos_are_missing_and_nothing_can_be_skipped(data: Path, tmp_path: Path) -> None:
    for path in (data / "charades_sta" / "videos").iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"missing videos: 3 \(needed by 4 of 4") as caught:
        check_data(CHARADES, data, skip_missing=True)
    assert "--skip-missing" not in str(caught.value)


def test_five_of_the_missing_are_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("\n".join(f"VID{n} 1.0 2.0##one." for n in range(7)))
    with pytest.raises(DataError, match=r"samples\): VID0, VID1, VID2, VID3, VID4, …\. Looked"):
        check_data(CHARADES, tmp_path, path)


def test_only_the_samples_of_the_limit_need_videos(data: Path) -> None:
    assert len(check_data(CHARADES, data, limit=2).samples) == 2
    with pytest.raises(DataError, match="1 of 3 samples"):
        check_data(CHARADES, data, limit=3)


def test_annotations_and_videos_may_lie_elsewhere(data: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("AAAAA", "BBBBB", "CCCCC"):
        (elsewhere / f"{name}.mkv").touch()
    ready = check_data(CHARADES, tmp_path / "nowhere", data / "charades_sta", elsewhere)
    assert ready.found.paths["AAAAA_0"] == elsewhere / "AAAAA.mkv"
    assert ready.found.folders == (elsewhere,)


def test_own_questions_lie_beside_their_videos(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").touch()
    (tmp_path / "mine.jsonl").write_text(json.dumps({"video": "clip.mp4", "question": "a dog barks"}))
    ready = check_data(task("jsonl"), tmp_path / "nowhere", tmp_path / "mine.jsonl")
    assert ready.found.paths == {"line-1": tmp_path / "clip.mp4"}


def test_an_unknown_split(data: Path) -> None:
    with pytest.raises(InputError, match="Charades-STA has no split 'val': choose from test, test_iid"):
        load_samples(CHARADES, data, split="val")


def test_a_file_without_samples(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    with pytest.raises(DataError, match="hold no sample"):
        load_samples(CHARADES, tmp_path, tmp_path / "empty.txt")
