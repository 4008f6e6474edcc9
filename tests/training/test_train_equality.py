"""What was trained is what is served: the finished folder in the engine against the trainer's own forward."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.training.school import VIEW, settings
from videomind.agent import Agent
from videomind.engines.base import RoleRequest
from videomind.training.build import Workbench, build
from videomind.training.collate import Batch, collate
from videomind.training.config import TrainConfig
from videomind.training.data import ExampleSet
from videomind.training.examples import Example
from videomind.training.finish import write_model
from videomind.training.items import ItemSet
from videomind.training.model_source import ModelSource, find_source
from videomind.training.sources import read_sources

REG = {"reply_prefix": "<|reg|>"}
KINDS = pytest.mark.parametrize(("base", "method"), [("bare", "lora"), ("full", "lora"), ("bare", "alora")])
"""A base with spare rows for new tokens and one that has to grow; adapters on all tokens and from an invocation on."""


def lesson(config: TrainConfig, role: str) -> tuple[ModelSource, Workbench, list[Example], Batch]:
    source = find_source(config, role)
    bench = build(config, source, torch.float32)
    specs = {source.spec.name: source.spec}
    examples = ExampleSet(read_sources(config.data, role, None), specs, length=6)
    items = ItemSet(examples, bench.items, 0)
    return source, bench, [examples[i] for i in range(6)], collate([items[i] for i in range(6)])


def learn(bench: Workbench, batch: Batch, enough: float = 0.1) -> None:
    """Everything a little, and then the reply until its loss is this low."""
    optimizer = torch.optim.Adam([p for p in bench.trainable.parameters() if p.requires_grad], lr=2e-2)
    for step in range(100):
        optimizer.zero_grad()
        losses = bench.trainable(batch)
        losses["loss" if step < 3 else "reply"].backward()
        optimizer.step()
        if losses["reply"] < enough:
            break
    bench.trainable.eval()


def request(role: str, example: Example, prefix: str = "") -> RoleRequest:
    return RoleRequest(role, example.clip, example.text, prefix, example.segment, max_new_tokens=8)


@KINDS
def test_a_grounder(base: str, method: str, school: Path, tmp_path: Path, bare_base: Path, full_base: Path) -> None:
    folder = {"bare": bare_base, "full": full_base}[base]
    config = settings(school, tmp_path / "out", base=folder, role=VIEW | REG, method={"name": method, "rank": 8})
    source, bench, examples, batch = lesson(config, "grounder")
    learn(bench, batch)
    write_model(config.out, source, bench)
    with torch.inference_mode():
        expected = bench.trainable.spans(bench.trainable.states(batch), batch)
    with Agent.from_pretrained(config.out) as agent:
        found = agent.engine.ground([request("grounder", one, "<|reg|>") for one in examples])
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.reply == "<|reg|>"
        assert ours.spans is not None
        # Offsets of a decoder that has learned nothing yet are exponentials as large as 10⁷: they magnify rounding.
        torch.testing.assert_close(torch.tensor(ours.spans), torch.tensor(theirs), atol=1e-5, rtol=1e-4)


@KINDS
def test_a_verifier(base: str, method: str, school: Path, tmp_path: Path, bare_base: Path, full_base: Path) -> None:
    folder = {"bare": bare_base, "full": full_base}[base]
    config = settings(school, tmp_path / "out", base=folder, role=VIEW, method={"name": method, "rank": 8})
    source, bench, examples, batch = lesson(config, "verifier")
    learn(bench, batch, enough=2.0)  # other tokens still count
    write_model(config.out, source, bench)
    yes, no = (bench.encoder.token_id(word) for word in ("Yes", "No"))
    with torch.inference_mode():
        asks = (batch.targets != -100).int().argmax(1)
        states = bench.trainable.states(batch)[torch.arange(len(examples)), asks]
        expected = bench.trainable.logits(states).softmax(-1)[:, [yes, no]]
    with Agent.from_pretrained(config.out) as agent:
        choices = agent.engine.choose([request("verifier", one) for one in examples], ("Yes", "No"))
    chances = [choice.probabilities for choice in choices]
    assert expected[:, 0].std() > 1e-4, "the marks make no difference"
    torch.testing.assert_close(torch.tensor(chances), expected, atol=1e-5, rtol=1e-5)


def test_a_base_that_had_to_grow_is_kept_as_it_was_trained_on(school: Path, tmp_path: Path, full_base: Path) -> None:
    source, bench, _, _ = lesson(settings(school, tmp_path / "out", base=full_base, role=VIEW), "grounder")
    write_model(tmp_path / "out", source, bench)
    kept = load_file(tmp_path / "out" / "base" / "model.safetensors")["model.embed_tokens.weight"]
    before = load_file(full_base / "model.safetensors")["model.embed_tokens.weight"]
    assert len(kept) > len(before)
    assert torch.equal(kept, bench.trainable.backbone.embed_tokens.weight)
    assert torch.equal(kept[: len(before)], before)


def test_an_answerer_says_what_it_learned(school: Path, tmp_path: Path, bare_base: Path) -> None:
    config = settings(school, tmp_path / "out", base=bare_base, role=VIEW, method={"rank": 16})
    source, bench, examples, batch = lesson(config, "answerer")
    learn(bench, batch)
    write_model(config.out, source, bench)
    with Agent.from_pretrained(config.out) as agent:
        replies = agent.engine.generate([request("answerer", one, one.reply_prefix) for one in examples])
    assert {one.reply_prefix for one in examples} == {"", "Best Option: ("}
    assert [reply.text for reply in replies] == [one.reply for one in examples]
