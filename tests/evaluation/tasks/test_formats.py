"""Benchmarks whose files are not at hand, from small made-up ones in the documented format; and malformed files."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from videomind.errors import DataError, InputError
from videomind.evaluation.sample import Sample
from videomind.evaluation.tasks import TASKS, task
from videomind.evaluation.tasks.mvbench import FILES


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text)
    return path


def read(name: str, path: Path, split: str | None = None) -> list[Sample]:
    return list(task(name).read(path, split or task(name).split))


def test_ego4d_from_the_official_file_and_from_jsonl(tmp_path: Path) -> None:
    queries = [
        {"query": "Where was  my phone?", "clip_start_sec": 3.0, "clip_end_sec": 7.5},
        {"clip_start_sec": 1.0, "clip_end_sec": 2.0},
        {"query": "who did I talk to.", "clip_start_sec": 8.0, "clip_end_sec": 8.0},
    ]
    annotation = {"annotation_uid": "a1", "language_queries": queries}
    clip = {"clip_uid": "c1", "video_start_sec": 100.0, "video_end_sec": 580.0, "annotations": [annotation]}
    official = write(tmp_path / "nlq_val.json", {"videos": [{"video_uid": "v1", "clips": [clip]}]})
    phone, person = read("ego4d_nlq", official)
    assert (phone.id, phone.video, phone.question) == ("a1_0", ("c1",), "Where was my phone?")
    assert (phone.spans, phone.duration) == (((3.0, 7.5),), 480.0)
    assert (person.id, person.question, person.spans) == ("a1_2", "who did I talk to", ((8.0, 8.0),))
    assert person.notes == {"clip_uid": "c1", "annotation_uid": "a1", "query_idx": 2}
    line = {
        "qid": "a1_0",
        "query": "Where was my phone?",
        "duration": 480,
        "vid": "c1",
        "relevant_windows": [[3.0, 7.5]],
    }
    (same,) = read("ego4d_nlq", write(tmp_path / "lines.jsonl", json.dumps(line)))
    assert (same.id, same.video, same.question, same.spans) == (phone.id, phone.video, phone.question, phone.spans)


def test_activitynet_rtl_reads_the_span_off_the_answer(tmp_path: Path) -> None:
    rows = [
        {"vid": "abc", "question": "When is it most tense?", "answer": "<5> <12.34> As of <7.0> he", "duration": 60.5},
        {"vid": "abc", "question": "When?", "answer": "<9.0> <4.0> reversed", "duration": 60.5, "question_id": "q2"},
    ]
    first, second = read("activitynet_rtl", write(tmp_path / "annot_val_1_q229.json", rows).parent)
    assert (first.id, first.video, first.spans) == ("v_abc_0", ("v_abc", "abc"), ((5.0, 12.34),))
    assert (second.id, second.spans, second.notes["question_id"]) == ("v_abc_1", ((9.0, 4.0),), "q2")
    with pytest.raises(DataError, match=r"entry 1: the answer does not hold two times"):
        read("activitynet_rtl", write(tmp_path / "bad.json", [rows[0] | {"answer": "at <5.0>"}]))


def test_rextime_with_options_takes_durations_from_both_sources(tmp_path: Path) -> None:
    row = {
        "qid": "anet_val1",
        "vid": "v_abcdefghijk",
        "question": " How did   they win?",
        "options": ["by luck", "By skill"],
        "answer": "From <s0> to <e0>, by skill",
        "ans": "B",
        "span": [3, 9],
        "category": "means-to-an-end",
    }
    write(tmp_path / "activitynet" / "durations.json", {"v_abcdefghijk": 33.5})
    write(tmp_path / "qvhighlights" / "durations.json", {"other": 150})
    (sample,) = read("rextime", write(tmp_path / "rextime" / "rextime_val.json", [row]))
    assert (sample.question, sample.options, sample.answer) == ("How did they win?", ("by luck", "By skill"), "B")
    assert (sample.spans, sample.duration) == (((3.0, 9.0),), 33.5)
    assert sample.groups == (("task", "means-to-an-end"),)


def test_videomme_in_both_json_forms(tmp_path: Path) -> None:
    video = {"video_id": "001", "duration": "long", "domain": "Knowledge", "sub_category": "Law"}
    question = {"question_id": "001-1", "task_type": "OCR Problems", "question": "What is  written?"}
    question |= {"options": ["A. Apples.", "B. Pears."], "answer": "B"}
    (flat,) = read("videomme", write(tmp_path / "flat.json", [video | question | {"videoID": "fFjv93ACGo8"}]))
    (nested,) = read("videomme", write(tmp_path / "nested.json", [video | {"questions": [question]}]))
    assert (flat.id, flat.question, flat.options, flat.answer) == (
        "001-1",
        "What is written?",
        ("Apples.", "Pears."),
        "B",
    )
    assert (flat.video, flat.subtitles) == (("fFjv93ACGo8", "001"), "fFjv93ACGo8.srt")
    kinds = {
        "task": "long",
        "duration": "long",
        "domain": "Knowledge",
        "sub_category": "Law",
        "task_type": "OCR Problems",
    }
    assert flat.groups == nested.groups == tuple(kinds.items())
    assert nested.video == ("001",)
    question["options"] = ["Apples.", "Pears."]
    with pytest.raises(DataError, match=r"entry 1: the options are not"):
        read("videomme", write(tmp_path / "bad.json", [video | question]))


def test_videomme_as_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    row = {"video_id": "001", "videoID": "x", "duration": "short", "domain": "d", "sub_category": "s", "task_type": "t"}
    row |= {"question_id": "001-1", "question": "Q?", "options": ["A. a", "B. b"], "answer": "A"}
    path = tmp_path / "videomme" / "test-00000-of-00001.parquet"
    path.parent.mkdir()
    parquet.write_table(pyarrow.Table.from_pylist([row]), path)
    (sample,) = read("videomme", tmp_path)
    assert (sample.id, sample.options, sample.answer) == ("001-1", ("a", "b"), "A")
    with pytest.raises(DataError, match="as Parquet"):
        read("videomme", write(tmp_path / "bad.parquet", "no parquet"))


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(DataError, match="pip install pyarrow, or give the annotations as JSON"):
        read("videomme", write(tmp_path / "test.parquet", ""))


def test_lvbench_options_stand_in_the_question_and_a_question_has_several_types(tmp_path: Path) -> None:
    asked = {
        "uid": "181",
        "question": "What year appears?\n(A) 1636\n(B) 1366\n(C) 1363\n(D) 1633",
        "answer": "D",
        "question_type": ["key information retrieval", "entity recognition"],
        "time_reference": "00:15-00:19",
    }
    line = {"key": "Cm73ma6Ibcs", "type": "cartoon", "qa": [asked]}
    path = write(tmp_path / "lvbench" / "LVBench" / "video_info.meta.jsonl", json.dumps(line))
    (sample,) = read("lvbench", tmp_path)
    assert (sample.id, sample.video, sample.question) == ("181", ("Cm73ma6Ibcs",), "What year appears?")
    assert (sample.options, sample.answer) == (("1636", "1366", "1363", "1633"), "D")
    assert sample.labels("task") == ("key information retrieval", "entity recognition")
    assert (sample.labels("type"), sample.spans) == (("cartoon",), ())
    asked["question"] = "What year appears?\n(A) 1636\n(C) 1366"
    with pytest.raises(DataError, match=r"line 1, question 1: the lines after the question"):
        read("lvbench", write(path, json.dumps(line)))


def test_mvbench_reads_twenty_files_and_keeps_parts_and_frames(tmp_path: Path) -> None:
    row = {"video": "x.mp4", "question": "What happened?", "candidates": ["It fell", "It flew"], "answer": "It flew"}
    for name in FILES.values():
        write(tmp_path / "json" / f"{name}.json", [row | {"start": 1.5, "end": 9}])
    samples = {sample.labels("task")[0]: sample for sample in read("mvbench", tmp_path)}
    assert len(samples) == 20
    sequence = samples["Action Sequence"]
    assert (sequence.id, sequence.answer, sequence.part) == ("action_sequence_x_0", "B", (1.5, 9.0))
    assert sequence.video == ("star/Charades_v1_480/x.mp4",)
    parts = {name for name, sample in samples.items() if sample.part}
    bounded = {
        "Action Sequence",
        "Action Prediction",
        "Object Interaction",
        "Action Localization",
        "Episodic Reasoning",
    }
    assert parts == bounded
    assert samples["Episodic Reasoning"].notes == {"fps": 3.0}
    (alone,) = read("mvbench", tmp_path / "json" / "fine_grained_pose.json")
    assert alone == samples["Fine-grained Pose"]


def test_mvbench_says_which_file_is_missing(tmp_path: Path) -> None:
    write(tmp_path / "json" / "action_sequence.json", [])
    with pytest.raises(DataError, match=r"action_prediction\.json"):
        read("mvbench", tmp_path)


def test_longvideobench_with_and_without_truth(tmp_path: Path) -> None:
    row = {
        "id": "86CxyhFV9MI_0",
        "video_id": "86CxyhFV9MI",
        "video_path": "86CxyhFV9MI.mp4",
        "question": "Who is  that?",
        "candidates": ["a man", "a dog", "nobody"],
        "correct_choice": 1,
        "duration": 190.16,
        "duration_group": 600,
        "question_category": "T3E",
        "level": "L2-Relation",
        "topic_category": "NP-News-Programs",
    }
    other = row | {"id": "b", "video_id": "@jane-7271650312345678901", "video_path": "7271650312345678901.mp4"}
    first, second = read("longvideobench", write(tmp_path / "lvb_val.json", [row, other]).parent)
    assert (first.answer, first.duration, first.question) == ("B", 190.16, "Who is that?")
    assert (first.labels("task"), first.labels("question_category")) == (("600",), ("T3E",))
    assert second.video[0] == "7271650312345678901"
    del row["correct_choice"]
    (hidden,) = read("longvideobench", write(tmp_path / "lvb_test_wo_gt.json", [row]).parent, "test")
    assert hidden.answer is None


def test_deveqa_draws_the_order_of_options_once_and_for_all(tmp_path: Path) -> None:
    rows = [
        {
            "vid": "v_abc",
            "question": f"Why {n}?",
            "answer": "right",
            "distract_answers": list("wxyz"),
            "timestamp": [1, 2],
        }
        for n in range(200)
    ]
    write(tmp_path / "durations.json", {"v_abc": 20})
    path = write(tmp_path / "DeVE-QA_val.json", rows)
    samples = read("deveqa", path)
    assert samples == read("deveqa", path)
    assert (samples[3].id, samples[3].duration, samples[3].spans) == ("v_abc_3", 20.0, ((1.0, 2.0),))
    for sample in samples:
        assert sample.answer is not None
        assert sample.options[ord(sample.answer) - ord("A")] == "right"
    letters = [sample.answer for sample in samples]
    assert all(20 < letters.count(letter) < 60 for letter in "ABCDE")


def test_deveqa_in_the_form_of_the_official_code(tmp_path: Path) -> None:
    row = {
        "qid": "s1",
        "video_id": "v_x",
        "question": "What?",
        "options": {"B": "two", "A": "one"},
        "gt_span": [3, 5.5],
    }
    lines = [row | {"answer": "b", "duration": 70}, row | {"qid": "s2", "options": ["one", "two"], "answer": "one"}]
    first, second = read("deveqa", write(tmp_path / "qa.jsonl", "\n".join(map(json.dumps, lines))))
    assert (first.id, first.options, first.answer, first.spans) == ("s1", ("one", "two"), "B", ((3.0, 5.5),))
    assert second.answer == "A"


def test_charades_prefers_measured_durations_and_does_without_any(tmp_path: Path) -> None:
    path = write(tmp_path / "charades_sta_test.txt", "ABCDE 1.0 2.5##a person  sits.\n")
    (sample,) = read("charades_sta", path)
    assert (sample.duration, sample.question) == (None, "a person sits")
    write(tmp_path / "Charades_v1_test.csv", "id,length\nABCDE,30.5\n")
    assert read("charades_sta", path)[0].duration == 30.5
    write(tmp_path / "durations.json", {"ABCDE": 30.42})
    assert read("charades_sta", path)[0].duration == 30.42


@pytest.mark.parametrize(
    ("name", "file", "content", "says"),
    [
        ("charades_sta", "x.txt", "ABCDE 1.0##a person", r"x\.txt, line 1: it is not"),
        (
            "charades_sta",
            "x.json",
            {"ABC": {"timestamps": [[1, 2]], "sentences": ["a"]}},
            "'video_duration' is missing",
        ),
        ("qvhighlights", "x.jsonl", "{}", "line 1: 'qid' is missing"),
        ("qvhighlights", "x.jsonl", "no json", "line 1: "),
        ("cgbench", "x.json", {}, "does not hold a list"),
        ("cgbench", "x.json", [3], "entry 1: "),
        ("mlvu", "x.json", [{"question_type": "subPlot", "video": "v", "candidates": []}], "'subPlot' is missing"),
        ("didemo", "x.json", [{"annotation_id": 1, "video": "a", "description": "b", "times": []}], "entry 1: "),
    ],
)
def test_a_malformed_entry_is_named(tmp_path: Path, name: str, file: str, content: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read(name, write(tmp_path / file, content))


CGBENCH = {"qid": 1, "video_uid": "v", "question": "Q?", "choices": ["a", "b"], "right_answer": "B", "duration": 9}
CGBENCH |= {"clue_intervals": [[1, 2]], "sub_category": "s", "domain": "d"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"right_answer": "C"}, "the answer C is none of the 2 options"),
        ({"right_answer": "b"}, "answer: "),
        ({"video_uid": "../secret"}, "inside the videos' folder"),
        ({"video_uid": "/etc/passwd"}, "inside the videos' folder"),
        ({"clue_intervals": [[1]]}, "spans"),
        ({"clue_intervals": [["1", 2]]}, "spans"),
        ({"duration": -1}, "duration"),
        ({"question": 3}, "entry 1: "),
        ({"choices": ["a", None]}, "options"),
    ],
)
def test_what_cannot_be_a_sample_is_refused(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    assert read("cgbench", write(tmp_path / "good.json", [CGBENCH]))[0].answer == "B"
    with pytest.raises(DataError, match=says):
        read("cgbench", write(tmp_path / "bad.json", [CGBENCH | change]))


def test_infinite_times_are_refused(tmp_path: Path) -> None:
    text = json.dumps([CGBENCH]).replace("[1, 2]", "[1, Infinity]")
    with pytest.raises(DataError, match="spans"):
        read("cgbench", write(tmp_path / "bad.json", text))


def test_two_samples_with_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two samples have the id 1"):
        read("cgbench", write(tmp_path / "bad.json", [CGBENCH, CGBENCH]))


def test_a_task_that_does_not_exist() -> None:
    with pytest.raises(
        InputError, match="no task is called 'charades': choose from charades_sta, activitynet_captions"
    ):
        task("charades")


@pytest.mark.parametrize("name", TASKS)
def test_a_missing_file_is_told(tmp_path: Path, name: str) -> None:
    for split, relative in TASKS[name].annotations.items():
        with pytest.raises(DataError, match="does not hold"):
            read(name, tmp_path, split)
        with pytest.raises(DataError, match="there is no file or folder"):
            read(name, tmp_path / relative, split)


def test_nextgqa_is_named_by_its_questions_or_by_its_true_spans(tmp_path: Path) -> None:
    header = "video_id,frame_count,width,height,question,answer,qid,type,a0,a1,a2,a3,a4"
    row = "7,90,640,360,why did she sit,tired,2,CW,run,tired,cold,sing,eat"
    questions = write(tmp_path / "test.csv", f"\ufeff{header}\n{row}\n")
    truth = write(tmp_path / "gsub_test.json", {"7": {"duration": 30.5, "location": {"2": [[1.0, 4.5]]}, "fps": 3}})
    write(tmp_path / "map_vid_vidorID.json", {"7": "0101/7"})
    (sample,) = read("nextgqa", questions)
    assert (sample.id, sample.question, sample.answer) == ("7_2", "Why did she sit?", "B")
    assert (sample.spans, sample.duration) == (((1.0, 4.5),), 30.5)
    assert read("nextgqa", truth) == read("nextgqa", tmp_path) == [sample]
