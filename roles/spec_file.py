"""What a `role.json` may hold; `spec.spec_from_json` reads it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from videomind.roles.spec import ROLES, RoleSpec, View


def _known_role(name: str) -> str:
    if name not in ROLES:
        raise ValueError(f"a role is one of {', '.join(ROLES)}")
    return name


def _one_query(prompt: str) -> str:
    if prompt and prompt.count("{query}") != 1:
        raise ValueError('a prompt holds "{query}" exactly once, or is empty')
    return prompt


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class _ViewFile(_Checked):
    fps: float = Field(gt=0, le=1000)
    max_frames: int = Field(ge=2, le=4096)
    min_pixels: int = Field(ge=784, le=2**30)
    max_pixels: int = Field(ge=784, le=2**30)
    min_frames: int = Field(default=4, ge=2, le=4096)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_pixels > self.max_pixels:
            raise ValueError("min_pixels is at most max_pixels")
        if self.min_frames > self.max_frames:
            raise ValueError("min_frames is at most max_frames")
        return self


class RoleFile(_Checked):
    """The keys of a `role.json` and their ranges; meanings as in `RoleSpec`."""

    name: Annotated[str, AfterValidator(_known_role)]
    prompt: Annotated[str, Field(max_length=100_000), AfterValidator(_one_query)]
    view: _ViewFile
    reply_prefix: str = Field(default="", max_length=1000)
    activation: Literal["lora", "alora"] = "lora"
    invocation: str | None = Field(default=None, max_length=1000)
    max_new_tokens: int = Field(default=256, ge=1, le=4096)
    min_span: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _invoked(self) -> Self:
        if (self.activation == "alora") != bool(self.invocation):
            raise ValueError('activation "alora" comes with an invocation text, "lora" with none')
        return self

    def to_spec(self) -> RoleSpec:
        """The same as a plain dataclass."""
        fields = {key: getattr(self, key) for key in type(self).model_fields}
        return RoleSpec(**fields | {"view": View(**self.view.model_dump())})


def first_problem(error: ValidationError) -> str:
    """The first thing wrong, in one line: which key, what is allowed, what was given."""
    first = error.errors(include_url=False)[0]
    key = ".".join(map(str, first["loc"])) or "the file"
    given = repr(first["input"])
    match first["type"]:
        case "missing":
            return f"{key}: this key is missing"
        case "extra_forbidden":
            return f"{key}: unknown key"
        case "model_type":
            return f"{key}: must be a JSON object"
    problem = first["msg"].removeprefix("Value error, ").replace("Input should", "must")
    if isinstance(first["input"], dict):
        return f"{key}: {problem}"
    return f"{key}: {problem}, not {given if len(given) <= 60 else given[:57] + '...'}"
