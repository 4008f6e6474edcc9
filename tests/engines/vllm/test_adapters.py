"""Many answerer adapters on one engine: two fit in a batch, six in memory, the others come when they are asked for."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.engines.vllm.ask import BUNDLE, clip, request
from videomind.engines.base import RoleRequest, Service
from videomind.engines.torch_engine import TorchEngine
from videomind.engines.vllm_engine import VLLMEngine
from videomind.errors import BundleError, InputError
from videomind.lora_switch.adapter import Adapter, LoRAPair, write_adapter
from videomind.lora_switch.bundle import Role

pytestmark = pytest.mark.vllm
MANY = 64


def some_adapter(seed: int, rank: int = 4, width: int = 192) -> Adapter:
    """A random plain LoRA for the embedded base, strong enough to change what is said."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * 0.3

    modules = [f"layers.{layer}.self_attn.{name}" for layer in range(4) for name in ("q_proj", "o_proj")]
    return Adapter({module: LoRAPair(normal(rank, width), normal(width, rank), 1.5) for module in modules}, {})


def ask(name: str | None, seen: int = 41) -> RoleRequest:
    return replace(request("answerer", clip(seen), "What is it?"), service=Service(answerer=name), max_new_tokens=6)


def expected(adapter: Adapter) -> str:
    """What the torch engine says with this adapter as the answerer's."""
    spec = replace(BUNDLE.roles["answerer"].spec, activation="lora", invocation=None)
    engine = TorchEngine(replace(BUNDLE, roles={"answerer": Role(spec, adapter, None)}), device="cpu")
    (reply,) = engine.generate([ask(None)])
    engine.close()
    return reply.text


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    for seed in range(MANY):
        write_adapter(tmp_path / f"a{seed}", some_adapter(seed))
    return [tmp_path / f"a{seed}" for seed in range(MANY)]


@pytest.fixture
def clean(nano: VLLMEngine) -> Iterator[VLLMEngine]:
    yield nano
    for name in nano.adapters():
        nano.remove_adapter(name)


def test_many_adapters_each_says_its_own(clean: VLLMEngine, folders: list[Path]) -> None:
    for folder in folders:
        clean.add_adapter(folder.name, folder)
    assert clean.adapters() == tuple(folder.name for folder in folders)
    first = [reply.text for reply in clean.generate([ask(folder.name) for folder in folders])]
    again = [clean.generate([ask(folder.name)])[0].text for folder in reversed(folders[::7])]
    assert again == list(reversed(first[::7]))
    assert first[:3] == [expected(some_adapter(seed)) for seed in range(3)]
    assert first[-1] == expected(some_adapter(MANY - 1))
    assert len(set(first)) > MANY / 4
    assert clean.generate([ask(None), request("planner", clip(41))])[0].text not in first[:3]


def test_they_are_not_needed_where_they_came_from(clean: VLLMEngine, folders: list[Path]) -> None:
    clean.add_adapter("x", folders[0])
    for file in folders[0].iterdir():
        file.unlink()
    for other in folders[1:12]:  # the first has to go from memory
        clean.add_adapter(other.name, other)
        clean.generate([ask(other.name)])
    assert clean.generate([ask("x")])[0].text == expected(some_adapter(0))


def test_added_and_removed_while_requests_run(clean: VLLMEngine, folders: list[Path]) -> None:
    alone = clean.generate([request("planner", clip(42))])[0].text
    with ThreadPoolExecutor(4) as threads:
        running = [threads.submit(clean.generate, [request("planner", clip(42))] * 8) for _ in range(4)]
        for folder in folders[:8]:
            clean.add_adapter(folder.name, folder)
            assert clean.generate([ask(folder.name)])[0].text
        for folder in folders[:4]:
            clean.remove_adapter(folder.name)
        assert {reply.text for batch in running for reply in batch.result()} == {alone}
    assert clean.adapters() == tuple(folder.name for folder in folders[4:8])


def test_of_two_that_add_a_name_at_once_one_is_told(clean: VLLMEngine, folders: list[Path]) -> None:
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(clean.add_adapter, "same", folder) for folder in folders[:2]]
    assert [type(one.exception()) for one in both].count(InputError) == 1
    assert clean.adapters() == ("same",)


def test_a_name_used_again_means_the_new_adapter(clean: VLLMEngine, folders: list[Path]) -> None:
    replies = []
    for folder in folders[:2]:
        clean.add_adapter("same", folder)
        replies.append(clean.generate([ask("same")])[0].text)
        clean.remove_adapter("same")
    assert replies == [expected(some_adapter(seed)) for seed in (0, 1)]


def test_a_request_in_flight_keeps_its_adapter(clean: VLLMEngine, folders: list[Path]) -> None:
    clean.add_adapter("busy", folders[0])
    pieces = clean.stream(ask("busy"))
    first = next(pieces)
    with ThreadPoolExecutor(1) as thread:
        removing = thread.submit(clean.remove_adapter, "busy")
        rest = list(pieces)
        removing.result(timeout=30)
    assert "".join(map(str, [first, *rest[:-1]])) == expected(some_adapter(0))
    with pytest.raises(InputError, match="busy"):
        clean.generate([ask("busy")])


def test_bad_adapters_are_refused_and_nothing_hangs(clean: VLLMEngine, tmp_path: Path) -> None:
    write_adapter(tmp_path / "wide", some_adapter(0, width=256))
    write_adapter(tmp_path / "high", some_adapter(0, rank=17))
    (tmp_path / "empty").mkdir()
    mlp = {"layers.0.mlp.up_proj": LoRAPair(torch.zeros(4, 192), torch.zeros(512, 4), 1.0)}
    write_adapter(tmp_path / "mlp", Adapter(mlp, {}))
    problems = {"wide": "another base", "high": "rank 17", "mlp": "up_proj", "empty": "adapter_config", "no": "no"}
    for folder, problem in problems.items():
        with pytest.raises(BundleError, match=problem):
            clean.add_adapter(folder, tmp_path / folder)
    for name in ("../up", "", "x" * 200):
        with pytest.raises(InputError, match="name"):
            clean.add_adapter(name, tmp_path / "wide")
    with pytest.raises(InputError, match="there is: none"):
        clean.generate([ask("unknown")])
    assert clean.adapters() == ()
    assert clean.generate([request("planner", clip(42))])[0].text
