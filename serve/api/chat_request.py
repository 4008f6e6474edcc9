"""What a client sends to `/v1/chat/completions`: OpenAI's fields as far as they have a meaning here, and our own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, ValidatorFunctionWrapHandler
from pydantic.functional_validators import WrapValidator
from pydantic_core import PydanticCustomError

from videomind.serve.asked import DEFAULT_TOP_K

MAX_MESSAGES = 2_000
MAX_TOP_K = 1_000
MAX_SUBTITLE_CHARS = 2_000_000
RoleName = Literal["planner", "grounder", "verifier", "answerer"]


def _only(advice: str) -> WrapValidator:
    """Where a field can have but one value: say what to do, not what the value should have been."""

    def check(value: Any, inner: ValidatorFunctionWrapHandler) -> Any:
        try:
            return inner(value)
        except ValidationError:
            raise PydanticCustomError("unsupported", "not supported here: {advice}", {"advice": advice}) from None

    return WrapValidator(check)


def _is_text(content: Any) -> str | None:
    match content:
        case str():
            return "text"
        case list():
            return "parts"
    return None


class _Strict(BaseModel):
    """Values are of the types that are said; fields without a meaning here are passed over."""

    model_config = ConfigDict(strict=True, frozen=True)


class TextPart(_Strict):
    """Text of the question."""

    type: Literal["text"]
    text: str


class VideoURL(_Strict):
    """Where the video is: id of an uploaded file, or a data:, file:, http(s): URL as far as the server allows it."""

    url: Annotated[str, Field(min_length=1)]


class VideoPart(_Strict):
    """The video that is asked about."""

    type: Literal["video_url"]
    video_url: VideoURL


class FileID(_Strict):
    """An uploaded file."""

    file_id: Annotated[str, Field(min_length=1)]


class FilePart(_Strict):
    """The video that is asked about, as OpenAI's own type for uploaded files."""

    type: Literal["file"]
    file: FileID


Part = Annotated[TextPart | VideoPart | FilePart, Field(discriminator="type")]
UserContent = Annotated[
    Annotated[str, Tag("text")] | Annotated[list[Part], Tag("parts")],
    Discriminator(_is_text, "content_type", "give a text, or a list of parts"),
]


class UserMessage(_Strict):
    """A question, the video it is about, or both."""

    role: Literal["user"]
    content: UserContent


class OtherMessage(_Strict):
    """What others said; it has no influence on the answer."""

    role: Literal["system", "developer", "assistant", "tool", "function"]


Message = Annotated[UserMessage | OtherMessage, Field(discriminator="role")]


class StreamOptions(_Strict):
    """What a stream holds besides the answer."""

    include_usage: bool | None = None


class TextFormat(_Strict):
    """The only format there is."""

    type: Literal["text"]


class Extension(BaseModel):
    """What OpenAI's request has no field for; `extra_body={"videomind": {...}}` with its client."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    options: Annotated[
        list[str], Field(max_length=26, description="Texts of a multiple choice, 2 to 26; none = an open question.")
    ] = []
    roles: Annotated[
        list[RoleName] | None, Field(description="Roles that may be called; null = all that the model has.")
    ] = None
    every: Annotated[bool, Field(description="Give back every moment that matches, not the best alone.")] = False
    top_k: Annotated[int, Field(ge=1, le=MAX_TOP_K, description="How many candidates to give back.")] = DEFAULT_TOP_K
    span: Annotated[
        list[Annotated[float, Field(ge=0, allow_inf_nan=False)]] | None,
        Field(
            min_length=2, max_length=2, description="Start and end in seconds: the answerer alone looks at this part."
        ),
    ] = None
    answerer: Annotated[str | None, Field(description="Name of an answerer adapter (/v1/adapters).")] = None
    subtitles: Annotated[
        str | None, Field(max_length=MAX_SUBTITLE_CHARS, description="Text of a subtitle file (SRT, VTT or ASS).")
    ] = None
    conversation: Annotated[str | None, Field(description="Id of the conversation that this turn belongs to.")] = None


class ChatRequest(_Strict):
    """The last message of the user is the question; the video is in it, or in an earlier one.

    Decoding is greedy and the roles' prompts are fixed: `temperature`, `top_p`, `seed`, `max_tokens`, `stop`,
    penalties and messages of others are accepted and change nothing.
    """

    model: Annotated[str, Field(description="videomind, or one role of it, e.g. videomind/grounder (/v1/models).")]
    messages: Annotated[list[Message], Field(min_length=1, max_length=MAX_MESSAGES)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    videomind: Extension | None = None

    n: Annotated[Literal[1] | None, _only("there is one answer to a question; leave n out")] = None
    tools: Annotated[list[Any] | None, Field(max_length=0), _only("leave tools out")] = None
    tool_choice: Annotated[Literal["none", "auto"] | None, _only("there are no tools")] = None
    functions: Annotated[list[Any] | None, Field(max_length=0), _only("leave functions out")] = None
    function_call: Annotated[Literal["none", "auto"] | None, _only("there are no functions")] = None
    modalities: Annotated[list[Literal["text"]] | None, _only('answers are text; give ["text"]')] = None
    audio: Annotated[None, _only("answers are text; leave audio out")] = None
    response_format: Annotated[
        TextFormat | None, _only("the answer is plain text; what was found is JSON in `videomind` anyway")
    ] = None
    logprobs: Annotated[Literal[False] | None, _only("leave logprobs out")] = None
    top_logprobs: Annotated[Literal[0] | None, _only("leave top_logprobs out")] = None
    web_search_options: Annotated[None, _only("nothing is looked up elsewhere")] = None
