"""What the model class needs to know about a bundle. It travels as one dict in the model's config (`hf_overrides`)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

ATTRIBUTE = "videomind"


@dataclass(frozen=True, slots=True)
class PluginSettings:
    """Attributes:
    mean, std: pixel statistics of each channel.
    max_video_tokens: video tokens of the largest view of any role.
    decoder: path of the timestamp decoder (safetensors), or None without grounder.
    owned: per adapter number, the path of the embeddings it owns (safetensors).
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    max_video_tokens: int
    decoder: str | None
    owned: dict[str, str]

    def to_overrides(self, architecture: str) -> dict[str, Any]:
        """For `hf_overrides`."""
        return {"architectures": [architecture], ATTRIBUTE: asdict(self)}


def settings_of(hf_config: Any) -> PluginSettings:
    """The settings in a model's config."""
    return PluginSettings(**getattr(hf_config, ATTRIBUTE))
