"""What `/v1/chat/completions` gives back: OpenAI's objects, with `reasoning_content` and `videomind` added."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from videomind.results import Plan
from videomind.serve.api.result_body import ResultBody


class PromptDetails(BaseModel):
    """Of the prompts' tokens, those whose KV was there already."""

    cached_tokens: int


class TokenUsage(BaseModel):
    """Over all calls of the chain; `completion_tokens` counts the pieces of the answer, about one per token."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails


class PlanBody(BaseModel):
    """What `videomind/planner` gives back."""

    id: str
    plan: Plan
    query: Annotated[str, Field(description="What would be grounded.")]


class AssistantMessage(BaseModel):
    """The answer, and how it was found in words."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    reasoning_content: Annotated[str, Field(description="The steps of the chain, one line each.")]


class Choice(BaseModel):
    """The only one."""

    index: Literal[0] = 0
    message: AssistantMessage
    finish_reason: Literal["stop"] = "stop"
    logprobs: None = None


class Completion(BaseModel):
    """An answer with its evidence."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: tuple[Choice]
    usage: TokenUsage | None
    videomind: ResultBody | PlanBody
