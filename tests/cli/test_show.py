"""What people see: the chain as it runs, and the panel with the answer."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from videomind.cli.options import parse_roles
from videomind.cli.panel import result_panel
from videomind.cli.progress import follow
from videomind.errors import InputError
from videomind.events import AnswerToken, Done, Event, Grounded, PlanReady, Verified
from videomind.results import Answer, Candidate, Plan, Result, RoleCall, Trace, Usage, VideoInfo

FIRST, SECOND = Candidate(5.2, 8.1, 0.91, 0.70), Candidate(60.0, 75.5, 0.95, 0.41)
RESULT = Result(
    video=VideoInfo("videos/dog.mp4", 90.0, 25.0, 640, 360),
    question="What does the dog do?",
    query="the dog",
    plan=Plan(("grounder", "verifier", "answerer"), '[{"type": "grounder", "value": "the dog"}]', parsed=True),
    candidates=(FIRST, SECOND),
    moments=(FIRST,),
    answer=Answer("B) It [red]barks[/red].", "B"),
    timings={"total": 1.26},
    model="nano",
    engine="torch",
)


def shown(result: Result, **kwargs: object) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(result_panel(result, **kwargs))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_chain_is_shown_step_by_step() -> None:
    events: list[Event] = [
        PlanReady(RESULT.plan, RESULT.query),
        Grounded((replace(SECOND, verified=None), replace(FIRST, verified=None))),
        Verified(RESULT.candidates),
        AnswerToken("B) It "),
        AnswerToken("[red]barks[/red]."),
        Done(RESULT),
    ]
    stderr = io.StringIO()
    assert follow(iter(events), Console(file=stderr, width=100)) is RESULT
    lines = [line.split() for line in stderr.getvalue().splitlines()]
    assert [line[0] for line in lines] == ["planner", "grounder", "verifier", "moment", "1", "2", "answerer"]
    assert lines[1][1:5] == ["2", "candidates,", "best", "1:00.0–1:15.5"]
    assert lines[4] == ["1", "0:05.2–0:08.1", "0.910", "0.700"]
    assert lines[6][1:-2] == ["B)", "It", "[red]barks[/red]."]


def test_a_reply_that_is_no_plan_is_admitted() -> None:
    stderr = io.StringIO()
    plan = replace(RESULT.plan, reply="hm", parsed=False)
    follow(iter([PlanReady(plan, "the dog"), Done(RESULT)]), Console(file=stderr, width=100))
    assert "its reply was no plan" in stderr.getvalue()


def test_the_panel_names_answer_moment_scores_and_files() -> None:
    panel = shown(RESULT, written={"clip": Path("dog_clip.mp4")})
    for text in (
        "dog.mp4",
        "B) It [red]barks[/red].",
        "0:05.2–0:08.1",
        "0.91 · verified 0.70",
        "dog_clip.mp4",
        "1.3 s",
    ):
        assert text in panel


def test_what_was_reused_is_shown() -> None:
    call = RoleCall("planner", "", "", (0.0, 1.0), (), (1, 2, 2))
    fresh, reused = replace(call, usage=Usage(400, 0, True)), replace(call, usage=Usage(12, 6, False))
    assert "reused" not in shown(replace(RESULT, trace=Trace((fresh,))))
    assert "reused      6 of 412 prompt tokens, 1 of 2 views" in shown(replace(RESULT, trace=Trace((fresh, reused))))
    only_views = replace(call, usage=Usage(12, 0, False))
    assert "reused      1 of 1 views" in shown(replace(RESULT, trace=Trace((only_views,))))


def test_the_chosen_option_is_shown_in_full() -> None:
    assert "B  it barks" in shown(RESULT, options=("it sleeps", "it barks"))


def test_the_bar_shows_where_the_moment_lies() -> None:
    at_the_end = replace(RESULT, moments=(Candidate(89.9, 90.0, 0.5),))
    bar = next(line for line in shown(at_the_end).splitlines() if "━" in line)
    assert bar.index("━") > bar.rindex("─", 0, bar.index("━"))
    assert bar.count("━") == 1


def test_nothing_found_is_said_plainly() -> None:
    assert "Nothing found." in shown(replace(RESULT, moments=(), answer=None, candidates=()))


def test_roles_are_named_in_a_list() -> None:
    assert parse_roles(None) is None
    assert parse_roles("grounder, answerer") == frozenset({"grounder", "answerer"})
    with pytest.raises(InputError, match="'cook' is no role: choose from planner,grounder,verifier,answerer"):
        parse_roles("grounder,cook")
