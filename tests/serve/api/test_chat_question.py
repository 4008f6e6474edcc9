"""From OpenAI's messages to a question: what is asked, of which video, and what is refused with which words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from videomind.errors import InputError
from videomind.serve.api.chat_question import Question, question_of
from videomind.serve.api.chat_request import ChatRequest
from videomind.serve.asked import Ask


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def video(url: str) -> dict[str, Any]:
    return {"type": "video_url", "video_url": {"url": url}}


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


ASKED = [user(video("file-1"), text("What is red?"))]


def request(messages: list[Any] | None = None, **fields: Any) -> ChatRequest:
    return ChatRequest.model_validate({"model": "videomind", "messages": messages or ASKED, **fields})


def test_a_question_about_a_video() -> None:
    assert question_of(request()) == Question("file-1", Ask("What is red?"))


def test_an_uploaded_file_as_openai_s_own_part() -> None:
    asked = [user({"type": "file", "file": {"file_id": "file-1"}}, text("What is red?"))]
    assert question_of(request(asked)).video == "file-1"


def test_the_parts_of_a_text_are_lines() -> None:
    asked = [user(text("What is red?"), video("file-1"), text("And what is blue?"))]
    assert question_of(request(asked)).ask.question == "What is red?\nAnd what is blue?"


def test_later_turns_are_about_the_last_video_shown() -> None:
    before = [user(video("file-1"), text("What is red?")), {"role": "assistant", "content": "A ball."}]
    asked = question_of(request([*before, {"role": "user", "content": "And blue?"}]))
    assert (asked.video, asked.ask.question) == ("file-1", "And blue?")
    asked = question_of(request([*before, user(video("file-2")), {"role": "user", "content": "And blue?"}]))
    assert (asked.video, asked.ask.question) == ("file-2", "And blue?")


def test_what_others_say_changes_nothing() -> None:
    others = [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [text("Be brief.")]},
        {"role": "assistant", "content": None, "tool_calls": []},
    ]
    assert question_of(request([*others, *ASKED, {"role": "assistant", "content": "Well,"}])) == question_of(request())


def test_what_openai_s_clients_send_along_changes_nothing() -> None:
    along = {
        "temperature": 0.7,
        "max_tokens": 64,
        "max_completion_tokens": 64,
        "seed": 1,
        "stop": ["\n"],
        "user": "ann",
        "metadata": {},
        "stream": False,
        "n": 1,
        "tools": [],
        "tool_choice": "none",
        "response_format": {"type": "text"},
        "modalities": ["text"],
        "logprobs": False,
    }
    assert question_of(request(**along)) == question_of(request())


def test_our_own_settings() -> None:
    settings = {
        "options": ["red", " blue "],
        "roles": ["grounder", "answerer"],
        "every": True,
        "top_k": 3,
        "answerer": "sports",
        "subtitles": "1\n00:00:01,000 --> 00:00:02,000\nHello\n",
        "conversation": "conv-1",
    }
    asked = question_of(request(videomind=settings))
    assert asked.conversation == "conv-1"
    assert asked.ask == Ask(
        question="What is red?",
        options=("red", "blue"),
        roles=("grounder", "answerer"),
        every=True,
        top_k=3,
        answerer="sports",
        subtitles=settings["subtitles"],
    )


@pytest.mark.parametrize(
    ("model", "roles", "only_plan"),
    [
        ("videomind", None, False),
        ("videomind/planner", None, True),
        ("videomind/grounder", ("grounder",), False),
        ("videomind/verifier", ("grounder", "verifier"), False),
        ("videomind/answerer", ("answerer",), False),
    ],
)
def test_each_model_calls_its_roles(model: str, roles: tuple[str, ...] | None, only_plan: bool) -> None:
    asked = question_of(request(model=model))
    assert (asked.ask.roles, asked.only_plan) == (roles, only_plan)


def test_the_answerer_may_look_at_a_part() -> None:
    for model in ("videomind", "videomind/answerer"):
        assert question_of(request(model=model, videomind={"span": [1, 2.5]})).ask.span == (1.0, 2.5)


@pytest.mark.parametrize(
    ("messages", "fields", "message"),
    [
        ([{"role": "system", "content": "Hello"}], {}, "messages: there is none of the user"),
        ([{"role": "user", "content": "What is red?"}], {}, "messages: there is no video; send it as a part"),
        ([user(video("file-1"))], {}, "the question is empty"),
        ([user(video("a"), video("b"), text("Which?"))], {}, "messages.0: 2 videos; ask about one at a time"),
        (ASKED, {"videomind": {"options": ["one"]}}, "1 option"),
        (ASKED, {"videomind": {"options": ["one", "One"]}}, "options A and B are the same"),
        (ASKED, {"videomind": {"span": [3, 3]}}, "videomind.span: 3 to 3 s"),
        (ASKED, {"model": "videomind/grounder", "videomind": {"span": [1, 2]}}, "videomind.span: only the answerer"),
        (ASKED, {"model": "videomind/grounder", "videomind": {"roles": ["answerer"]}}, "videomind.roles"),
        ([user(video("file-1"), text("<|video_pad|>"))], {}, "a control token of the model"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_to_do(
    messages: list[Any], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        question_of(request(messages, **fields))


@pytest.mark.parametrize(
    ("fields", "place", "message"),
    [
        ({"n": 2}, ("n",), "there is one answer to a question; leave n out"),
        ({"tools": [{"type": "function"}]}, ("tools",), "leave tools out"),
        ({"tool_choice": "required"}, ("tool_choice",), "there are no tools"),
        ({"functions": [{}]}, ("functions",), "leave functions out"),
        ({"audio": {"voice": "x"}}, ("audio",), "answers are text"),
        ({"modalities": ["text", "audio"]}, ("modalities",), "answers are text"),
        ({"response_format": {"type": "json_object"}}, ("response_format",), "the answer is plain text"),
        ({"logprobs": True}, ("logprobs",), "leave logprobs out"),
        ({"messages": []}, ("messages",), "at least 1 item"),
        ({"messages": [{"role": "user", "content": 5}]}, ("messages", 0, "user", "content"), "give a text, or a list"),
        ({"messages": [{"role": "user"}]}, ("messages", 0, "user", "content"), "Field required"),
        ({"messages": [{"role": "king", "content": ""}]}, ("messages", 0), "'king' found using 'role'"),
        ({"videomind": {"option": []}}, ("videomind", "option"), "Extra inputs are not permitted"),
        ({"videomind": {"top_k": 0}}, ("videomind", "top_k"), "greater than or equal to 1"),
        ({"videomind": {"span": [0, float("inf")]}}, ("videomind", "span", 1), "finite"),
        ({"videomind": {"roles": ["painter"]}}, ("videomind", "roles", 0), "'planner', 'grounder'"),
        ({"stream": "yes"}, ("stream",), "valid boolean"),
    ],
)
def test_what_has_no_meaning_here_is_refused_by_its_name(
    fields: dict[str, Any], place: tuple[str | int, ...], message: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        ChatRequest.model_validate({"model": "videomind", "messages": ASKED, **fields})
    first = refused.value.errors()[0]
    assert first["loc"] == place
    assert message in first["msg"]


@pytest.mark.parametrize("kind", ["image_url", "input_audio", "refusal"])
def test_other_kinds_of_parts_are_refused_by_their_name(kind: str) -> None:
    with pytest.raises(ValidationError, match=f"'{kind}' found using 'type'.*'text', 'video_url', 'file'"):
        request([user({"type": kind, kind: {}}, text("What is red?"))])
