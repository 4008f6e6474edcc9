from __future__ import annotations

from videomind.events import AnswerToken, Done, Grounded, Judged, PlanReady, Verified
from videomind.results import Answer, Candidate, Plan, Result, Trace, VideoInfo
from videomind.serve.asked import Ask
from videomind.serve.desk import Started, Waiting
from videomind.serve.page.film import film_value
from videomind.serve.page.telling import Telling
from videomind.serve.page.words import clock
from videomind.serve.store.conversations import Turn, TurnState
from videomind.serve.store.library import MediaInfo, VideoFile

PLAN = Plan(("grounder", "verifier", "answerer"), "…", parsed=True)
FOUND = Candidate(14.0, 18.7, 0.87, 0.61, 0.95)
OTHER = Candidate(2.0, 6.5, 0.05, 0.39, 0.05)
VIDEO = VideoFile("file-1", "me", "a.mp4", "ab", 1, MediaInfo("mp4", "h264", 36, 10, 224, 224, 360, True), 0)
RESULT = Result(
    video=VideoInfo("a.mp4", 36, 10, 224, 224),
    question="What?",
    query="the triangle",
    plan=PLAN,
    candidates=(FOUND, OTHER),
    moments=(FOUND,),
    answer=Answer("moves up"),
    timings={"grounder": 0.25, "verifier": 0.5, "answerer": 0.1, "total": 1.0},
    model="nano",
    engine="torch",
    presence=0.95,
    trace=Trace((), (OTHER, FOUND)),
)
STEPS = (
    PlanReady(PLAN, "the triangle"),
    Grounded((OTHER, FOUND)),
    Verified((FOUND, OTHER)),
    Judged(0.95, (FOUND,)),
    AnswerToken("moves up"),
    Done(RESULT),
)


def turn(state: TurnState, result: Result | None = None, error: str | None = None) -> Turn:
    data = None if result is None else result.to_json() | {"trace": result.trace.to_json()}
    return Turn("turn-1", "me", "conv-1", "file-1", "a.mp4", Ask("What?").to_json(), state, data, error, 0, 0)


def texts(telling: Telling) -> list[str]:
    return [message.get("metadata", {}).get("title", "") or message["content"] for message in telling.messages()]


def test_a_turn_is_told_as_it_happens() -> None:
    telling = Telling(Ask("What?"))
    assert texts(telling) == ["What?", "Starting"]
    telling.take(Started("turn-1"))
    telling.take(Waiting(2))
    assert texts(telling) == ["What?", "Waiting: number 2 in line"]
    for step in STEPS[:3]:
        telling.take(step)
    assert texts(telling) == ["What?", "Answering", "Planned", "Found 2 candidates", "Verified 2"]
    for step in STEPS[3:]:
        telling.take(step)
    assert texts(telling)[-1] == "moves up\n0:14.0 – 0:18.7 · 95 % likely"
    assert [message["metadata"].get("duration") for message in telling.messages() if "metadata" in message][2:4] == [
        0.25,
        0.5,
    ]


def test_the_store_tells_the_same_as_it_was_told_live() -> None:
    live = Telling(Ask("What?"), "turn-1")
    for step in STEPS:
        live.take(step)
    for told in live.steps:
        told.seconds = RESULT.timings.get(told.role)
    kept = Telling.of_turn(turn(TurnState.ANSWERED, RESULT))
    for told in kept.steps:
        told.seconds = RESULT.timings.get(told.role)
    assert kept.messages() == live.messages()
    assert film_value(VIDEO, kept) == film_value(VIDEO, live)


def test_a_turn_without_a_result_says_why() -> None:
    assert texts(Telling.of_turn(turn(TurnState.FAILED, error="too long")))[-1] == "Too long"
    assert texts(Telling.of_turn(turn(TurnState.CANCELLED)))[-1] == "Stopped."
    assert "Ask again" in texts(Telling.of_turn(turn(TurnState.INTERRUPTED)))[-1]


def test_what_people_and_models_write_is_escaped() -> None:
    telling = Telling(Ask("<b>What?</b>"))
    telling.take(PlanReady(PLAN, "<img src=x>"))
    telling.take(AnswerToken("<script>"))
    assert not any("<" in message["content"] for message in telling.messages())


def test_the_film_marks_the_moment_and_loses_what_was_cut() -> None:
    telling = Telling(Ask("What?"))
    assert film_value(VIDEO, telling)["state"] == "working"
    telling.take(STEPS[1])
    assert [row["chosen"] for row in film_value(VIDEO, telling)["rows"]] == [False, False]
    telling.take(Done(RESULT))
    value = film_value(VIDEO, telling)
    assert (value["state"], [row["chosen"] for row in value["rows"]]) == ("found", [True, False])


def test_a_part_that_was_asked_about_is_marked() -> None:
    telling = Telling(Ask("What?", span=(3.0, 5.0)))
    assert film_value(VIDEO, telling)["part"] == {"start": 3.0, "end": 5.0}
    assert "About 0:03.0 – 0:05.0" in telling.messages()[0]["content"]


def test_times_are_read_as_on_a_clock() -> None:
    assert [clock(seconds) for seconds in (0, 59.96, 61.04, 3723.4)] == ["0:00.0", "1:00.0", "1:01.0", "1:02:03.4"]
