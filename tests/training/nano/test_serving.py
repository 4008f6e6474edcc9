"""What is trained on packed rows is what the engine serves."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import pytest
import torch
from transformers import AutoTokenizer, Qwen2VLForConditionalGeneration

from videomind.engines.base import RoleRequest
from videomind.engines.torch_engine import TorchEngine, load_decoder
from videomind.lora_switch.bundle import NANO, load_bundle
from videomind.model.qwen2_vl import Qwen2VLBackbone
from videomind.model.visual import encode_view
from videomind.roles.verifier import NO, YES
from videomind.synth.questions import Query, absent_query, queries
from videomind.synth.reader import SceneReader
from videomind.synth.world import World, sample_scene
from videomind.training.nano.calibrate import calibrate
from videomind.training.nano.forward import frame_states, states, use_packed_attention, verdict_loss
from videomind.training.nano.lora import attach
from videomind.training.nano.packing import Packer, Talk
from videomind.training.nano.specs import REG, ROLE_SPECS, WATCH
from videomind.training.nano.talks import ground_talk, verify_talk
from videomind.training.nano.views import GRID, patches
from videomind.vision.clip import load_clip


@pytest.fixture(scope="module")
def packer() -> Packer:
    return Packer(AutoTokenizer.from_pretrained(NANO / "base"))


def trained_model(role: str) -> Qwen2VLForConditionalGeneration:
    """The embedded base with one role's adapter, as it is trained."""
    model = Qwen2VLForConditionalGeneration.from_pretrained(NANO / "base", dtype=torch.float32).eval()
    adapter = load_bundle(NANO).roles[role].adapter
    assert adapter is not None
    for name, layer in attach(model.model.language_model, 16, 32.0).items():
        pair = adapter.pairs[name]
        layer.a.data, layer.b.data = pair.a.float(), pair.b.float() * (pair.scale / layer.scale)
    use_packed_attention(model)
    return model


@torch.inference_mode()
def test_packed_groundings_are_those_of_the_engine(packer: Packer) -> None:
    scene = sample_scene(930_000_001)
    clip = load_clip(SceneReader(scene, size=56), WATCH)
    asked = [*queries(scene, Random(1))[:2], absent_query(scene, Random(1))]
    requests = [
        RoleRequest("grounder", clip, ground_talk(query).talk.text, ROLE_SPECS["grounder"].reply_prefix)
        for query in asked
    ]
    bundle = load_bundle(NANO)
    served = TorchEngine(bundle, "cpu", "float32").ground(requests)

    model = trained_model("grounder")
    state = bundle.roles["grounder"].decoder
    assert state is not None
    decoder = load_decoder(state, Qwen2VLBackbone(trained_model("grounder")), torch.device("cpu")).eval()
    tokens = encode_view(model.model.visual, patches(torch.from_numpy(clip.frames)), (clip.num_pairs, GRID, GRID))
    batch = packer.pack(clip.num_pairs, [[ground_talk(query).talk for query in asked]])
    hidden = states(model, batch, [tokens], invoked=True).last
    frames = frame_states(hidden, batch)[0]
    reg = packer.ids(ROLE_SPECS["grounder"].reply_prefix).index(packer.tokenizer.convert_tokens_to_ids(REG))
    for place, grounding in zip(batch.replies[0].tolist(), served, strict=True):
        assert grounding.spans is not None
        spans = decoder.spans(frames, hidden[0, place + reg])
        torch.testing.assert_close(
            torch.from_numpy(spans[:5]), torch.from_numpy(grounding.spans[:5]), atol=1e-3, rtol=0
        )


@torch.inference_mode()
def test_an_invoked_adapter_leaves_the_video_to_the_base(packer: Packer) -> None:
    model = trained_model("verifier")
    batch = packer.pack(3, [[Talk("Do the marks enclose this? a red circle", "Yes")]])
    visual = [torch.randn(12, 192, generator=torch.Generator().manual_seed(0))]
    invoked, everywhere = (states(model, batch, visual, invoked=flag).last for flag in (True, False))
    for layer in model.model.language_model.modules():
        if hasattr(layer, "acts"):
            layer.acts = False
    base = states(model, batch, visual).last
    head = batch.slots[0]
    assert torch.equal(invoked[:, :head], base[:, :head])
    assert not torch.allclose(everywhere[:, :head], base[:, :head], atol=1e-3)
    assert not torch.allclose(invoked[:, head:], base[:, head:], atol=1e-3)


@torch.inference_mode()
def test_a_verdict_is_to_be_as_probable_as_the_candidate_is_good(packer: Packer) -> None:
    talks = [
        verify_talk(Query("a red circle", ((2.0, 4.0),)), (3.0, 5.0)),
        verify_talk(Query("a cross", ()), (3.0, 5.0)),
    ]
    assert [talk.yes for talk in talks] == [pytest.approx(1 / 3), 0.0]
    model = trained_model("verifier")
    batch = packer.pack(3, [talks])
    assert (batch.targets == -100).all()
    visual = [torch.zeros(12, 192)]
    yes, no = (packer.tokenizer.convert_tokens_to_ids(text) for text in (YES, NO))
    hidden = states(model, batch, visual, invoked=True).last
    logits = model.lm_head(model.model.language_model.norm(hidden[0, batch.replies[0]])).double()
    chances = logits.softmax(-1)
    wanted = -(chances[0, yes].log() / 3 + chances[0, no].log() * 2 / 3 + chances[1, no].log()) / 2
    loss = verdict_loss(model, hidden, batch, yes, no)
    torch.testing.assert_close(loss.double(), wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_a_model_is_calibrated_on_scenes_of_its_world(tmp_path: Path) -> None:
    shutil.copytree(NANO, tmp_path / "nano")
    before = load_bundle(tmp_path / "nano").calibration
    calibrate(tmp_path / "nano", World(), workers=1, scenes=5)
    after = load_bundle(tmp_path / "nano").calibration
    assert after is not None
    assert after != before
    assert after.verified is not None
    assert after.fitted_on == "5 synthetic videos"
