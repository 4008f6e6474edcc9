"""The whole recipe on a tiny budget: it runs, it can be interrupted and continued, and what it writes loads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from videomind.lora_switch.bundle import load_bundle
from videomind.training.nano import recipe as recipes
from videomind.training.nano.backbone import Size
from videomind.training.nano.export import RECORD, weight_hashes, write_bundle
from videomind.training.nano.recipe import Recipe, assemble, load_tokenizer, run_recipe

TINY = Size(visual_depth=1, visual_width=32, text_depth=1, text_width=64, feed_forward=64, heads=2, kv_heads=1)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    return Recipe(seed=3, minutes=60, clips=12, folder=tmp_path_factory.mktemp("work"), size=TINY, shard=4, max_steps=2)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """As in training: the operations are too short to be shared out, least of all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def steps(recipe: Recipe) -> dict[str, int]:
    return {stage: history.steps for stage, history in run_recipe(recipe).items()}


def test_every_stage_runs(steps: dict[str, int]) -> None:
    assert steps == dict.fromkeys(("visual", "base", "answerer", "verifier", "grounder", "planner"), 2)


def test_a_finished_stage_is_kept_and_a_longer_one_continues(
    recipe: Recipe, steps: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.load(recipe.folder / "visual.pt", weights_only=True)
    seen: list[int] = []
    measure = recipes.measure_visual

    def recorded(trainee: recipes.VisualTrainee, world: recipes.World, seed: int) -> recipes.Mapping[str, torch.Tensor]:
        seen.append(seed)
        return measure(trainee, world, seed)

    monkeypatch.setattr(recipes, "measure_visual", recorded)
    assert run_recipe(recipe)["visual"].steps == 2
    assert seen == []
    assert run_recipe(replace(recipe, max_steps=3))["visual"].steps == 3
    assert seen == [recipe.random_start("visual 0") + 2]
    after = torch.load(recipe.folder / "visual.pt", weights_only=True)
    assert before["history"][0] == 2
    assert any(not torch.equal(before["module"][k], after["module"][k]) for k in before["module"])


def test_the_bundle_loads_and_its_record_matches(recipe: Recipe, steps: dict[str, int], tmp_path: Path) -> None:
    model, adapters, decoder = assemble(recipe)
    write_bundle(tmp_path, model, load_tokenizer(recipe), adapters, decoder, {"seed": recipe.seed})
    bundle = load_bundle(tmp_path)
    assert set(bundle.roles) == {"planner", "grounder", "verifier", "answerer"}
    assert all(role.adapter for role in bundle.roles.values())
    assert bundle.roles["grounder"].decoder is not None
    record = json.loads((tmp_path / RECORD).read_text())
    assert record["sha256"] == weight_hashes(tmp_path)
    assert len(record["sha256"]) == 6
