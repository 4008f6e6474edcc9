"""Rows of single tokens: kept beside an adapter, and used by their role alone."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import Qwen2VLForConditionalGeneration

from tests import tiny
from videomind.errors import BundleError
from videomind.lora_switch.adapter import Adapter
from videomind.lora_switch.bundle import EMBEDDINGS_FILE, Role, load_role, save_role
from videomind.lora_switch.rows import TokenRows
from videomind.lora_switch.switch import RoleSwitch

IDS = [7, 260]


def rows(ids: list[int] = IDS, width: int = tiny.HIDDEN) -> TokenRows:
    generator = torch.Generator().manual_seed(3)
    embed, head = torch.randn(2, len(ids), width, generator=generator).unbind()
    return TokenRows(torch.tensor(ids), embed, head)


def switch(bundle: Path, own: TokenRows) -> RoleSwitch:
    model = Qwen2VLForConditionalGeneration.from_pretrained(bundle / "base", dtype=torch.float32).eval()
    text = model.model.language_model
    adapters = {
        "planner": tiny.random_adapter(2),
        "verifier": Adapter(tiny.random_adapter(2, seed=1).pairs, {}, own),
    }
    return RoleSwitch(text, text.embed_tokens, model.lm_head, adapters)


def test_they_equal_a_whole_copy_with_these_rows_changed(tiny_bundle: Path) -> None:
    own = rows()
    both = switch(tiny_bundle, own)
    table, head = both.head("planner").clone(), both.head("planner").clone()
    table[IDS], head[IDS] = own.embed, own.head
    ids = torch.tensor([[7, 1, 260, 7], [7, 1, 260, 7]])
    states = torch.randn(2, 5, tiny.HIDDEN, generator=torch.Generator().manual_seed(0))
    embeds = both.embed(list(ids), ["verifier", "planner"]).unflatten(0, (2, -1))
    torch.testing.assert_close(embeds[0], table[ids[0]])
    torch.testing.assert_close(embeds[1], both.head("planner")[ids[1]])  # the base ties them
    torch.testing.assert_close(both.logits(states, "verifier"), states @ head.T, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(both.logits(states, "planner"), states @ both.head(None).T, atol=1e-5, rtol=1e-5)
    assert both.memory()["verifier"]["embeddings"] == 4 * 2 * len(IDS) * tiny.HIDDEN


def test_they_come_back_as_they_were_written(tmp_path: Path) -> None:
    adapter = Adapter(tiny.random_adapter(2).pairs, {}, rows())
    save_role(tmp_path / "planner", Role(tiny.spec("planner"), adapter, None))
    read = load_role(tmp_path / "planner").adapter
    assert read is not None
    assert read.rows is not None
    assert read.embeddings == {}
    for name, tensor in rows().tensors().items():
        torch.testing.assert_close(read.rows.tensors()[name], tensor)


@pytest.mark.parametrize(("own", "says"), [(rows([7, 5000]), "ends at 265.*--base DIR"), (rows(width=32), "width 32")])
def test_rows_for_another_base_are_refused(tiny_bundle: Path, own: TokenRows, says: str) -> None:
    with pytest.raises(BundleError, match=says):
        switch(tiny_bundle, own)


def no_head(tensors: dict[str, torch.Tensor]) -> None:
    del tensors["lm_head.rows"]


def too_few_rows(tensors: dict[str, torch.Tensor]) -> None:
    tensors["embed_tokens.rows"] = tensors["embed_tokens.rows"][:1].clone()


def twice_the_same(tensors: dict[str, torch.Tensor]) -> None:
    tensors["token_ids"] = torch.tensor([7, 7])


def no_ids(tensors: dict[str, torch.Tensor]) -> None:
    del tensors["token_ids"]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (no_head, "missing: lm_head.rows"),
        (too_few_rows, r"\[1, 64\]"),
        (twice_the_same, "different"),
        (no_ids, "unknown"),
    ],
)
def test_damage_is_named(tmp_path: Path, damage: object, says: str) -> None:
    folder = tmp_path / "planner"
    save_role(folder, Role(tiny.spec("planner"), tiny.random_adapter(2), None))
    tensors = rows().tensors()
    assert callable(damage)
    damage(tensors)
    save_file(tensors, folder / EMBEDDINGS_FILE)
    with pytest.raises(BundleError, match=says):
        load_role(folder)
