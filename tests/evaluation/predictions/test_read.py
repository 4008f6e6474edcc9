"""Reading predictions from the layouts that they are published in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from videomind.errors import DataError
from videomind.evaluation.predictions import read_predictions
from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring import FIXED, MOMENT_DETR, NEXT_GQA, VIDEOMIND, score

OPTIONS = ("Lay on floor", "Clap", "A cup", "Crawl")
SAMPLES = [
    Sample(
        "v1_0", ("0101/v1", "v1"), "What is it?", OPTIONS, "B", ((0.5, 12.6),), duration=35, groups=(("task", "CW"),)
    ),
    Sample("v1_1", ("0101/v1", "v1"), "Why so?", OPTIONS, "C", ((29.1, 34.8), (1.0, 2.0)), duration=35),
    Sample("v2_0", ("0102/v2", "v2"), "What is it?", OPTIONS, "A", ((3.0, 9.0),), duration=20),
]


def write(path: Path, content: Any) -> Path:
    """As JSON, or a line for each entry."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(entry) for entry in content))
    else:
        path.write_text(json.dumps(content))
    return path


# ------------------------------------------------------------------------------------------ ours


def candidate(start: float, end: float, confidence: float, verified: float | None = None) -> dict[str, Any]:
    return {"start": start, "end": end, "confidence": confidence, "verified": verified, "probability": None}


LINE = {
    "id": "v1_0",
    "result": {
        "candidates": [candidate(1, 2, 0.3, 0.7), candidate(3, 4, 0.9, 0.5)],
        "moments": [candidate(1, 2, 0.3, 0.7)],
        "answer": {"text": "B) Clap", "option": "B"},
        "presence": 0.9,
        "plan": {"roles": ["grounder", "verifier", "answerer"]},
    },
    "trace": {
        "grounded": [candidate(3, 4, 0.9), candidate(1, 2, 0.3)],
        "calls": [
            {"role": "grounder", "reply": "…"},
            {"role": "answerer", "reply": "Best Option: (B) Clap", "frames": [1, 2]},
        ],
    },
    "error": None,
}


def test_our_own(tmp_path: Path) -> None:
    failed = {"id": "v1_1", "error": "out of memory"}
    file = write(tmp_path / "predictions.jsonl", [LINE, failed])
    expected = [
        Prediction("v1_0", ((1, 2), (3, 4)), (0.3, 0.9), ((3, 4), (1, 2)), response="B) Clap", absent=False),
        Prediction("v1_1", failed=True),
    ]
    assert read_predictions(file, SAMPLES) == read_predictions(tmp_path, SAMPLES) == expected


def test_of_our_own_a_later_line_replaces_an_earlier_one_and_a_torn_last_one_is_left_out(tmp_path: Path) -> None:
    file = write(tmp_path / "predictions.jsonl", [{"id": "v1_0", "error": "killed"}, LINE])
    file.write_text(file.read_text() + '\n{"id": "v2_0", "resu')
    (found,) = read_predictions(tmp_path, SAMPLES)
    assert not found.failed
    file.write_text('{"id": "v2_0", "resu\n' + json.dumps(LINE))
    with pytest.raises(DataError, match=r"predictions\.jsonl, line 1 is not JSON"):
        read_predictions(tmp_path, SAMPLES)


def test_the_folder_of_a_run_of_one_task(tmp_path: Path) -> None:
    write(tmp_path / "run.json", {"command": "videomind eval run"})
    write(tmp_path / "nextgqa" / "predictions.jsonl", [LINE])
    write(tmp_path / "nextgqa" / "results.json", {"n": 3})
    assert read_predictions(tmp_path, SAMPLES) == read_predictions(tmp_path / "nextgqa", SAMPLES)
    write(tmp_path / "rextime" / "predictions.jsonl", [LINE])
    with pytest.raises(DataError, match=r"several tasks \(nextgqa, rextime\): give the folder of the one"):
        read_predictions(tmp_path, SAMPLES)


def test_of_our_own_without_a_trace_the_option_is_the_answer(tmp_path: Path) -> None:
    result = {"answer": {"text": "Clap", "option": "B"}}
    (found,) = read_predictions(write(tmp_path / "predictions.jsonl", [{"id": "v1_0", "result": result}]), SAMPLES)
    assert found.response == "B"


