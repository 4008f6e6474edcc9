"""From OpenAI's messages to one question about one video. Nothing here knows of a server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from videomind.errors import InputError
from videomind.roles.answerer import check_options
from videomind.roles.question import check_question
from videomind.serve.api.chat_request import ChatRequest, Extension, FilePart, Message, TextPart, UserMessage, VideoPart
from videomind.serve.api.model_names import CHAIN, ROLES_OF
from videomind.serve.asked import Ask

HOW_TO_SEND = (
    'send it as a part {"type": "video_url", "video_url": {"url": "<id of an uploaded file, or a data: URL>"}}'
)
ANSWERER, PLANNER = f"{CHAIN}/answerer", f"{CHAIN}/planner"


@dataclass(frozen=True, slots=True)
class Question:
    """Attributes:
    video: where the video is, as the client wrote it.
    ask: what is asked of it.
    conversation: the stored conversation it belongs to, or None.
    only_plan: stop when the plan stands.
    """

    video: str
    ask: Ask
    conversation: str | None = None
    only_plan: bool = False


def question_of(request: ChatRequest) -> Question:
    """What a request asks, and of which video.

    Args:
        request: its model is one of `ROLES_OF`.

    Raises:
        InputError: there is no question or no video, or the question, an option or a setting cannot be used.
    """
    said = [message for message in request.messages if isinstance(message, UserMessage)]
    if not said:
        raise InputError("messages: there is none of the user; the question is the user's last one")
    extension = request.videomind or Extension()
    ask = Ask(
        question=check_question(_text(said[-1])),
        options=check_options(extension.options) if extension.options else (),
        roles=_roles(request.model, extension),
        every=extension.every,
        top_k=extension.top_k,
        span=_span(request.model, extension),
        answerer=extension.answerer,
        subtitles=extension.subtitles,
    )
    return Question(_video(request.messages), ask, extension.conversation, request.model == PLANNER)


def _text(message: UserMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part.text for part in message.content if isinstance(part, TextPart))


def _video(messages: Sequence[Message]) -> str:
    """The last one that was shown, up to the question."""
    for place in reversed(range(len(messages))):
        message = messages[place]
        if isinstance(message, UserMessage) and (shown := _shown(message)):
            if len(shown) > 1:
                raise InputError(f"messages.{place}: {len(shown)} videos; ask about one at a time")
            return shown[0]
    raise InputError(f"messages: there is no video; {HOW_TO_SEND}")


def _shown(message: UserMessage) -> list[str]:
    urls = []
    for part in message.content:
        match part:
            case VideoPart():
                urls.append(part.video_url.url)
            case FilePart():
                urls.append(part.file.file_id)
    return urls


def _roles(model: str, extension: Extension) -> tuple[str, ...] | None:
    if extension.roles is None:
        return ROLES_OF[model]
    if model != CHAIN:
        raise InputError(f"videomind.roles: the model {model} has its own; leave roles out, or ask {CHAIN}")
    return tuple(extension.roles)


def _span(model: str, extension: Extension) -> tuple[float, float] | None:
    if extension.span is None:
        return None
    if model not in (CHAIN, ANSWERER):
        raise InputError(f"videomind.span: only the answerer looks at a part; ask {ANSWERER}")
    start, end = extension.span
    if not start < end:
        raise InputError(f"videomind.span: {start:g} to {end:g} s; the start has to be before the end")
    return start, end
