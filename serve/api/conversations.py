"""`/v1/conversations`: the caller's history."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, StringConstraints

from videomind.serve.api.stored import Asking, Id, Served
from videomind.serve.api.turn_body import TurnBody, turn_body
from videomind.serve.store.conversations import Conversation

MOST_LISTED = 1000
router = APIRouter(prefix="/v1/conversations", tags=["conversations"])


class ConversationBody(BaseModel):
    """Questions about one video that belong together. Times in seconds since 1970."""

    id: str
    object: Literal["conversation"] = "conversation"
    title: str
    file_id: str | None
    filename: str
    created_at: int
    updated_at: int


class ConversationWithTurns(ConversationBody):
    """With its questions, in order."""

    turns: list[TurnBody]


class ConversationList(BaseModel):
    """The last used first."""

    object: Literal["list"] = "list"
    data: list[ConversationBody]


class ConversationChange(BaseModel):
    """What can be changed."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class ConversationDeleted(BaseModel):
    """What is gone."""

    id: str
    object: Literal["conversation"] = "conversation"
    deleted: Literal[True] = True


@router.get("")
def list_conversations(
    served: Served, asking: Asking, limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 100
) -> ConversationList:
    """The caller's conversations."""
    return ConversationList(data=[_body(entry) for entry in served.conversations.entries(asking.owner, limit)])


@router.get("/{conversation_id}")
def get_conversation(conversation_id: Id, served: Served, asking: Asking) -> ConversationWithTurns:
    """One of them, with all questions and results."""
    found = served.conversations.get(asking.owner, conversation_id)
    turns = [turn_body(turn) for turn in served.conversations.turns(asking.owner, conversation_id)]
    return ConversationWithTurns(**_body(found).model_dump(), turns=turns)


@router.patch("/{conversation_id}")
def rename_conversation(
    conversation_id: Id, change: ConversationChange, served: Served, asking: Asking
) -> ConversationBody:
    """Give one another title."""
    served.conversations.rename(asking.owner, conversation_id, change.title)
    return _body(served.conversations.get(asking.owner, conversation_id))


@router.delete("/{conversation_id}")
def remove_conversation(conversation_id: Id, served: Served, asking: Asking) -> ConversationDeleted:
    """Forget one, with its questions and results; the video stays."""
    served.conversations.remove(asking.owner, conversation_id)
    return ConversationDeleted(id=conversation_id)


def _body(entry: Conversation) -> ConversationBody:
    return ConversationBody(
        id=entry.id,
        title=entry.title,
        file_id=entry.file_id,
        filename=entry.file_name,
        created_at=entry.created,
        updated_at=entry.updated,
    )
