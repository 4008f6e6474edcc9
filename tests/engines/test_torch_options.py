"""Options of the torch engine: what is kept, in how many bytes, and from a file."""

from pathlib import Path

import numpy as np
import pytest

from tests import tiny
from videomind.agent import Agent
from videomind.engines.base import RoleRequest
from videomind.engines.torch_engine import TorchEngine
from videomind.engines.torch_options import TorchOptions
from videomind.errors import InputError
from videomind.lora_switch.bundle import load_bundle
from videomind.vision.clip import Clip, load_clip
from videomind.vision.reader import open_video


@pytest.fixture(scope="module")
def clip(frames: np.ndarray) -> Clip:
    with open_video(frames, fps=1.0) as reader:
        return load_clip(reader, tiny.VIEW)


def test_kv_in_8_bits_takes_less_and_scores_nearly_the_same(tiny_bundle: Path, clip: Clip) -> None:
    found, sizes = [], []
    for kind in ("exact", "int8"):
        engine = TorchEngine(load_bundle(tiny_bundle), device="cpu", options=TorchOptions(kv_cache=kind))
        texts = ("what?", "what else?")
        (first,), (second,) = (engine.choose([RoleRequest("verifier", clip, text)], ["Yes", "No"]) for text in texts)
        assert first.usage.cached_tokens == 0 < second.usage.cached_tokens
        found.append((first.probabilities, second.probabilities))
        sizes.append(second.usage.kv_bytes)
        engine.close()
    (exact_first, exact_second), (int8_first, int8_second) = found
    np.testing.assert_allclose(int8_first, exact_first, rtol=1e-5)  # nothing was taken from the cache yet
    assert not np.allclose(int8_second, exact_second, rtol=1e-5, atol=0)
    np.testing.assert_allclose(int8_second, exact_second, rtol=0.05)
    assert sizes[1] < 0.35 * sizes[0]


def test_nothing_is_kept_beyond_the_budget(tiny_bundle: Path, clip: Clip) -> None:
    options = TorchOptions(kv_cache_memory=1, visual_cache_memory=1)
    engine = TorchEngine(load_bundle(tiny_bundle), device="cpu", options=options)
    for _ in range(2):
        (reply,) = engine.generate([RoleRequest("planner", clip, "what?", max_new_tokens=2)])
        assert (reply.usage.cached_tokens, reply.usage.encoded) == (0, True)
    engine.close()


def test_they_are_read_from_a_file(tiny_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "torch.toml"
    path.write_text('kv_cache_memory = "1KiB"\nkv_cache = "int8"\n')
    with Agent.from_pretrained(tiny_bundle, device="cpu", engine_config=path) as agent:
        assert agent.engine._text._prefixes.max_bytes == 1024
    path.write_text("kv_cache_memory = 0")
    with pytest.raises(InputError, match="kv_cache_memory: Input should be greater than 0"):
        Agent.from_pretrained(tiny_bundle, device="cpu", engine_config=path)
    path.write_text("max_num_seqs = 4")
    with pytest.raises(InputError, match=r"max_num_seqs.*known: kv_cache, kv_cache_memory, visual_cache_memory"):
        Agent.from_pretrained(tiny_bundle, device="cpu", engine_config=path)
