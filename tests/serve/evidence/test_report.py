"""A report: one page that holds everything and runs nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

from videomind.results import Answer, Candidate, Result, RoleCall, Trace
from videomind.serve.evidence.report import report_html
from videomind.vision.base import VideoReader

ASKED = 1_700_000_000


class Page(HTMLParser):
    """Text and tags of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self._words: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self._words.append(data)


def page(reader: VideoReader, result: Result, options: tuple[str, ...] = ()) -> Page:
    return Page(report_html(reader, result, options, ASKED))


def test_a_report_holds_question_answer_moment_and_how_it_was_found(reader: VideoReader, result: Result) -> None:
    text = page(reader, result).text
    for told in (
        "When do the bars turn white?",
        "film.mp4 · 0:04 · 128 × 96 · asked 2023-11-14 22:13 UTC",
        "In the second second.",
        "0:01.0 – 0:02.5",
        "confidence 0.80 · verified 0.70 · 93 % likely",
        "< 1 %",
        "Plan: grounder, then verifier, then answerer. Looked for: the bars turn white",
        "decode 0.10 s",
        "in all 0.35 s",
        "Find the bars",
        "2 candidates",
        "the model nano on torch",
    ):
        assert told in text


def test_a_report_needs_nothing_beside_it(reader: VideoReader, result: Result) -> None:
    shown = page(reader, result)
    assert shown.tags.count("img") == 4
    assert all(re.match("data:image/(png|jpeg);base64,", source) for source in shown.sources)
    assert not {"script", "link", "iframe"} & set(shown.tags)


def test_what_is_not_in_the_video_is_said_and_has_no_moment(reader: VideoReader, result: Result) -> None:
    shown = page(reader, replace(result, moments=(), presence=0.02, answer=Answer("Not in this video.")))
    assert "Not in this video. The probability that it is in the video at all is 2 %" in shown.text
    assert "The moment" not in shown.text
    assert shown.tags.count("img") == 1


def test_of_a_multiple_choice_the_chosen_option_is_marked(reader: VideoReader, result: Result) -> None:
    html = report_html(reader, replace(result, answer=Answer("B) Late", "B")), ("Early", "Late"), ASKED)
    assert re.findall(r'<li class="chosen">(.*?)</li>', html) == ["B. Late"]
    assert "<li>A. Early</li>" in html


def test_where_only_moments_were_looked_for_their_times_are_the_answer(reader: VideoReader, result: Result) -> None:
    assert "It happens: 0:01.0 – 0:02.5." in page(reader, replace(result, answer=None)).text
    several = replace(result, answer=None, moments=(Candidate(0.5, 1.0, 0.9), Candidate(3.0, 3.5, 0.8)))
    assert "It happens 2 times: 0:00.5 – 0:01.0, 0:03.0 – 0:03.5" in page(reader, several).text


def test_a_guess_is_not_called_a_moment(reader: VideoReader, result: Result) -> None:
    guess = Candidate(0.0, 4.0, 0.0)
    shown = page(reader, replace(result, answer=None, candidates=(guess,), moments=(guess,), presence=None))
    assert "No moment was found." in shown.text
    assert "The moment that shows it" not in shown.text


def test_an_answer_without_grounding_has_a_report_too(reader: VideoReader, result: Result) -> None:
    alone = replace(result, candidates=(), moments=(), presence=None, trace=Trace(), timings={})
    text = page(reader, alone).text
    assert "In the second second." in text
    assert "What was considered" not in text


def test_text_of_users_and_models_is_shown_as_text(reader: VideoReader, result: Result) -> None:
    hostile = "<script>alert(1)</script>{{ 7 * 7 }}\"' onload=x"
    call = RoleCall("answerer", hostile, hostile, (0.0, 4.0), (0,), (1, 4, 4))
    everywhere = replace(
        result,
        question=hostile,
        query=f"the {hostile}",
        answer=Answer(hostile),
        model=hostile,
        video=replace(result.video, path=hostile),
        trace=Trace((call,)),
    )
    shown = page(reader, everywhere, (hostile, hostile))
    assert "script" not in shown.tags
    assert shown.text.count("<script>alert(1)</script>{{ 7 * 7 }}") == 10
