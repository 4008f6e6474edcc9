"""Running metrics: means over what is done, what failed counted as wrong."""

from typing import Any

import pytest

from videomind.evaluation.run.live import Running


def line(**more: Any) -> dict[str, Any]:
    return {"id": "a", "error": None, "spans": [], "options": [], "answer": None} | more


def found(*candidates: tuple[float, float], option: str | None = None) -> dict[str, Any]:
    answer = None if option is None else {"text": option, "option": option}
    return {"candidates": [{"start": start, "end": end} for start, end in candidates], "answer": answer}


def running(*lines: dict[str, Any]) -> Running:
    counted = Running()
    for one in lines:
        counted.add(one)
    return counted


def test_the_first_candidate_counts_against_the_best_of_the_true_spans() -> None:
    counted = running(
        line(spans=[[0, 10], [20, 30]], result=found((20, 25), (0, 10))),  # IoU 0.5
        line(spans=[[0, 10]], result=found((5, 15))),  # a third
    )
    assert counted.text() == "mIoU 41.7 · R1@0.5 50.0"


def test_answers_count_where_there_is_something_to_choose() -> None:
    counted = running(
        line(options=["x", "y"], answer="A", result=found(option="A")),
        line(options=["x", "y"], answer="A", result=found(option="B")),
        line(options=["x", "y"], answer=None, result=found()),  # nobody knows, and it said nothing
        line(result=found()),
    )
    assert counted.text() == "Acc 33.3"
    assert counted.done == 4


def test_what_failed_is_wrong() -> None:
    counted = running(
        line(spans=[[0, 10]], options=["x", "y"], answer="A", result=found((0, 10), option="A")),
        line(spans=[[0, 10]], options=["x", "y"], answer="A", error="VideoError: no frame"),
        line(spans=[[0, 10]], options=["x", "y"], answer="A", result=found()),
    )
    assert (counted.done, counted.failed) == (3, 1)
    assert counted.text() == "mIoU 33.3 · R1@0.5 33.3 · Acc 33.3"


def test_a_second_attempt_counts_in_place_of_the_first() -> None:
    asked = {"spans": [[0, 10]], "options": ["x", "y"], "answer": "A"}
    counted = running(line(**asked, error="VideoError: no frame"), line(**asked, error="VideoError: no frame"))
    counted.replace_failed(line(**asked, result=found((0, 10), option="A")))
    counted.replace_failed(line(**asked, error="VideoError: no frame"))
    assert (counted.done, counted.failed) == (2, 1)
    assert counted.text() == "mIoU 50.0 · R1@0.5 50.0 · Acc 50.0"


@pytest.mark.parametrize("lines", [(), (line(),)])
def test_nothing_to_measure_says_nothing(lines: tuple[dict[str, Any], ...]) -> None:
    assert running(*lines).text() == ""