def test_what_our_own_did_not_try(tmp_path: Path) -> None:
    result = {"candidates": [], "moments": [], "answer": {"text": "B"}, "presence": None}
    guessed = {"candidates": [candidate(0, 35, 0)], "moments": [candidate(0, 35, 0)], "answer": None, "presence": 0.1}
    absent = {"candidates": [candidate(0, 5, 0.2)], "moments": [], "answer": None, "presence": 0.01}
    write(
        tmp_path / "predictions.jsonl", [{"id": str(n), "result": r} for n, r in enumerate((result, guessed, absent))]
    )
    answered, fallback, nowhere = read_predictions(tmp_path, SAMPLES)
    assert (answered.spans, answered.response, answered.absent) == (None, "B", None)
    assert (fallback.spans, fallback.unverified) == (((0, 35),), None)
    assert (nowhere.absent, nowhere.response) == (True, None)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ({"id": "a"}, 'neither a "result" nor an "error"'),
        ({"id": 3, "error": "x"}, "id"),
        ({"id": "a", "result": {"candidates": [{"start": "1", "end": 2}]}}, "start"),
        ({"id": "a", "result": {"candidates": [{"start": float("nan"), "end": 2}]}}, "start"),
    ],
)
def test_a_line_of_our_own_that_is_wrong_is_named(tmp_path: Path, line: dict[str, Any], problem: str) -> None:
    write(tmp_path / "predictions.jsonl", [LINE, line])
    with pytest.raises(DataError, match=f"line 2.*{problem}"):
        read_predictions(tmp_path, SAMPLES)


# ------------------------------------------------------------------------------------------ VideoMind


def output(video: str, question: str, span: list[list[float]], **more: Any) -> dict[str, Any]:
    return {
        "source": "nextgqa",
        "video_path": f"data/nextqa/videos/0101/{video}.mp4",
        "duration": 35,
        "query": question.strip("?"),
        "question": question,
        "options": list(OPTIONS),
        "ans": "B",
        "span": span,
        "task": "CW",
        "grounder_success": True,
        "pred": [[0.5, 12.6], [0, 1]],
        "conf": [0.2, 0.9],
        "pred_ori": [[0, 1], [0.5, 12.6]],
        "conf_ori": [0.9, 0.2],
        "response": "B) Clap",
    } | more


def test_videominds_folder(tmp_path: Path) -> None:
    second = output("v1", "Why so?", [[29.1, 34.8], [1.0, 2.0]], ans="C", task=["KIR", "ER"], grounder_success=False)
    write(tmp_path / "output_0.json", [output("v1", "What is it?", [[0.5, 12.6]])])
    write(tmp_path / "output_1.json", [second])
    (tmp_path / "metrics.log").write_text("no predictions")
    (tmp_path / ".hidden.json").write_text("nor here")
    one, other = read_predictions(tmp_path, SAMPLES)
    truth = Sample(
        "v1_0", ("0101/v1", "v1"), "What is it?", OPTIONS, "B", ((0.5, 12.6),), duration=35, groups=(("task", "CW"),)
    )
    assert one == Prediction(
        "v1_0", ((0.5, 12.6), (0, 1)), (0.2, 0.9), ((0, 1), (0.5, 12.6)), response="B) Clap", truth=truth
    )
    assert other.id == "v1_1"
    assert other.truth is not None
    assert (other.truth.labels("task"), other.truth.answer) == (("KIR", "ER"), "C")
    found = score([VIDEOMIND], SAMPLES, [one, other])
    assert (found.missing, found.unknown) == (1, 0)
    assert found.variants["videomind"].groups["task"]["CW"]["Acc@GQA"] == 100


def test_a_single_file_of_it_and_its_jsonl(tmp_path: Path) -> None:
    rows = [output("v1", "What is it?", [[0.5, 12.6]])]
    as_json, as_lines = write(tmp_path / "a" / "output.json", rows), write(tmp_path / "b" / "output.jsonl", rows)
    assert read_predictions(as_json, SAMPLES) == read_predictions(as_lines, SAMPLES)


