"""Official submissions: the very files that each benchmark's evaluation takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from videomind.errors import DataError
from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.submissions import SUBMISSIONS
from videomind.evaluation.submissions.base import Files
from videomind.evaluation.tasks import TASKS


def sample(name: str, **more: Any) -> Sample:
    told: dict[str, Any] = {"video": (f"{name}.mp4",), "question": f"question {name}"}
    return Sample(name, **told | more)


def files(task: str, samples: Sequence[Sample], *said: Prediction) -> Files:
    return SUBMISSIONS[task].files(samples, {one.id: one for one in said})


def lines(found: Files) -> list[Any]:
    assert list(found) == [""]
    return [json.loads(line) for line in found[""].splitlines()]


def content(found: Files) -> Any:
    assert list(found) == [""]
    return json.loads(found[""])


CHOICE = {"options": ("red", "blue", "green"), "answer": "B"}


def test_every_format_is_of_a_task_and_says_where_it_is_described() -> None:
    assert SUBMISSIONS.keys() <= TASKS.keys()
    assert all(one.source.startswith("https://github.com/") for one in SUBMISSIONS.values())
    assert all(one.missing for one in SUBMISSIONS.values())


def test_qvhighlights_in_the_order_of_the_annotations() -> None:
    samples = [sample(name, notes={"vid": f"video{name}"}) for name in ("7", "3", "5")]
    said = (
        Prediction("3", spans=((0.0, 2.0), (4.0, 8.0)), scores=(0.25, 0.75), saliency=(0.5, -1.0)),
        Prediction("7", spans=((2.0, 4.0), (0.0, 2.0))),
    )
    assert lines(files("qvhighlights", samples, *said)) == [
        {"qid": 7, "query": "question 7", "vid": "video7", "pred_relevant_windows": [[2.0, 4.0, 1.0], [0.0, 2.0, 0.5]]},
        {
            "qid": 3,
            "query": "question 3",
            "vid": "video3",
            "pred_relevant_windows": [[0.0, 2.0, 0.25], [4.0, 8.0, 0.75]],
            "pred_saliency_scores": [0.5, -1.0],
        },
        {"qid": 5, "query": "question 5", "vid": "video5", "pred_relevant_windows": [[0.0, 0.0, 0.0]]},
    ]


def test_nextgqa_is_a_pair_of_files() -> None:
    samples = [*(sample(name, **CHOICE) for name in ("10_0", "10_1", "10_2")), sample("11_0", options=("a", "b"))]
    said = (
        Prediction("10_0", spans=((1.0, 2.5), (0.0, 9.0)), response="(B) blue"),
        Prediction("10_1", spans=((3.0, 4.0),), response="hard to say"),
        Prediction("11_0", response="?"),
    )
    found = files("nextgqa", samples, *said)
    assert json.loads(found["{split}_ground.json"]) == {"10_0": [1.0, 2.5], "10_1": [3.0, 4.0]}
    assert json.loads(found["{split}-res.json"]) == {
        "10_0": {"prediction": 1, "answer": 1},
        "10_1": {"prediction": -1, "answer": 1},
        "11_0": {"prediction": -1, "answer": -2},  # which are not the same
    }
    grounded = files("nextgqa", samples, Prediction("10_0", spans=((1.0, 2.0),)))
    assert json.loads(grounded["{split}-res.json"]) == {}


def test_rextime_has_what_was_asked_for() -> None:
    samples = [sample("a", **CHOICE), sample("b", options=(), answer="C")]
    both = files("rextime", samples, Prediction("a", spans=((1.0, 2.0), (3.0, 4.0)), response="C"))
    assert lines(both) == [
        {"qid": "a", "pred_relevant_windows": [[1.0, 2.0]], "ans": "C"},
        {"qid": "b", "pred_relevant_windows": [[0.0, 0.0]], "ans": ""},
    ]
    assert lines(files("rextime", samples, Prediction("b", response="D"))) == [
        {"qid": "a", "ans": ""},
        {"qid": "b", "ans": "D"},  # no options in the annotations: any letter may be one
    ]
    assert lines(files("rextime", samples[:1], Prediction("a", spans=()))) == [
        {"qid": "a", "pred_relevant_windows": [[0.0, 0.0]]}
    ]


def test_deveqa() -> None:
    samples = [sample(name, **CHOICE) for name in ("a", "b", "c")]
    said = (Prediction("c", spans=((1.0, 2.0),), response="A"), Prediction("a", response="?"))
    assert lines(files("deveqa", samples, *said)) == [
        {"qid": "a", "answer": "", "span": [0.0, 0.0]},
        {"qid": "c", "answer": "A", "span": [1.0, 2.0]},
    ]


def test_ego4d_names_clip_annotation_and_query() -> None:
    notes = {"clip_uid": "c", "annotation_uid": "a", "query_idx": 0}
    samples = [sample(f"a_{number}", notes=notes | {"query_idx": number}) for number in range(3)]
    said = (Prediction("a_2", spans=((1.0, 2.0), (3.0, 4.0))), Prediction("a_1", spans=()))
    assert content(files("ego4d_nlq", samples, *said)) == {
        "version": "1.0",
        "challenge": "ego4d_nlq_challenge",
        "results": [notes | {"query_idx": 2, "predicted_times": [[1.0, 2.0], [3.0, 4.0]]}],
    }
    with pytest.raises(DataError, match="do not name clip_uid"):
        files("ego4d_nlq", [sample("1")])


@pytest.mark.parametrize("task", ["lvbench", "longvideobench"])
def test_letters_by_id(task: str) -> None:
    samples = [sample(name, **CHOICE) for name in ("1", "2", "3")]
    said = (Prediction("3", response="B) blue"), Prediction("1", response="none of them"))
    assert content(files(task, samples, *said)) == {"3": "B"}


def test_mlvu() -> None:
    samples = [sample("AR_0", groups=(("task", "anomaly_reco"),), **CHOICE), sample("x", **CHOICE)]
    found = files("mlvu", samples, Prediction("AR_0", response="Best Option: (B"))
    assert content(found) == [{"question_id": "AR_0", "question_type": "anomaly_reco", "option": "B"}]


def test_mvbench_is_accuracy_by_task() -> None:
    tasks = ("Action Count", "Action Count", "State Change", "State Change")
    samples = [sample(str(place), groups=(("task", name),), **CHOICE) for place, name in enumerate(tasks)]
    samples[2] = sample("2", groups=(("task", "State Change"),), options=("a", "b"))  # no option is right
    said = (Prediction("0", response="B"), Prediction("2", response="?"), Prediction("3", response="B"))
    assert content(files("mvbench", samples, *said)) == {"Action Count": 50.0, "State Change": 50.0, "Avg": 50.0}


def test_video_mme_has_every_video_with_its_questions() -> None:
    groups = (("duration", "short"), ("domain", "Knowledge"), ("sub_category", "Law"), ("task_type", "OCR Problems"))
    samples = [sample(name, groups=groups, **CHOICE) for name in ("001-1", "002-1", "001-2")]
    found = content(files("videomme", samples, Prediction("001-2", response="C")))
    assert [video["video_id"] for video in found] == ["001", "002"]
    assert [video["missing"] for video in found] == [False, True]
    first = found[0]
    assert (first["duration_category"], first["video_category"], first["video_subcategory"]) == (
        "short",
        "Knowledge",
        "Law",
    )
    assert first["questions"] == [
        {
            "question_id": name,
            "task_type": "OCR Problems",
            "question": f"question {name}",
            "choices": ["A. red", "B. blue", "C. green"],
            "answer": "B",
            "response": response,
        }
        for name, response in (("001-1", ""), ("001-2", "C"))
    ]
