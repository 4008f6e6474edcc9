"""What was asked and what came of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.serve.store.conftest import add
from videomind.serve.errors import Refused
from videomind.serve.store.conversations import Conversations, TurnState
from videomind.serve.store.database import Database
from videomind.serve.store.library import Library, VideoFile

ASKED: dict[str, object] = {"question": "When does the \ud83d\0 door open? 🚪", "options": [], "span": None, "top_k": 5}
RESULT = {"b": [{"start": 1.25, "end": 3.0}], "a": {"trace": {"calls": [{"score": 0.1}]}}, "moment": None}


@pytest.fixture
def video(library: Library) -> VideoFile:
    return add(library)


def test_a_question_is_there_before_its_answer_and_then_with_it(conversations: Conversations, video: VideoFile) -> None:
    turn = conversations.ask("ann", video, ASKED, None)
    assert (turn.state, turn.asked, turn.result, turn.finished) == (TurnState.ASKED, ASKED, None, None)
    assert (turn.file_id, turn.file_name, turn.conversation) == (video.id, "film.mp4", None)
    assert conversations.turn("ann", turn.id) == turn
    conversations.finish(turn.id, TurnState.ANSWERED, RESULT)
    after = conversations.turn("ann", turn.id)
    assert (after.state, after.asked, after.result, after.error) == (TurnState.ANSWERED, ASKED, RESULT, None)
    assert after.result is not None
    assert list(after.result) == list(RESULT)
    assert after.finished is not None
    assert after.finished >= after.created


def test_the_first_end_of_a_turn_counts(conversations: Conversations, video: VideoFile) -> None:
    turn = conversations.ask("ann", video, ASKED, None)
    conversations.finish(turn.id, TurnState.ANSWERED, RESULT)
    conversations.finish(turn.id, TurnState.CANCELLED)
    assert conversations.turn("ann", turn.id).state is TurnState.ANSWERED
    failed = conversations.ask("ann", video, ASKED, None)
    conversations.finish(failed.id, TurnState.FAILED, error="the engine has no memory left")
    assert conversations.turn("ann", failed.id).error == "the engine has no memory left"


def test_turns_come_in_order_and_the_last_used_conversation_first(
    conversations: Conversations, video: VideoFile
) -> None:
    doors, cats = (conversations.start("ann", video, title) for title in ("Doors", "Cats"))
    assert [entry.title for entry in conversations.entries("ann")] == ["Cats", "Doors"]
    asked = [conversations.ask("ann", video, {"question": str(number)}, doors.id) for number in range(5)]
    assert conversations.turns("ann", doors.id) == asked
    assert conversations.turns("ann", cats.id) == []
    assert [entry.title for entry in conversations.entries("ann")] == ["Doors", "Cats"]
    assert [entry.title for entry in conversations.entries("ann", limit=1)] == ["Doors"]


def test_conversations_can_be_renamed_and_removed_with_their_turns(
    conversations: Conversations, video: VideoFile
) -> None:
    conversation = conversations.start("ann", video, "Doors")
    turn = conversations.ask("ann", video, ASKED, conversation.id)
    conversations.rename("ann", conversation.id, "Gates")
    assert conversations.get("ann", conversation.id).title == "Gates"
    conversations.remove("ann", conversation.id)
    for gone in (lambda: conversations.get("ann", conversation.id), lambda: conversations.turn("ann", turn.id)):
        with pytest.raises(Refused, match="there is no"):
            gone()
    conversations.finish(turn.id, TurnState.ANSWERED, RESULT)


def test_nobody_reaches_what_belongs_to_others(conversations: Conversations, video: VideoFile) -> None:
    conversation = conversations.start("ann", video, "Private")
    turn = conversations.ask("ann", video, ASKED, conversation.id)
    for attempt in (
        lambda: conversations.turn("bob", turn.id),
        lambda: conversations.get("bob", conversation.id),
        lambda: conversations.turns("bob", conversation.id),
        lambda: conversations.rename("bob", conversation.id, "Mine"),
        lambda: conversations.remove("bob", conversation.id),
        lambda: conversations.ask("bob", video, ASKED, conversation.id),
    ):
        with pytest.raises(Refused) as error:
            attempt()
        assert error.value.status == 404
    assert conversations.entries("bob") == []
    assert conversations.get("ann", conversation.id).title == "Private"
    assert conversations.turns("ann", conversation.id) == [turn]


def test_a_video_that_was_removed_cannot_be_asked_about(
    library: Library, conversations: Conversations, video: VideoFile
) -> None:
    library.remove("ann", video.id)
    for attempt in (
        lambda: conversations.start("ann", video, "Late"),
        lambda: conversations.ask("ann", video, ASKED, None),
    ):
        with pytest.raises(Refused, match="there is no file"):
            attempt()


def test_a_restart_interrupts_what_this_server_was_asked_and_nothing_else(
    database: Database, conversations: Conversations, video: VideoFile
) -> None:
    one, other = Conversations(database, "one"), Conversations(database, "other")
    answered, open_one, open_other = (who.ask("ann", video, ASKED, None) for who in (one, one, other))
    one.finish(answered.id, TurnState.ANSWERED, RESULT)
    assert Conversations(database, "one").interrupt() == 1
    states = [conversations.turn("ann", turn.id).state for turn in (answered, open_one, open_other)]
    assert states == [TurnState.ANSWERED, TurnState.INTERRUPTED, TurnState.ASKED]
    one.finish(open_one.id, TurnState.ANSWERED, RESULT)
    assert conversations.turn("ann", open_one.id).state is TurnState.ANSWERED


def test_many_threads_ask_at_once(conversations: Conversations, video: VideoFile) -> None:
    conversation = conversations.start("ann", video, "Busy")

    def ask(number: int) -> None:
        turn = conversations.ask("ann", video, {"question": str(number)}, conversation.id)
        conversations.finish(turn.id, TurnState.ANSWERED, {"number": number})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(64)))
    turns = conversations.turns("ann", conversation.id)
    assert {turn.result["number"] for turn in turns if turn.result} == set(range(64))
    assert all(turn.asked["question"] == str(turn.result["number"]) for turn in turns if turn.result)


def test_numbers_that_json_does_not_know_are_no_result(conversations: Conversations, video: VideoFile) -> None:
    turn = conversations.ask("ann", video, ASKED, None)
    with pytest.raises(Exception, match="JSON compliant"):
        conversations.finish(turn.id, TurnState.ANSWERED, {"score": float("nan")})
    assert conversations.turn("ann", turn.id).state is TurnState.ASKED
