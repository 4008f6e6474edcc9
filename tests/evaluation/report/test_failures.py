"""Which samples are shown as failures, and in which order."""

from __future__ import annotations

from videomind.evaluation.report.failures import given_answer, option_text, true_answer, worst
from videomind.evaluation.report.row import Row


def row(name: str, **more: object) -> Row:
    return Row(name, "a.mp4", "?", **more)


def test_errors_then_wrong_and_misplaced_then_the_rest() -> None:
    truth = {"truth": ((0.0, 10.0),), "best": (0.0, 4.0)}
    rows = [
        row("fine", truth=((0.0, 1.0),), best=(0.0, 1.0)),
        row("misplaced", **truth),
        row("right but misplaced", answer="A", option="A", **truth),
        row("wrong and misplaced", answer="A", option="B", **truth),
        row("error", error="oh"),
        row("wrong", answer="A", option="B"),
        row("right", answer="A", option="A"),
    ]
    order = ["error", "wrong", "misplaced", "wrong and misplaced", "right but misplaced"]
    assert [one.id for one in worst(rows)] == order
    assert [one.id for one in worst(rows, 2)] == order[:2]


def test_of_equals_the_surest_comes_first() -> None:
    rows = [row(f"{sure}", truth=((0.0, 1.0),), confidence=sure) for sure in (None, 0.2, 0.9)]
    assert [one.id for one in worst(rows)] == ["0.9", "0.2", "None"]


def test_answers_as_people_read_them() -> None:
    options = ("red", "blue")
    assert true_answer(row("a", options=options, answer="B")) == "B  blue"
    assert given_answer(row("a", options=options, option="A", reply="A")) == "A  red"
    assert given_answer(row("a", options=options, reply="neither")) == "no option (neither)"
    assert given_answer(row("a", options=options, reply=" ")) == "no option (an empty reply)"
    assert given_answer(row("a", reply="He swims.")) == "He swims."
    assert given_answer(row("a")) == true_answer(row("a")) == ""
    assert option_text((), "C") == "C"
