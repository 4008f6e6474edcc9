"""What docs/nano.md says of the embedded model stands in the results, and is made of them."""

import json
from functools import partial
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

from torch import Tensor, nn

from benchmarks.nano import ranking, variants
from benchmarks.nano.tables import BEGIN, END, report
from videomind.roles.spec import ROLES
from videomind.training.nano.loop import train
from videomind.training.nano.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "nano.md").read_text()


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_tables_are_those_of_the_lines() -> None:
    lines = lines_of(ROOT / "benchmarks" / "results" / "nano.jsonl")
    tables = report([line for line in lines if "task" in line], [line for line in lines if "megabytes" in line])
    assert DOCUMENT.split(BEGIN)[1].split(END)[0].strip() == tables


def test_what_the_text_says_of_the_order_is_what_was_measured() -> None:
    lines = lines_of(ranking.RESULTS)
    text = " ".join(DOCUMENT.split())
    means = {order: 100 * fmean(line["iou"][order] for line in lines) for order in lines[0]["iou"]}
    alone, published, probable, chain = means.values()
    assert f"asks {len(lines)} queries" in text
    assert f"adds {chain - alone:.1f} points of mIoU" in text
    assert f"by probability alone adds {probable - alone:.1f}" in text
    assert f"by the verifier's score costs {alone - published:.1f}" in text


def test_what_the_text_says_of_steps_is_what_was_measured() -> None:
    steps: dict[str, list[int]] = {}
    for line in lines_of(variants.RESULTS)[1:]:
        steps.setdefault(line["role"], []).append(line["steps"])
    text = " ".join(DOCUMENT.split())
    text = text.replace(" steps for the planner", " for the planner")
    for role in ROLES:
        assert f"{min(steps[role])} to {max(steps[role])} for the {role}" in text
    assert f"{steps['all'][0]} for one adapter for all" in text


def test_the_steps_and_seconds_of_all_lessons_are_written(tmp_path: Path) -> None:
    recipe = Recipe(seed=3, minutes=2.0, clips=0, folder=tmp_path)
    for steps, lesson in enumerate(variants.LESSONS, start=1):
        module, checkpoint = nn.Linear(1, 1), tmp_path / f"{lesson.name}.pt"
        train(module, partial(measure, module), seconds=60, peak_rate=0.0, checkpoint=checkpoint, max_steps=steps)
    (tmp_path / "aLoRA").mkdir()
    (tmp_path / "aLoRA" / "training.json").write_text('{"versions": {"torch": "9"}}')
    variants.write_results(recipe, tmp_path, tmp_path / "results.jsonl")
    setting, *lines = lines_of(tmp_path / "results.jsonl")
    assert (setting["seed"], setting["budget_minutes"], setting["versions"]) == (3, 2.0, {"torch": "9"})
    assert [line["steps"] for line in lines] == list(range(1, 14))
    apart = product(("aLoRA", "LoRA", "separate models"), ROLES)
    assert {(line["variant"], line["role"]) for line in lines} == {("one LoRA for all", "all"), *apart}
    assert all(0 <= line["seconds"] < 60 for line in lines)


def measure(module: nn.Linear, step: int) -> dict[str, Tensor]:
    return {"loss": module.weight.sum()}
