"""Roles of every make on one engine: plain and activated adapters, own embeddings, own rows of single tokens.

The heads of this model have 16 numbers, fewer than vLLM has a CPU kernel for.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from tests import tiny
from tests.engines.vllm.ask import assert_same_choices
from tests.engines.vllm.conftest import vllm_engine
from videomind.engines.base import RoleRequest
from videomind.engines.torch_engine import TorchEngine
from videomind.engines.vllm_engine import VLLMEngine
from videomind.engines.vllm_options import VLLMOptions
from videomind.lora_switch.bundle import load_bundle, load_role, save_role
from videomind.lora_switch.rows import TokenRows
from videomind.vision.clip import Clip, load_clip
from videomind.vision.reader import open_video

pytestmark = pytest.mark.vllm
INVOCATION = "As the"
ROWS = ("<|seg_start|>", "<|seg_end|>", "<|reg|>")


def write_mixed(folder: Path) -> Path:
    """The tiny bundle (plain planner, verifier with own embeddings), its grounder an aLoRA with rows of its own."""
    tiny.write_bundle(folder)
    tokenizer = Tokenizer.from_file(str(folder / "base" / "tokenizer.json"))
    role = load_role(folder / "grounder")
    assert role.adapter is not None
    ids = torch.tensor([tokenizer.token_to_id(token) for token in ROWS])
    rows = TokenRows(ids, torch.randn(len(ids), tiny.HIDDEN), torch.randn(len(ids), tiny.HIDDEN))
    invoked = tuple(tokenizer.encode(INVOCATION, add_special_tokens=False).ids)
    spec = replace(role.spec, activation="alora", invocation=INVOCATION)
    adapter = replace(role.adapter, rows=rows, invocation=invoked)
    save_role(folder / "grounder", replace(role, spec=spec, adapter=adapter))
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mixed(tmp_path_factory.mktemp("mixed") / "model")


@pytest.fixture(scope="module")
def theirs(bundle: Path) -> Iterator[TorchEngine]:
    engine = TorchEngine(load_bundle(bundle), device="cpu")
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def ours(bundle: Path) -> Iterator[VLLMEngine]:
    with vllm_engine(bundle, VLLMOptions(kv_cache_memory=64 << 20, max_num_seqs=16, adapters_on_device=1)) as engine:
        yield engine


@pytest.fixture(scope="module")
def seen() -> Clip:
    frames = np.random.default_rng(1).integers(0, 256, (16, 84, 84, 3), dtype=np.uint8)
    with open_video(frames, fps=1.0) as reader:
        return load_clip(reader, tiny.VIEW)


def every_role(seen: Clip) -> list[RoleRequest]:
    roles = ("planner", "grounder", "verifier", "answerer", "base")
    plain = [RoleRequest(role, seen, tiny.spec(role).user_text("what?"), max_new_tokens=12) for role in roles[:-1]]
    marked = [replace(one, segment=segment) for one in plain for segment in ((0, 3), (2, 5))]
    return [*plain, replace(plain[-1], role="base"), *marked]


@pytest.mark.parametrize("turn", ["cold", "from the cache"])
def test_every_role_with_and_without_segments(ours: VLLMEngine, theirs: TorchEngine, seen: Clip, turn: str) -> None:
    requests = every_role(seen)
    replies = ours.generate(requests)
    assert [reply.text for reply in replies] == [reply.text for reply in theirs.generate(requests)]
    assert_same_choices(ours, theirs, requests)
    assert turn == "cold" or all(reply.usage.cached_tokens for reply in replies)


def test_rows_of_its_own_before_the_invocation_are_not_shared(ours: VLLMEngine, seen: Clip) -> None:
    marked = RoleRequest("grounder", seen, tiny.spec("grounder").user_text("what?"), segment=(4, 6))
    prompt = ours._jobs.encode(marked)
    notes = ours._jobs.job(marked, prompt).notes
    first_mark = prompt.ids.index(ours._encoder.token_id("<|seg_start|>"))
    assert notes.base_until == first_mark < notes.acts_from


def test_plain_adapters_share_nothing_with_the_base(ours: VLLMEngine, seen: Clip) -> None:
    ours.forget()
    plain, base = every_role(seen)[0], every_role(seen)[4]
    used = [ours.generate([one])[0].usage.cached_tokens for one in (base, plain, plain)]
    assert used[:2] == [0, 0]
    assert used[2] > 0
