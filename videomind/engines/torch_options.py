"""How a torch engine is set up. Read from a TOML file (`--engine-config`), or given as keywords in Python."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from videomind.engines.options_file import Bytes
from videomind.model.kv_pack import KVFormat


class TorchOptions(BaseModel):
    """Options of `TorchEngine`: what is kept for further questions. The least recently used goes first.

    Attributes:
        kv_cache_memory: bytes of the KV of views ("4GiB").
        kv_cache: "exact", or "int8" for a quarter of the bytes in float32 and half in bfloat16, approximately.
        visual_cache_memory: bytes of the visual tokens of frame pairs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kv_cache_memory: Bytes = 1 << 30
    kv_cache: KVFormat = "exact"
    visual_cache_memory: Bytes = 1 << 30
