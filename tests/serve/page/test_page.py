"""The page as people use it, in a real browser."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import gradio as gr
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.serve.live import Live, live_server
from tests.serve.page.person import Person
from videomind.agent import Agent
from videomind.serve.page.handlers import Handlers, Shown

TRIANGLE = "What does the yellow triangle do?"
BLINKS = "What shape is the thing that blinks?"
CROSS = "What does the white cross do?"


def test_from_the_upload_to_the_moment_that_is_played(person: Person, demo_video: Path) -> None:
    person.upload(demo_video)
    answer = person.ask(TRIANGLE)

    assert answer.startswith("moves up")
    assert all(any(title.startswith(step) for title in person.titles) for step in ("Planned", "Found", "Verified"))
    start, end = person.span_of(0)
    assert abs(start - 14.5) < 1.5  # the scene is known
    person.wait_until_within(start + 0.3, end)
    assert not person.paused
    person.wait_until_within(start - 0.1, start + 0.3)  # it loops
    assert person.time <= end


def test_who_has_no_video_at_hand_can_try_a_sample(person: Person) -> None:
    person.page.click(".drop-sample")
    expect(person.page.locator(".film.has-video")).to_be_visible()
    person.page.locator("#tries button").first.click()
    expect(person.page.locator("#chat .bot-row").last).to_contain_text("moves up")


def test_a_click_on_a_candidate_plays_it_and_questions_can_be_about_it(person: Person, demo_video: Path) -> None:
    person.upload(demo_video).ask(TRIANGLE)
    start, end = person.span_of(1)
    person.page.click("button.row[data-index='1']")
    person.wait_until_within(start - 0.1, end)

    person.page.click(".film-ask")
    expect(person.page.locator("#about")).to_contain_text("About ")
    person.ask("Which colour is it?")

    assert "About" in person.questions[-1]
    person.page.click("#about")
    expect(person.page.locator("#about")).to_be_hidden()


def test_a_follow_up_says_what_was_reused(person: Person, demo_video: Path) -> None:
    person.upload(demo_video).ask(TRIANGLE)
    assert person.ask(BLINKS).startswith("square")
    expect(person.page.locator("#chat .thought-group .title").last).to_contain_text("views reused")
    person.page.locator("#chat [data-testid=bot] > .message-content").first.click()
    expect(person.page.locator("button.row.is-chosen .row-time").first).to_contain_text("0:14")


def test_what_is_not_in_the_video_is_said_clearly(person: Person, demo_video: Path) -> None:
    assert person.upload(demo_video).ask(CROSS).startswith("Not in this video")
    expect(person.page.locator(".film-verdict")).to_contain_text("Not in this video")
    expect(person.page.locator("button.row")).not_to_have_count(0)
    expect(person.page.locator("button.row.is-chosen")).to_have_count(0)


def test_a_question_waits_in_line_and_can_be_stopped(person: Person, demo_video: Path, live_page: Live) -> None:
    person.upload(demo_video)
    queue = live_page.state.running.queue
    somebody_else = queue.enter("somebody else")
    try:
        person.start_asking(TRIANGLE)
        expect(person.page.locator("#chat .title")).to_contain_text("Waiting: next in line")
        person.page.click("#stop")
        expect(person.page.locator("#ask")).to_be_visible()
        assert person.answers == ["Stopped."]
        assert queue.waiting == 0
    finally:
        queue.leave(somebody_else)
    assert person.ask(TRIANGLE).startswith("moves up")


def test_closing_the_tab_ends_the_work(browser: Browser, live_page: Live, demo_video: Path) -> None:
    context = browser.new_context()
    person = Person(context.new_page(), live_page.url).arrive().upload(demo_video)
    queue = live_page.state.running.queue
    somebody_else = queue.enter("somebody else")
    try:
        person.start_asking(TRIANGLE)
        expect(person.page.locator("#chat .title")).to_contain_text("Waiting")
        assert queue.waiting == 1
        context.close()
        _until(lambda: queue.waiting == 0)
    finally:
        queue.leave(somebody_else)


def test_history_is_there_after_a_restart(page: Page, demo_video: Path, tmp_path: Path, nano_agent: Agent) -> None:
    with live_server(tmp_path / "data", nano_agent, page=True) as live:
        answer = Person(page, live.url).arrive().upload(demo_video).ask(TRIANGLE)
        shown = page.url.removeprefix(live.url)
        assert "?c=conv-" in shown
        page.goto("about:blank")
    with live_server(tmp_path / "data", nano_agent, page=True) as live:
        person = Person(page, live.url).arrive(shown)
        expect(page.locator("#chat .user-row")).to_contain_text(TRIANGLE)
        assert person.answers == [answer]
        start, end = person.span_of(0)
        person.wait_until_within(start - 0.1, end)
        page.click(".head-library")
        expect(page.locator(".shelf")).to_contain_text(TRIANGLE)
        page.click(".shelf-new")
        expect(page.locator(".drop-card")).to_contain_text("demo.mp4")


def test_two_people_at_once_see_their_own(browser: Browser, live_page: Live, demo_video: Path) -> None:
    contexts = [browser.new_context(), browser.new_context()]
    people = [Person(context.new_page(), live_page.url).arrive().upload(demo_video) for context in contexts]
    for person, question in zip(people, (TRIANGLE, BLINKS), strict=True):
        person.start_asking(question)
    for person, answer in zip(people, ("moves up", "square"), strict=True):
        expect(person.page.locator("#ask")).to_be_visible()
        assert [given.splitlines()[0] for given in person.answers] == [answer]
        expect(person.page.locator(".shelf-item")).to_have_count(2)  # one conversation, one video
    for context in contexts:
        context.close()


def test_a_phone_has_one_column_and_nothing_beside_it(page: Page, live_page: Live, demo_video: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    person = Person(page, live_page.url).arrive().upload(demo_video)
    person.ask(TRIANGLE)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    film, chat = page.locator(".film").bounding_box(), page.locator("#chat").bounding_box()
    assert film is not None
    assert chat is not None
    assert film["y"] + film["height"] <= chat["y"]
    answer = page.locator(".film-answer")  # beside the film, where it is seen without scrolling
    expect(answer).to_contain_text("moves up")
    expect(answer).to_be_in_viewport()
    expect(page.locator("#question")).to_be_in_viewport()


def test_a_video_that_comes_before_the_page_has_loaded_is_opened_all_the_same(
    page: Page, nano_agent: Agent, demo_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, may_load = Handlers.load, threading.Event()

    def late(self: Handlers, request: gr.Request) -> Shown:
        shown = load(self, request)
        assert may_load.wait(60)
        return shown

    monkeypatch.setattr(Handlers, "load", late)
    with live_server(tmp_path / "data", nano_agent, page=True) as live:
        person = Person(page, live.url).arrive()
        with page.expect_response("**/v1/files"):
            person.choose(demo_video)
        page.wait_for_timeout(500)
        expect(page.locator(".drop-line")).to_contain_text("looking at it")
        may_load.set()
        person.wait_for_video()
        page.wait_for_timeout(500)
        expect(page.locator(".film.has-video")).to_be_visible()


def test_what_is_no_video_is_refused_with_words(person: Person, demo_video: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("this is no video " * 20)
    person.choose(text)
    expect(person.page.locator(".drop-error")).to_contain_text("no video")
    person.upload(demo_video)
    expect(person.page.locator(".drop-error")).to_be_hidden()


def test_text_is_text_and_never_html(person: Person, demo_video: Path) -> None:
    question = "<img src=x onerror=alert(1)> does the **triangle** <b>move</b>? [a](javascript:alert(1))"
    person.upload(demo_video).ask(question)
    assert person.questions == [question]
    assert person.page.locator("#chat :is(img, b, strong, a)").count() == 0
    expect(person.page.locator(".shelf-title").first).to_have_text(question[:80])


def test_space_plays_where_nobody_writes(person: Person, demo_video: Path) -> None:
    person.upload(demo_video)
    assert person.paused
    person.page.locator("body").press("Space")
    person.page.wait_for_function("!document.querySelector('video').paused")
    person.page.locator(".film-play").press("Space")
    person.page.wait_for_function("document.querySelector('video').paused")
    person.page.locator("#question textarea").press("Space")
    assert person.paused


def test_multiple_choice_and_roles_are_what_was_set(person: Person, demo_video: Path) -> None:
    person.upload(demo_video)
    person.page.click("#options > button")
    person.page.fill("#options textarea", "moves left\nmoves up\ngrows")
    assert person.ask(TRIANGLE).startswith("B: moves up")
    person.page.fill("#options textarea", "")
    person.page.get_by_label("answerer").uncheck()
    assert person.ask("the yellow triangle moves up").startswith("0:14")


def _until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline
        sleep(0.05)