def test_rows_without_what_the_published_evaluation_looks_for_do_not_count(tmp_path: Path) -> None:
    bare = output("v1", "What is it?", [[0.5, 12.6]])
    rows = [{k: v for k, v in bare.items() if k != gone} for gone in ("conf", "span", "response", "question", "task")]
    write(tmp_path / "output.json", rows)
    predictions = read_predictions(tmp_path, SAMPLES)
    _, _, silent, unasked, plain = predictions
    grounded = [score([VIDEOMIND], SAMPLES, [row]).variants["videomind"].metrics.get("mIoU") for row in predictions]
    assert grounded == [None, None, 100, 100, 100]
    assert (silent.response, unasked.response) == (None, None)
    assert plain.truth is not None
    assert plain.truth.labels("task") == ("unknown",)


def test_they_count_where_the_annotations_say_what_is_true(tmp_path: Path) -> None:
    bare = output("v1", "What is it?", [[0.5, 12.6]])
    for gone in ("conf", "span"):
        file = write(tmp_path / "output.json", [{key: value for key, value in bare.items() if key != gone}])
        found = score([NEXT_GQA, FIXED], SAMPLES[:1], read_predictions(file, SAMPLES))
        assert found.variants["official"].metrics["Acc@GQA"] == found.variants["fixed"].metrics["Acc@GQA"] == 100


def test_confidences_that_do_not_go_with_the_spans_do_not_sort_them(tmp_path: Path) -> None:
    write(tmp_path / "output.json", [output("v1", "What is it?", [[0.5, 12.6]], conf=[0.5])])
    (found,) = read_predictions(tmp_path, SAMPLES)
    assert found.scores == ()
    assert MOMENT_DETR.measure(SAMPLES, [found]).metrics["MR-full-mAP"] == 100


def test_a_row_without_video_is_found_by_its_question_spans_and_options(tmp_path: Path) -> None:
    rows = [output("v2", "what is it", [[3.0, 9.0]]), output("v1", "What is it?", [[0.5, 12.6]])]
    rows = [{key: value for key, value in row.items() if key != "video_path"} for row in rows]
    write(tmp_path / "output.json", rows)
    assert [found.id for found in read_predictions(tmp_path, SAMPLES)] == ["v2_0", "v1_0"]


def test_the_same_question_about_one_video_goes_to_the_sample_with_its_span(tmp_path: Path) -> None:
    twins = [replace(SAMPLES[0], id=f"twin{n}", spans=((float(n), 9.0),), question="a man  runs.") for n in range(3)]
    rows = [
        {"video_path": "x/V1.mp4", "query": "A man runs", "span": [[start, 9.0]], "pred": [[0, 1]], "conf": [1]}
        for start in (2.0, 0.0, 5.0, 2.0)
    ]
    write(tmp_path / "output.json", rows)
    twins = [replace(twin, options=()) for twin in twins]
    assert [found.id for found in read_predictions(tmp_path, twins)] == ["twin2", "twin0", "twin1", "twin2"]


def test_a_row_that_is_there_twice_leaves_the_sample_with_another_span_alone(tmp_path: Path) -> None:
    twins = [replace(SAMPLES[0], id=f"twin{n}", options=(), spans=((float(n), 9.0),)) for n in range(2)]
    row = {"video_path": "v1.mp4", "query": "What is it?", "span": [[1.0, 9.0]], "pred": [[0, 1]], "conf": [1]}
    write(tmp_path / "output.json", [row, row])
    assert [found.id for found in read_predictions(tmp_path, twins)] == ["twin1", "twin1"]


def test_a_row_of_no_sample_is_unknown_and_still_scored_as_the_published_evaluation_does(tmp_path: Path) -> None:
    write(tmp_path / "output.json", [output("v9", "What is it?", [[0.5, 12.6]])])
    found = score([VIDEOMIND], SAMPLES, read_predictions(tmp_path, SAMPLES))
    assert (found.unknown, found.missing) == (1, 3)
    assert found.variants["videomind"].metrics["R1@0.5"] == 100


