"""Switching against PEFT: one batch, several adapters, token by token."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor, nn
from transformers import Qwen2VLForConditionalGeneration

from benchmarks.text_states import text_states
from tests import tiny
from videomind.errors import BundleError
from videomind.kernels.lora import BASE, add_lora, route
from videomind.lora_switch.adapter import Adapter, LoRAPair
from videomind.lora_switch.switch import RoleSwitch

ADAPTERS = {name: tiny.random_adapter(rank, seed=rank) for name, rank in tiny.RANKS.items()}


def load(bundle: Path) -> nn.Module:
    return Qwen2VLForConditionalGeneration.from_pretrained(bundle / "base", dtype=torch.float32).eval()


def peft_states(bundle: Path, ids_BL: Tensor, roles: list[str | None]) -> Tensor:
    """PEFT's mixed-batch result, an adapter named per row."""
    model: PeftModel | None = None
    for role, adapter in ADAPTERS.items():
        rank = tiny.RANKS[role]
        config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"])
        if model is None:
            model = get_peft_model(load(bundle).model.language_model, config, adapter_name=role)
        else:
            model.add_adapter(role, config)
        weights = dict(model.named_parameters())
        for module, pair in adapter.pairs.items():
            weights[f"base_model.model.{module}.lora_A.{role}.weight"].data = pair.a
            weights[f"base_model.model.{module}.lora_B.{role}.weight"].data = pair.b
    assert model is not None
    names = ["__base__" if role is None else role for role in roles]
    with torch.inference_mode():
        return model.eval()(ids_BL, adapter_names=names).last_hidden_state


def switch_states(bundle: Path, ids_BL: Tensor, roles: list[str | None]) -> Tensor:
    model = load(bundle)
    text = model.model.language_model
    switch = RoleSwitch(text, text.embed_tokens, model.lm_head, ADAPTERS)
    index = torch.tensor([switch.index(role) for role in roles])[:, None].expand_as(ids_BL)
    return text_states(text, switch, ids_BL, index)


@pytest.mark.parametrize(
    "roles",
    [["grounder"] * 3, [None] * 3, ["planner", None, "verifier"], ["grounder", "verifier", "grounder"]],
)
def test_any_mix_of_roles_in_one_batch_equals_peft(tiny_bundle: Path, roles: list[str | None]) -> None:
    ids = torch.randint(0, 200, (3, 11), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        switch_states(tiny_bundle, ids, roles), peft_states(tiny_bundle, ids, roles), atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("biased", [True, False])
def test_a_dora_brings_rows_to_their_lengths_for_its_own_tokens(biased: bool) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(8, 6, bias=biased).double()
    adapter = LoRAPair(torch.randn(2, 8).double(), torch.randn(6, 2).double(), 0.5, torch.rand(6).double() + 1)
    model = nn.ModuleDict({"layer": layer})
    embed, head = nn.Embedding(4, 8).double(), nn.Linear(8, 4).double()
    plain = LoRAPair(adapter.a, adapter.b, 1.0)
    switch = RoleSwitch(model, embed, head, {"a": Adapter({"layer": adapter}, {}), "b": Adapter({"layer": plain}, {})})
    x = torch.randn(2, 5, 8).double()
    index = torch.tensor([[0, BASE, 1, 0, 0], [BASE, 1, 0, BASE, 1]])
    moved = layer.weight + 0.5 * adapter.b @ adapter.a
    length = adapter.magnitude / moved.norm(dim=1)
    weights = {0: length[:, None] * moved, 1: layer.weight + adapter.b @ adapter.a, BASE: layer.weight}
    expected = torch.stack(
        [nn.functional.linear(x[i, j], weights[int(index[i, j])], layer.bias) for i in range(2) for j in range(5)]
    ).view(2, 5, 6)
    stack = switch.stack(["layer"])
    assert stack is not None
    with torch.inference_mode():
        mixed, alone = (
            add_lora(layer(x).flatten(0, 1), x.flatten(0, 1), stack, route(which)).view(2, 5, 6)
            for which in (index, torch.zeros_like(index))
        )
    torch.testing.assert_close(mixed, expected, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(alone, nn.functional.linear(x, weights[0], layer.bias), atol=1e-6, rtol=1e-6)


def test_an_adapter_from_its_invocation_on_equals_peft_alora(tiny_bundle: Path) -> None:
    invocation, at = [7, 8], 6
    ids = torch.tensor([[3, 4, 5, 9, 11, 12, *invocation, 20, 21]])
    adapter, rank = ADAPTERS["planner"], tiny.RANKS["planner"]
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=rank,
        lora_alpha=2 * rank,
        target_modules=r".*language_model.*self_attn\.[qkvo]_proj",
        alora_invocation_tokens=invocation,
    )
    reference = get_peft_model(load(tiny_bundle), config).eval()
    weights = dict(reference.named_parameters())
    for module, pair in adapter.pairs.items():
        weights[f"base_model.model.model.language_model.{module}.lora_A.default.weight"].data = pair.a
        weights[f"base_model.model.model.language_model.{module}.lora_B.default.weight"].data = pair.b
    model = load(tiny_bundle)
    text = model.model.language_model
    switch = RoleSwitch(text, text.embed_tokens, model.lm_head, {"planner": adapter})
    index = torch.full_like(ids, BASE)
    index[:, at:] = switch.index("planner")
    with torch.inference_mode():
        ours = model.lm_head(text_states(text, switch, ids, index))
        theirs = reference(input_ids=ids).logits
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_own_embeddings_are_used_by_their_role_alone(tiny_bundle: Path) -> None:
    model = load(tiny_bundle)
    text = model.model.language_model
    own = tiny.random_adapter(2, vocabulary=text.embed_tokens.num_embeddings, seed=9)
    switch = RoleSwitch(text, text.embed_tokens, model.lm_head, {**ADAPTERS, "verifier": own})
    ids = torch.tensor([[3, 4], [3, 4]])
    rows = switch.embed(list(ids), ["verifier", "planner"]).unflatten(0, (2, -1))
    torch.testing.assert_close(rows[0], own.embeddings["embed_tokens.weight"][[3, 4]])
    torch.testing.assert_close(rows[1], text.embed_tokens.weight[[3, 4]])
    assert switch.head("planner") is model.lm_head.weight
    torch.testing.assert_close(switch.head("verifier"), own.embeddings["lm_head.weight"])


def wider(adapter: Adapter) -> Adapter:
    return tiny.random_adapter(2, hidden=2 * tiny.HIDDEN)


def deeper(adapter: Adapter) -> Adapter:
    pairs = {name.replace("layers.0", "layers.7"): pair for name, pair in adapter.pairs.items()}
    return Adapter(pairs, {})


@pytest.mark.parametrize("change", [wider, deeper])
def test_an_adapter_for_another_base_is_refused(tiny_bundle: Path, change: Callable[[Adapter], Adapter]) -> None:
    model = load(tiny_bundle)
    text = model.model.language_model
    with pytest.raises(BundleError, match="another base"):
        RoleSwitch(text, text.embed_tokens, model.lm_head, {"planner": change(ADAPTERS["planner"])})
