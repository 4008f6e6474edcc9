"""Published layouts, in files made by hand."""

import json
from pathlib import Path

import pytest

from videomind.errors import DataError
from videomind.training.readers import LAYOUTS, read_annotations
from videomind.training.records import GroundingRecord, PlanningRecord

DIDEMO = {
    "annotation_id": 7,
    "description": "someone waves.",
    "video": "12@N01_34_ab.mov",
    "num_segments": 6,
    "times": [[4, 4], [4, 5], [0, 0], [4, 4], [0, 0]],
}


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    (folder / "0101" / "deep").mkdir(parents=True)
    for name in ("x_60.0_210.0.mp4", "12@N01_34_ab.mp4", "0101/s1-d2-cam-002.avi", "ABC12.webm", "0101/2909.MP4"):
        (folder / name).touch()
    (folder / "0101" / "deep" / "unseen.mp4").touch()
    (folder / "notes.txt").touch()
    return folder


def read(layout: str, videos: Path, text: str, name: str = "file") -> tuple[object, ...]:
    path = videos.parent / name
    path.write_text(text, encoding="utf-8")
    return read_annotations(layout, path, videos).records


def test_qvhighlights(videos: Path) -> None:
    line = {
        "qid": 1,
        "query": "Two dogs play",
        "duration": 150,
        "vid": "x_60.0_210.0",
        "relevant_windows": [[0, 16], [20, 30]],
        "saliency_scores": [[1, 2, 3]],
    }
    assert read("qvhighlights", videos, json.dumps(line) + "\n") == (
        GroundingRecord(video="x_60.0_210.0.mp4", duration=150, query="Two dogs play", spans=((0, 16), (20, 30))),
    )


def test_didemo_counts_the_last_segment_in_and_takes_the_span_most_agree_on(videos: Path) -> None:
    assert read("didemo", videos, json.dumps([DIDEMO])) == (
        GroundingRecord(video="12@N01_34_ab.mp4", query="someone waves.", spans=((20.0, 25.0),)),
    )


def test_a_span_of_didemo_can_be_longer_than_a_segment(videos: Path) -> None:
    (record,) = read("didemo", videos, json.dumps([DIDEMO | {"times": [[1, 2], [1, 1], [1, 2], [0, 2]]}]))
    assert isinstance(record, GroundingRecord)
    assert record.spans == ((5.0, 15.0),)


def test_tacos_in_frames_and_in_seconds_is_the_same(videos: Path) -> None:
    frames = {"s1-d2.avi": {"timestamps": [[50, 100]], "sentences": ["He cuts."], "num_frames": 1000, "fps": 25.0}}
    seconds = {"qid": "s1-d2_0", "query": "He cuts.", "duration": 40, "vid": "s1-d2", "relevant_windows": [[2, 4]]}
    record = GroundingRecord(video="0101/s1-d2-cam-002.avi", duration=40, query="He cuts.", spans=((2, 4),))
    assert read("tacos", videos, json.dumps(frames), "train.json") == (record,)
    assert read("tacos", videos, json.dumps(seconds), "train.jsonl") == (record,)


def test_charades_sta(videos: Path) -> None:
    assert read("charades-sta", videos, "ABC12 24.3 30.4##person turns a light on.\n") == (
        GroundingRecord(video="ABC12.webm", query="person turns a light on.", spans=((24.3, 30.4),)),
    )


def test_activitynet_captions_gives_a_record_per_sentence(videos: Path) -> None:
    captions = {"v_ABC12": {"duration": 55.1, "timestamps": [[0.2, 55.1], [13, 54]], "sentences": ["One.", " Two."]}}
    assert read("activitynet-captions", videos, json.dumps(captions)) == (
        GroundingRecord(video="ABC12.webm", duration=55.1, query="One.", spans=((0.2, 55.1),)),
        GroundingRecord(video="ABC12.webm", duration=55.1, query="Two.", spans=((13, 54),)),
    )


