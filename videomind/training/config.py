"""What a training run is told, from a config file and flags."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from videomind.errors import InputError
from videomind.roles.spec_file import first_problem
from videomind.training.sources import SourceConfig, parse_source

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
MAX_CONFIG_BYTES = 1 << 20


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class MethodConfig(_Checked):
    """How the backbone is adapted (see `videomind.training.methods`).

    Attributes:
        name: one of `videomind.training.methods.METHODS`.
        rank: size of the adapter; None = the method's own default. Some methods have no rank.
        alpha: the adapter's scale is alpha / rank; None = the method's own default. Some methods have none.
        dropout: of the adapter's input.
        target_modules: linear layers of the language model, by the last part of their name.
        options: settings that only this method has.
    """

    name: str = Field(
        default="lora", description="one of the methods below; not named, a role that is an aLoRA stays one"
    )
    rank: int | None = Field(default=None, ge=1, le=8192, description="size of the adapter; none = the method's own")
    alpha: float | None = Field(default=None, gt=0, description="its scale is alpha / rank; none = the method's own")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="of the adapter's input")
    target_modules: tuple[str, ...] = Field(
        default=ATTENTION, min_length=1, description="linear layers of the language model"
    )
    options: dict[str, Any] = Field(default={}, description="settings that only this method has")


class RoleConfig(_Checked):
    """What the trained role is to be, where it differs from the model's own; meanings as in `RoleSpec` and `View`."""

    prompt: str | None = Field(default=None, description='the user text, with "{query}" where the question goes')
    reply_prefix: str | None = Field(default=None, description="the grounder's whole reply; it holds `<|reg|>` once")
    invocation: str | None = Field(default=None, description="the part of the prompt from which an aLoRA acts")
    fps: float | None = Field(default=None, description="frames per second that the role sees")
    max_frames: int | None = Field(default=None, description="at most so many frames")
    min_pixels: int | None = Field(default=None, description="a frame has at least so many pixels")
    max_pixels: int | None = Field(default=None, description="and at most so many")
    min_span: float | None = Field(default=None, description="shorter spans are widened to so many seconds")


class FilterConfig(_Checked):
    """Which records to leave out; meanings as in `videomind.training.filters.Filters`."""

    min_duration: float | None = Field(default=None, ge=0, description="of the video, in seconds")
    max_duration: float | None = Field(default=None, gt=0, description="of the video, in seconds")
    min_words: int | None = Field(default=None, ge=0, description="of the query or question")
    max_words: int | None = Field(default=None, ge=1, description="of the query or question")


Sources = Annotated[
    tuple[Annotated[SourceConfig, BeforeValidator(parse_source)], ...],
    BeforeValidator(lambda given: [given] if isinstance(given, str) else given),
]