def test_names_with_dots_and_folders_of_frames(tmp_path: Path) -> None:
    samples = [Sample("1", ("NUsG_210.0_360.0",), "cooking"), Sample("2", ("tvqa/frames/castle_s01",), "who?", OPTIONS)]
    rows = [
        {"video_path": "videos/NUsG_210.0_360.0.mp4", "query": "cooking"},
        {"video_path": [f"data/tvqa/frames/castle_s01/{n:05}.jpg" for n in (1, 2)], "query": "who?"},
    ]
    write(tmp_path / "output.json", rows)
    assert [found.id for found in read_predictions(tmp_path, samples)] == ["1", "2"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"pred": [[1, 2, 3]]}, "pred"),
        ({"pred": "all"}, "pred"),
        ({"options": None}, "a response, but no options or no ans"),
        ({"video_path": 3}, "video_path"),
    ],
)
def test_a_row_that_is_wrong_is_named(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    good = output("v1", "What is it?", [[0, 1]])
    write(tmp_path / "output.json", [good, good | change])
    with pytest.raises(DataError, match=rf"output\.json, entry 2.*{problem}"):
        read_predictions(tmp_path, SAMPLES)


# ------------------------------------------------------------------------------------------ submissions


def test_a_submission(tmp_path: Path) -> None:
    lines = [
        {"qid": 7, "vid": "x", "pred_relevant_windows": [[0, 8, 0.9], [9, 10, 0.1]], "pred_saliency_scores": [1, -0.5]},
        {"qid": "8", "pred_relevant_windows": [[3.5, 4]], "ans": "C"},
        {"qid": 9, "pred_relevant_windows": []},
    ]
    found = read_predictions(write(tmp_path / "hl_val_submission.jsonl", lines), [])
    assert found == [
        Prediction("7", ((0, 8), (9, 10)), (0.9, 0.1), saliency=(1, -0.5)),
        Prediction("8", ((3.5, 4),), response="C", submitted=True),
        Prediction("9", ()),
    ]
    sample = Sample("7", ("x",), "?", spans=((0, 8),), duration=150)
    assert MOMENT_DETR.measure([sample], found).metrics["MR-full-mAP"] == 100


@pytest.mark.parametrize("windows", [[[1]], [[1, 2, 3, 4]], [["a", 2]], 3])
def test_a_line_of_a_submission_that_is_wrong_is_named(tmp_path: Path, windows: Any) -> None:
    file = write(tmp_path / "submission.jsonl", [{"qid": 1, "pred_relevant_windows": windows}])
    with pytest.raises(DataError, match=r"submission\.jsonl, line 1.*pred_relevant_windows"):
        read_predictions(file, [])


# ------------------------------------------------------------------------------------------ NExT-GQA


SPANS = {"v1_0": [0.5, 12.6], "v1_1": [30, 30], "v2_0": [0.0, 3.0], "v9_0": [1, 2]}
ANSWERS = {"v1_0": {"prediction": 1, "answer": 1}, "v1_1": {"prediction": 0, "answer": 2}}


def test_a_pair(tmp_path: Path) -> None:
    write(tmp_path / "test_ground.json", SPANS)
    write(tmp_path / "test-res.json", ANSWERS)
    found = {row.id: row for row in read_predictions(tmp_path, SAMPLES)}
    assert found["v1_0"] == Prediction("v1_0", ((0.5, 12.6),), (1.0,), response="B")
    assert (found["v1_1"].response, found["v2_0"].response) == ("A", None)
    said = score([NEXT_GQA], SAMPLES, list(found.values()))
    assert said.unknown == 1
    assert f"{said.variants['official'].metrics['Acc@GQA']:.1f}" == "33.3"
    assert read_predictions(tmp_path / "test_ground.json", SAMPLES) == list(found.values())


def test_one_file_alone(tmp_path: Path) -> None:
    spans = read_predictions(write(tmp_path / "ground" / "test_ground.json", SPANS), SAMPLES)
    assert [row.response for row in spans] == [None] * 4
    answers = read_predictions(write(tmp_path / "answers" / "test-res.json", ANSWERS), SAMPLES)
    assert [row.spans for row in answers] == [None, None]


def test_a_pair_without_answers(tmp_path: Path) -> None:
    write(tmp_path / "test_ground.json", SPANS)
    write(tmp_path / "test-res.json", {})
    found = score([NEXT_GQA], SAMPLES, read_predictions(tmp_path, SAMPLES)).variants["official"].metrics
    assert "mIoP" in found
    assert "Acc@GQA" not in found


def test_fractions_of_the_duration_become_seconds(tmp_path: Path) -> None:
    file = write(tmp_path / "test_ground_gs.json", {"v1_0": [0.1, 0.333], "v2_0": [0.0125, 1], "v9_0": [0, 1]})
    one, other, unknown = read_predictions(file, SAMPLES)
    assert (one.spans, other.spans, unknown.spans) == (((3.5, 11.7),), ((0.2, 20.0),), ((0, 1),))
    with pytest.raises(DataError, match="v1_0 is a fraction of the video, whose duration"):
        read_predictions(file, [replace(SAMPLES[0], duration=None)])


@pytest.mark.parametrize(
    ("reply", "right", "letter"),
    [
        ({"prediction": 1, "answer": 1}, True, "B"),
        ({"prediction": "Clap", "answer": "Clap"}, True, "B"),
        ({"prediction": "clap", "answer": "Clap"}, False, "B"),
        ({"prediction": 3, "answer": 3}, True, "D"),
        ({"prediction": 1, "answer": 3}, False, "B"),
        ({"prediction": "sing", "answer": "sing"}, True, "B"),
        ({"prediction": "sing", "answer": "Clap"}, False, "sing"),
        ({"prediction": 9, "answer": 1}, False, "9"),
    ],
)
def test_right_is_what_equals_the_answer_of_the_file(tmp_path: Path, reply: Any, right: bool, letter: str) -> None:
    write(tmp_path / "test-res.json", {"v1_0": reply})
    (found,) = read_predictions(tmp_path, SAMPLES)
    assert found.response == letter
    assert NEXT_GQA.measure(SAMPLES, [found]).metrics["Acc@QA"] == (100 if right else 0)


def test_several_groundings_are_not_guessed_among(tmp_path: Path) -> None:
    for name in ("test_ground_ada.json", "test_ground_gs.json"):
        write(tmp_path / name, SPANS)
    write(tmp_path / "test-res.json", ANSWERS)
    with pytest.raises(DataError, match=r"several files of grounding \(test_ground_ada.json, test_ground_gs.json\)"):
        read_predictions(tmp_path, SAMPLES)
    found = read_predictions(tmp_path / "test_ground_ada.json", SAMPLES)
    assert found[0].response == "B"


@pytest.mark.parametrize("entry", [[1], ["a", "b"], "all", {"prediction": 1}, {"prediction": None, "answer": 2}])
def test_an_entry_of_a_pair_that_is_wrong_is_named(tmp_path: Path, entry: Any) -> None:
    file = write(tmp_path / "test.json", {"v1_0": entry})
    with pytest.raises(DataError, match=r"test\.json, v1_0: "):
        read_predictions(file, SAMPLES)


# ------------------------------------------------------------------------------------------ none of these


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.json", "[1", "a.json is not JSON"),
        ("a.json", "3", "does not hold a list of predictions"),
        ("a.json", '[{"x": 1}]', "entry 1 is in no known layout: give a folder or file of `videomind eval run`"),
        ("a.jsonl", '{"qid": 1}', "line 1 is in no known layout"),
        ("a.jsonl", "nonsense", "line 1 is not JSON"),
        ("a.txt", "", "does not hold a list"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, content: str, problem: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=problem):
        read_predictions(tmp_path / name, SAMPLES)


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file or folder"):
        read_predictions(tmp_path / "nowhere", SAMPLES)
    with pytest.raises(DataError, match="holds no predictions: give"):
        read_predictions(tmp_path, SAMPLES)


def test_a_list_without_entries_holds_no_predictions(tmp_path: Path) -> None:
    assert read_predictions(write(tmp_path / "output.json", []), SAMPLES) == []


def test_too_large_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("videomind.annotations.files.MAX_BYTES", 10)
    with pytest.raises(DataError, match="is larger than"):
        read_predictions(write(tmp_path / "output.json", [output("v1", "What is it?", [])]), SAMPLES)
