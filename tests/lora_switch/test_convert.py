"""A checkpoint in the published layout becomes a bundle."""

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from tests import tiny
from videomind.errors import BundleError, InputError
from videomind.lora_switch.adapter import write_adapter
from videomind.lora_switch.bundle import load_bundle
from videomind.lora_switch.convert import convert
from videomind.model.decoder import TimestampDecoder

PROMPTS = {role: f"As the {role}: {{query}}" for role in ("planner", "grounder", "verifier")}


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """A random checkpoint as the published training code lays it out, with the names of transformers 4.45."""
    folder = tmp_path / "official"
    tiny.write_base(tmp_path / "base")
    folder.mkdir()
    vocabulary = tiny.write_tokenizer(folder)
    ids = {t["content"]: t["id"] for t in json.loads((folder / "tokenizer.json").read_text())["added_tokens"]}
    config = {
        "role": "grounder",
        "base_model_path": "model_zoo/base",
        "reg_token_id": ids["<|reg|>"],
        "seg_s_token_id": ids["<|seg_start|>"],
        "seg_e_token_id": ids["<|seg_end|>"],
    }
    (folder / "config.json").write_text(json.dumps(config))
    decoder = TimestampDecoder(tiny.HIDDEN, dims=32).state_dict()
    save_file({f"base_model.model.{k}": v for k, v in decoder.items()}, folder / "pytorch_model.safetensors")
    for role, rank in tiny.RANKS.items():
        adapter = tiny.random_adapter(rank, vocabulary if role == "verifier" else 0)
        write_adapter(folder / role, adapter)
        path = folder / role / "adapter_model.safetensors"
        weights = {k.replace(".language_model.", "."): v for k, v in load_file(path).items()}
        for name, tensor in adapter.embeddings.items():
            prefix = "base_model.model.model." if name.startswith("embed") else "base_model.model."
            weights[prefix + name] = tensor
        save_file(weights, path)
    return folder


def test_the_bundle_holds_all_roles_and_loads(official: Path, tmp_path: Path) -> None:
    out = convert(official, tmp_path / "out", PROMPTS, tmp_path / "base")
    bundle = load_bundle(out)
    assert bundle.manifest.name == "official"
    assert list(bundle.roles) == ["planner", "grounder", "verifier", "answerer"]
    assert bundle.roles["grounder"].spec.reply_prefix == "The relevant moment happens in <|reg|>."
    assert bundle.roles["planner"].spec.user_text("who?") == "As the planner: who?"
    verifier = bundle.roles["verifier"].adapter
    assert verifier is not None
    assert verifier.embeddings.keys() == {"embed_tokens.weight", "lm_head.weight"}
    assert (out / "processor" / "tokenizer.json").is_file()


def test_the_base_named_by_the_checkpoint_is_found(official: Path, tmp_path: Path) -> None:
    shutil.move(tmp_path / "base", official.parent / "model_zoo" / "base")
    assert load_bundle(convert(official, tmp_path / "out", PROMPTS)).base == tmp_path / "model_zoo" / "base"


def test_a_missing_base_is_asked_for(official: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="--base DIR"):
        convert(official, tmp_path / "out", PROMPTS)
    assert not (tmp_path / "out").exists()


def test_another_base_is_refused(official: Path, tmp_path: Path) -> None:
    tiny.write_base(tmp_path / "wide", hidden=128)
    with pytest.raises(BundleError, match="another base"):
        convert(official, tmp_path / "out", PROMPTS, tmp_path / "wide")


def test_nothing_is_overwritten(official: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="not empty"):
        convert(official, out, PROMPTS, tmp_path / "base")
    assert (out / "mine.txt").read_text() == "keep"


def test_a_folder_that_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"config\.json"):
        convert(tmp_path, tmp_path / "out", PROMPTS)
