"""Every role learns, and the finished folder answers."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.training.school import VIEW, losses, run, settings
from videomind.agent import Agent
from videomind.errors import AdapterKindError
from videomind.lora_switch.bundle import load_bundle

QUICK: dict[str, Any] = {"max_steps": 14, "epochs": 20, "learning_rate": 1e-2, "role": VIEW, "method": {"rank": 8}}


@pytest.mark.parametrize("role", ["planner", "grounder", "verifier", "answerer"])
def test_a_role_learns_and_is_asked(role: str, school: Path, tmp_path: Path, bare_base: Path) -> None:
    outcome = run(settings(school, tmp_path / "out", base=bare_base, **QUICK), role)
    seen = losses(tmp_path / "out")
    assert (outcome.ending, outcome.step, len(seen)) == ("done", 14, 14)
    assert sum(seen[-3:]) < 0.5 * sum(seen[:3])
    with Agent.from_pretrained(tmp_path / "out") as agent:
        assert set(agent.roles) == {role, "answerer"}
        assert agent.ask(school / "0.mp4", "Which colour?").answer is not None


def test_the_backbone_learns_as_a_whole(school: Path, tmp_path: Path, bare_base: Path) -> None:
    config = settings(
        school, tmp_path / "out", **QUICK | {"base": bare_base, "method": None, "train_visual": True, "max_steps": 8}
    )
    run(config, "base")
    seen = losses(tmp_path / "out")
    assert seen[-1] < 0.7 * seen[0]
    bundle = load_bundle(tmp_path / "out")
    assert {name: role.adapter for name, role in bundle.roles.items()} == {"answerer": None}
    before, after = load_file(bare_base / "model.safetensors"), load_file(bundle.base / "model.safetensors")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {"model.norm.weight", "model.embed_tokens.weight", "visual.patch_embed.proj.weight"} <= changed
    assert len(changed) == len(before)


def test_only_rows_of_the_new_token_are_kept(school: Path, tmp_path: Path, bare_base: Path) -> None:
    run(settings(school, tmp_path / "out", base=bare_base, role=VIEW), "grounder")
    owned = load_file(tmp_path / "out" / "grounder" / "embeddings.safetensors")
    assert owned["token_ids"].numel() == 1
    assert owned["embed_tokens.rows"].shape == owned["lm_head.rows"].shape == (1, 64)
    assert json.loads((tmp_path / "out" / "videomind.json").read_text())["processor"] == "processor"
    with Agent.from_pretrained(tmp_path / "out") as agent:
        assert agent.memory().roles["grounder"]["embeddings"] == 2 * 64 * 4


def test_a_second_role_joins_the_first(school: Path, tmp_path: Path, bare_base: Path) -> None:
    run(settings(school, tmp_path / "one", base=bare_base, role=VIEW, max_steps=1), "grounder")
    run(settings(school, tmp_path / "two", model=tmp_path / "one", role=VIEW, max_steps=1), "verifier")
    first, second = load_bundle(tmp_path / "one"), load_bundle(tmp_path / "two")
    assert tuple(second.roles) == ("grounder", "verifier", "answerer")
    before, after = first.roles["grounder"].adapter, second.roles["grounder"].adapter
    assert before is not None
    assert after is not None
    assert before.rows is not None
    assert after.rows is not None
    assert torch.equal(before.rows.head, after.rows.head)
    assert all(torch.equal(pair.b, after.pairs[name].b) for name, pair in before.pairs.items())
    marks = second.roles["verifier"].adapter
    assert marks is not None
    assert marks.rows is not None
    assert len(marks.rows.ids) == 2
    with Agent.from_pretrained(tmp_path / "two") as agent:
        assert agent.find(school / "0.mp4", "it is bright").candidates


def test_a_base_that_is_large_is_referred_to(
    school: Path, tmp_path: Path, bare_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("videomind.training.finish.COPY_BYTES", 1000)
    run(settings(school, tmp_path / "out", base=bare_base, role=VIEW, max_steps=1), "planner")
    bundle = load_bundle(tmp_path / "out")
    assert bundle.base == bare_base.resolve()
    assert bundle.manifest.base_identity is not None
    assert not (tmp_path / "out" / "base").exists()


def test_the_embedded_model_is_where_one_starts(school: Path, tmp_path: Path) -> None:
    embedded = load_bundle()
    run(settings(school, tmp_path / "out", max_steps=2, learning_rate=1e-4), "grounder")
    trained = load_bundle(tmp_path / "out")
    assert tuple(trained.roles) == tuple(embedded.roles)
    before, after = embedded.roles["grounder"], trained.roles["grounder"]
    assert (after.spec.prompt, after.spec.view) == (before.spec.prompt, before.spec.view)
    assert after.spec.activation == before.spec.activation
    assert trained.manifest.calibration is None
    with Agent.from_pretrained(tmp_path / "out") as agent:
        assert agent.find(school / "0.mp4", "it is bright").candidates


def test_a_method_that_is_not_served_says_how_to_convert_it(school: Path, tmp_path: Path, bare_base: Path) -> None:
    method = {"name": "vera", "rank": 8}
    config = settings(school, tmp_path / "out", base=bare_base, role=VIEW, max_steps=2, method=method)
    outcome = run(config, "planner")
    assert "convert" in outcome.unserved
    with pytest.raises(AdapterKindError):
        load_bundle(tmp_path / "out")
