"""The synthetic benchmark: the same questions at any size, their answers true of the videos."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from videomind.errors import InputError
from videomind.evaluation.data import check_data
from videomind.evaluation.sample import Sample
from videomind.evaluation.tasks import synth
from videomind.evaluation.tasks.synth import PER_VIDEO, SEED, SIZE, VIDEOS
from videomind.synth.dataset import SynthSet
from videomind.vision.reader import open_video


def nothing(done: int, total: int) -> None:
    """Nobody watches."""


def samples_of(data: Path) -> list[Sample]:
    return list(synth.read(data, "test"))


@pytest.fixture
def data(synth_data: Path, tmp_path: Path) -> Path:
    """A copy of the three videos' data, to be changed."""
    return Path(shutil.copytree(synth_data, tmp_path / "data"))


def test_eight_questions_about_each_of_a_hundred_videos() -> None:
    scenes = SynthSet(Path("nowhere"), VIDEOS, SEED, SIZE)
    for number in range(VIDEOS):
        entries = list(synth._entries(scenes.scene(number), number))
        assert [entry["id"] for entry in entries] == [f"{number:06}-{place}" for place in range(PER_VIDEO)]
        assert len({entry["question"] for entry in entries}) >= PER_VIDEO - 1
        kinds = Counter(entry["groups"]["kind"] for entry in entries)
        assert kinds["absent"] == 1
        assert min(kinds["moment"], kinds["choice about a moment"]) >= 2


def test_every_sample_can_be_asked_and_lies_in_its_video(synth_data: Path) -> None:
    ready = check_data(synth.SYNTH, synth_data)
    assert len(ready.samples) == len(ready.found.paths) == 3 * PER_VIDEO
    lengths = {path: open_video(path).duration for path in set(ready.found.paths.values())}
    for sample in ready.samples:
        for start, end in sample.spans:
            assert 0 <= start < end <= lengths[ready.found.paths[sample.id]] + 0.05
        assert not (sample.absent and sample.spans)
        if sample.options:
            assert sample.answer is not None
            assert len(set(sample.options)) == len(sample.options)
        else:
            assert sample.spans or sample.absent


def test_a_smaller_and_a_larger_benchmark_begin_alike(synth_data: Path, tmp_path: Path) -> None:
    synth.prepare(tmp_path, 1, nothing)
    small = samples_of(tmp_path)
    assert small == samples_of(synth_data)[:PER_VIDEO]
    video = Path(synth.FOLDER) / small[0].video[0]
    assert (tmp_path / video).read_bytes() == (synth_data / video).read_bytes()


def test_what_is_there_is_kept_and_what_is_missing_is_made(data: Path) -> None:
    told: list[tuple[int, int]] = []
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*") if path.is_file()}
    for limit in (1, PER_VIDEO, 3 * PER_VIDEO):
        synth.prepare(data, limit, lambda done, total: told.append((done, total)))
    assert told == []
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*") if path.is_file()} == before

    lost = data / synth.FOLDER / "videos" / "000001.mp4"
    content = lost.read_bytes()
    lost.unlink()
    synth.prepare(data, 3 * PER_VIDEO, lambda done, total: told.append((done, total)))
    assert told == [(2, 3), (3, 3)]
    assert lost.read_bytes() == content


def test_without_a_limit_all_that_will_be_asked_is_made(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synth, "VIDEOS", 1)
    lost = data / synth.FOLDER / "videos" / "000002.mp4"
    lost.unlink()
    synth.prepare(data, None, nothing)
    assert lost.exists()
    assert len(check_data(synth.SYNTH, data).samples) == 3 * PER_VIDEO


def test_it_grows(data: Path) -> None:
    before = samples_of(data)
    synth.prepare(data, 3 * PER_VIDEO + 1, nothing)
    assert len(samples_of(data)) == 4 * PER_VIDEO
    assert samples_of(data)[: 3 * PER_VIDEO] == before
    synth.prepare(data, 2, nothing)  # what was made for more stays
    assert len(samples_of(data)) == 4 * PER_VIDEO


class Killed(BaseException):
    """The process ends here."""


def test_after_a_kill_at_any_video_it_goes_on_with_any_limit(tmp_path: Path) -> None:
    def kill(done: int, total: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        synth.prepare(tmp_path, 4 * PER_VIDEO, kill)
    (tmp_path / synth.FOLDER / "videos" / ".000002.partial.mp4").write_bytes(b"half")
    synth.prepare(tmp_path, PER_VIDEO, nothing)
    assert check_data(synth.SYNTH, tmp_path, limit=PER_VIDEO).found.missing == ()


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / synth.FOLDER).mkdir()
    (tmp_path / synth.FOLDER / "questions.jsonl").write_text('{"video": "mine.mp4"}\n')
    with pytest.raises(InputError, match="holds something that is no synthetic data set"):
        synth.prepare(tmp_path, PER_VIDEO, nothing)


def test_another_set_of_videos_is_refused(data: Path) -> None:
    mark = data / synth.FOLDER / "dataset.json"
    mark.write_text(json.dumps(json.loads(mark.read_text()) | {"seed": 1}))
    with pytest.raises(InputError, match="another seed"):
        synth.prepare(data, 5 * PER_VIDEO, nothing)


def test_a_disk_that_refuses_is_named(synth_data: Path, tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(InputError, match="cannot make a data set in"):
        synth.prepare(tmp_path / "data", PER_VIDEO, nothing)
    (tmp_path / synth.FOLDER / "questions.jsonl").mkdir(parents=True)
    shutil.copy(synth_data / synth.FOLDER / "dataset.json", tmp_path / synth.FOLDER)
    with pytest.raises(InputError, match=r"cannot write .*questions\.jsonl"):
        synth.prepare(tmp_path, 3 * PER_VIDEO, nothing)