@pytest.mark.parametrize("video", ["video", "video_id"])
def test_nextqa_routes_by_the_type_of_the_question(videos: Path, video: str) -> None:
    table = (
        f"{video},frame_count,width,height,question,answer,qid,type,a0,a1,a2,a3,a4\n"
        '2909,719,320,240,"why did he run, then fall",2,8,CW,a,b,c,d,e\n'
        "2909,719,320,240,how many dogs are there?,0,9,DC,one,two,three,four,five\n"
    )
    why = "Why did he run, then fall?"
    assert read("nextqa-planning", videos, table) == (
        PlanningRecord(video="0101/2909.MP4", question=why, route="ground", query=why),
        PlanningRecord(video="0101/2909.MP4", question="How many dogs are there?", route="answer"),
    )


def test_videomind_planning_knows_four_routes(videos: Path) -> None:
    entry = {"source": "nextqa", "video_path": "data/nextqa/NExTVideo/0101/2909.mp4", "question": "Why?"}
    routes = [{"route": 1, "query": "he runs"}, {"route": 2}, {"route": 3, "query": "he falls"}, {"route": 4}]
    read_ones = read("videomind-planning", videos, "\n".join(json.dumps(entry | route) for route in routes))
    assert read_ones == tuple(
        PlanningRecord(
            video="0101/2909.MP4", question="Why?", route="answer" if query is None else "ground", query=query
        )
        for query in ("he runs", "Why?", "he falls", None)
    )


@pytest.mark.parametrize(
    ("layout", "good", "bad", "problem"),
    [
        ("qvhighlights", None, "[1]", "no JSON object"),
        ("qvhighlights", None, '{"vid": ["x"]}', "'duration' is missing"),
        ("didemo", DIDEMO, {**DIDEMO, "times": []}, "entry 2"),
        ("didemo", DIDEMO, {**DIDEMO, "times": [["a", "b"]]}, "entry 2"),
        ("didemo", DIDEMO, 5, "entry 2"),
        ("charades-sta", "ABC12 1 2##a", "ABC12 1 2 a", "is not"),
        ("charades-sta", "ABC12 1 2##a", "ABC12 one 2##a", "could not convert"),
        ("charades-sta", "ABC12 1 2##a", "ABC12 1 nan##a", "finite"),
        ("charades-sta", "ABC12 1 2##a", "ABC12 3 2##a", "starts before it ends"),
    ],
)
def test_a_malformed_entry_costs_itself_alone(
    videos: Path, caplog: pytest.LogCaptureFixture, layout: str, good: object, bad: object, problem: str
) -> None:
    line = {"vid": "x_60.0_210.0", "duration": 9, "query": "a", "relevant_windows": [[0, 1]]}
    text = json.dumps([good, bad]) if layout == "didemo" else f"{good or json.dumps(line)}\n{bad}\n"
    assert len(read(layout, videos, text)) == 1
    assert problem in caplog.text


@pytest.mark.parametrize(
    "captions",
    [
        {"timestamps": [[0, 1]], "sentences": ["One.", "Two."], "duration": 9},
        {"timestamps": [[0, 1]], "sentences": "One."},
        [1, 2],
    ],
)
def test_captions_without_their_times_are_malformed(
    videos: Path, caplog: pytest.LogCaptureFixture, captions: object
) -> None:
    good = {"timestamps": [[0, 1], [1, 2]], "sentences": ["One.", "Two."], "duration": 9}
    read("activitynet-captions", videos, json.dumps({"ABC12": good, "v_bad": captions}))
    assert "v_bad, sentence" in caplog.text


def test_a_missing_video_is_told_and_skipped(videos: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = "ABC12 1 2##a\nunseen 1 2##a\nnotes 1 2##a\n"
    assert len(read("charades-sta", videos, lines)) == 1
    assert "there is no video unseen in" in caplog.text
    assert "there is no video notes in" in caplog.text


@pytest.mark.parametrize("text", ["", "nothing useful", "[1, 2", '"text"'])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_of_something_else_is_refused(videos: Path, layout: str, text: str) -> None:
    with pytest.raises(DataError):
        read(layout, videos, text)


def test_an_unknown_layout_names_the_known_ones(videos: Path) -> None:
    with pytest.raises(DataError, match=r"'imagenet': choose from qvhighlights, .*videomind-planning"):
        read("imagenet", videos, "")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none is no folder: give the folder that holds the videos"):
        read_annotations("didemo", tmp_path / "val_data.json", tmp_path / "none")
