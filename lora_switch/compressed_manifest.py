"""`compressed.json`: what a compressed set of adapters holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from videomind.errors import BundleError
from videomind.lora_switch.adapter_name import check_adapter_name
from videomind.lora_switch.files import read_json

MANIFEST = "compressed.json"
FORMAT = 1
MAX_RANK = 1 << 14

Error = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Original(BaseModel):
    """What an adapter was: its largest rank and an aLoRA's invocation; and its relative error in the set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rank: int = Field(ge=1, le=MAX_RANK)
    invocation: tuple[int, ...] | None = None
    error: Error


class Manifest(BaseModel):
    """`compressed.json`.

    Attributes:
        format: version of this layout.
        rank: of the bases.
        adapters: by name.
        modules: relative error per module, the root of the mean square over adapters.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    rank: int = Field(ge=1, le=MAX_RANK)
    adapters: dict[Annotated[str, AfterValidator(check_adapter_name)], Original] = Field(min_length=1)
    modules: dict[str, Error]


def read_manifest(folder: Path) -> Manifest:
    """What a compressed set holds.

    Raises:
        BundleError: it is no such folder, or its manifest is malformed.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(
            f"{folder} is no compressed set: {MANIFEST} is missing; videomind adapters compress makes one"
        )
    data = read_json(path)
    if data.get("format") != FORMAT:
        raise BundleError(f"{path}: format {data.get('format')!r} is not known here; this version reads {FORMAT}")
    try:
        return Manifest.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise BundleError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
