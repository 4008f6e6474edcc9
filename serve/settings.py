"""How a server is set up: flags of `videomind serve`, then VIDEOMIND_* in the environment, then a TOML file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from videomind.errors import InputError

GIB, MIB = 1 << 30, 1 << 20


def _names(value: object) -> object:
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]
"""Several names; as one text they are separated by commas."""


def default_data() -> Path:
    """Where a user's data belongs (XDG base directories)."""
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "videomind"


class Settings(BaseSettings):
    """Everything that can be set. `load_settings` makes one; the names are those of the TOML file.

    Sizes in MiB or GiB, times in seconds or days as the names say.
    """

    model_config = SettingsConfigDict(env_prefix="VIDEOMIND_", extra="forbid", frozen=True)

    model: Path | None = Field(None, description="Folder of the role bundle; none = the embedded model.")
    engine: Literal["torch", "vllm"] | None = Field(
        None, description="What runs it; none = vllm where a supported one is installed, else torch."
    )
    engine_config: Path | None = Field(None, description="TOML file with options of the engine.")
    device: str = Field("auto", description="auto, cpu, cuda or mps.")
    dtype: str = Field("auto", description="auto, float32, bfloat16 or float16.")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on; 0 takes a free one.")] = 8000
    api_key: SecretStr | None = Field(None, description="A key that clients have to bring; `videomind keys` for more.")
    insecure: bool = Field(False, description="Let everyone in who can reach the address, without a key.")
    page: bool = Field(True, description="Serve the chat page at /.")
    secure_cookies: bool = Field(False, description="The page is reached by https only (behind a front that ends TLS).")
    cors_origins: Names = Field((), description="Origins of other sites' pages that may use the API.")
    trusted_proxies: Names = Field((), description="Addresses of fronts whose X-Forwarded-For names the client.")
    log_format: Literal["console", "json"] = Field("console", description="How the log is written.")

    data: Path = Field(default_factory=default_data, description="Folder of videos, adapters and the database.")
    database: SecretStr | None = Field(
        None, description="URL of a PostgreSQL database; none = SQLite in the data folder."
    )
    adapters: Path | None = Field(None, description="Folder of answerer adapters; none = in the data folder.")
    instance: str = Field("", description="Name of this server where several share one database.")
    retention_days: Annotated[float, Field(gt=0)] | None = Field(None, description="Conversations older than that go.")
    quota_gib: Annotated[float, Field(gt=0)] | None = Field(
        50.0, description="Videos beyond that go, unused ones first."
    )

    allowed_media_path: Path | None = Field(None, description="Folder below which file: URLs may point.")
    allowed_media_domain: Names = Field((), description="Hosts that http(s): URLs may name (also *.example.org).")
    max_upload_mib: Annotated[int, Field(ge=1, description="Largest video.")] = 4096
    max_video_hours: Annotated[float, Field(gt=0, description="Longest video.")] = 6.0
    max_video_megapixels: Annotated[float, Field(gt=0, description="Largest picture.")] = 36.0
    upload_idle_s: Annotated[float, Field(gt=0, description="A request that stands still for so long is given up.")] = (
        30.0
    )
    upload_s: Annotated[float, Field(gt=0, description="Longest upload.")] = 3600.0
    sandbox_memory_mib: Annotated[int, Field(ge=512, description="Memory of a process that decodes a video.")] = 2048
    sandbox_cpu_s: Annotated[float, Field(gt=0, description="CPU seconds of one call of such a process.")] = 120.0
    sandbox_wall_s: Annotated[float, Field(gt=0, description="Seconds of one call of such a process.")] = 300.0

    parallel: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Questions worked on at once; none = 1 with torch, 32 with vLLM."
    )
    waiting: Annotated[int, Field(ge=0, description="Questions that may wait; more are refused (429).")] = 64
    per_client: Annotated[int, Field(ge=1, description="Questions of one client, waiting or worked on.")] = 8
    request_s: Annotated[float, Field(gt=0, description="Longest time for one question, waiting included.")] = 600.0

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(flags: Mapping[str, Any], file: Path | None = None) -> Settings:
    """Args:
    flags: what was given on the command line; None = not given.
    file: a TOML file.

    Raises:
        InputError: the file cannot be read, a value cannot be used, or a name is unknown.
    """

    class Configured(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    if file is not None and not file.is_file():
        raise InputError(f"{file}: there is no such file of settings")
    try:
        return Configured(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise InputError(f"setting {name}: {first['msg']}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{file}: cannot be read as TOML: {error}") from error