class TrainConfig(_Checked):
    """Everything that `videomind train` can be told. The description of each field stands in docs/training.md."""

    data: Sources = Field(min_length=1, description="what to learn from (see Data)")
    eval_data: Sources = Field(default=(), description="what to measure on")
    videos: Path | None = Field(
        default=None, description="folder that videos' paths start from; none = that of the records"
    )
    from_predictions: bool = Field(
        default=False, description="verifier: candidates are what the model's own grounder predicts"
    )
    out: Path = Field(description="the model folder to make")
    model: Path | None = Field(default=None, description="the model folder to start from; none = the embedded model")
    base: Path | None = Field(default=None, description="a bare Qwen2-VL folder to start from instead")
    role: RoleConfig = Field(default=RoleConfig(), description="what the role is to be")
    method: MethodConfig = Field(default=MethodConfig(), description="how the backbone is adapted")
    filters: FilterConfig = Field(default=FilterConfig(), description="which records to leave out")
    jitter: float = Field(
        default=0.1, ge=0, le=1, description="an answerer's span moves by up to this share of its length"
    )
    seed: int = Field(default=0, ge=0, lt=2**32, description="of order, beginning and dropout")

    epochs: float = Field(default=5.0, gt=0, le=10_000, description="how often the data is seen")
    max_steps: int | None = Field(default=None, ge=1, description="at most so many optimizer steps")
    minutes: float | None = Field(default=None, gt=0, description="after so many minutes, stop and keep what there is")
    batch_size: int = Field(default=8, ge=1, le=4096, description="examples that are on a device at once")
    accumulate: int = Field(default=1, ge=1, le=4096, description="batches for one optimizer step")
    learning_rate: float | None = Field(
        default=None, gt=0, lt=1, description="of adapter and token rows; none = the method's"
    )
    decoder_learning_rate: float = Field(default=5e-4, gt=0, lt=1, description="of the timestamp decoder")
    schedule: Literal["cosine", "linear", "constant"] = Field(
        default="cosine", description="how the learning rate falls"
    )
    warmup: float = Field(default=0.05, ge=0, lt=1, description="the share of the steps in which it rises")
    weight_decay: float = Field(default=0.0, ge=0, lt=1, description="of AdamW")
    max_grad_norm: float = Field(default=1.0, gt=0, description="longer gradients are cut")

    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="where it is computed")
    precision: Literal["auto", "float32", "bfloat16"] = Field(default="auto", description="auto = bfloat16 on CUDA")
    gradient_checkpointing: bool = Field(default=False, description="compute activations twice instead of keeping them")
    train_visual: bool = Field(default=False, description="base: the visual tower learns along")
    workers: int = Field(default=2, ge=0, le=64, description="processes that read videos; 0 = none of their own")

    log_steps: int = Field(default=10, ge=1, description="a line of numbers every so many steps")
    save_steps: int | None = Field(default=None, ge=1, description="a checkpoint every so many steps")
    save_minutes: float | None = Field(default=5.0, gt=0, description="and every so many minutes")
    eval_steps: int | None = Field(default=None, ge=1, description="measure every so many steps; none = at the end")

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        if self.model is not None and self.base is not None:
            raise ValueError("give a model or a base, not both")
        if self.save_steps is None and self.save_minutes is None:
            raise ValueError("checkpoints need save_steps or save_minutes")
        return self


def load_config(file: Path | None, flags: Mapping[str, Any]) -> TrainConfig:
    """The settings of a run: those of a TOML file, and over them the flags.

    Args:
        file: None = flags alone. Relative paths in it start at the working directory, as those of flags do.
        flags: by the names of `TrainConfig`; a nested mapping changes single keys of a section; None = not given.

    Raises:
        InputError: the file cannot be read, or a setting is unknown, missing or out of range.
    """
    settings = _read(file) if file is not None else {}
    merged = _over(settings, flags)
    try:
        return TrainConfig.model_validate(merged)
    except ValidationError as error:
        raise InputError(_explain(error, file)) from None


def _read(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > MAX_CONFIG_BYTES:
            raise InputError(f"{file} is larger than {MAX_CONFIG_BYTES:,} bytes, so no config file")
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the config file {file}: {error.strerror or error}") from None
    except ValueError as error:
        raise InputError(f"{file} is no TOML: {error}") from None


def _over(settings: dict[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(settings)
    for name, value in flags.items():
        if isinstance(value, Mapping):
            section = merged.get(name, {})
            if changed := _over(section if isinstance(section, dict) else {}, value):
                merged[name] = changed
        elif value is not None:
            merged[name] = value
    return merged


def _explain(error: ValidationError, file: Path | None) -> str:
    first = error.errors(include_url=False)[0]
    key = ".".join(map(str, first["loc"]))
    if first["type"] == "missing" and key in ("data", "out"):
        return f"--{key} is missing: give it as a flag or in a config file (videomind train --help)"
    where = f"{file}: " if file is not None else ""
    return where + first_problem(error).removeprefix("the file: ")
