"""`videomind convert`: one command for published checkpoints and for adapters of other kinds."""

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Videomind
from tests.cli.test_errors import assert_refused
from tests.training.lessons import begin, config
from videomind.lora_switch.bundle import load_bundle
from videomind.training.methods import save_adapter


@pytest.fixture
def model(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A model folder whose planner is a MiSS."""
    folder = Path(shutil.copytree(tiny_bundle, tmp_path / "model"))
    lesson = begin(folder / "base", config("miss"))
    lesson.learn(2)
    save_adapter(lesson.adapter, folder / "planner")
    return folder


def test_a_model_that_cannot_be_served_says_how_and_that_works(
    videomind: Videomind, grey_video: Path, model: Path, tmp_path: Path
) -> None:
    refused = videomind("ask", grey_video, "What happens?", "--model", model)
    assert_refused(refused, f"a MiSS adapter cannot be served as it is; make it plain LoRA: videomind convert {model}")
    code, stdout, stderr = videomind("convert", model, tmp_path / "out", "--to", "lora")
    assert (code, stdout) == (0, f"{tmp_path / 'out'}\n")
    assert "planner: MiSS is now LoRA of rank 4; its weights differ by 0." in " ".join(stderr.split())
    assert load_bundle(tmp_path / "out").roles["planner"].adapter is not None
    assert videomind("find", grey_video, "a dog", "--model", tmp_path / "out", "--json")[0] in (0, 1)


@pytest.mark.parametrize(("rank", "kept"), [("2", 2), ("0.0001", 1)])
def test_the_rank_is_a_number_or_a_share(
    videomind: Videomind, model: Path, tmp_path: Path, rank: str, kept: int
) -> None:
    assert videomind("convert", model, tmp_path / "out", "--to", "lora", "--rank", rank)[0] == 0
    adapter = load_bundle(tmp_path / "out").roles["planner"].adapter
    assert adapter is not None
    assert max(pair.a.shape[0] for pair in adapter.pairs.values()) == kept


def test_what_does_not_belong_together(videomind: Videomind, model: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert_refused(videomind("convert", model, out), "is a model folder already; --to lora")
    assert_refused(videomind("convert", tmp_path, out), "--prompts FILE")
    assert_refused(videomind("convert", model, out, "--rank", "4"), "--rank belongs to --to lora")
    assert_refused(videomind("convert", model, out, "--to", "lora", "--prompts", "x.py"), "--prompts belongs to")
    assert_refused(videomind("convert", model, out, "--to", "lora", "--rank", "much"), "--rank 'much'")
    assert_refused(videomind("convert", model, out, "--to", "lora", "--rank", "nan"), "share of energy")
    assert_refused(videomind("convert", tiny_bundle, out, "--to", "lora"), "plain LoRA already")
    assert_refused(videomind("convert", tmp_path, out, "--to", "lora"), "videomind.json is missing")
    assert not out.exists()
