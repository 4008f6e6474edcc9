"""Packed rows give each talk the states it would have alone."""

from __future__ import annotations

from random import Random

import pytest
import torch
from transformers import AttentionInterface

from videomind.model.positions import mrope_positions
from videomind.synth.questions import questions
from videomind.synth.world import World, sample_scene
from videomind.training.nano import forward
from videomind.training.nano.backbone import Size, build_backbone
from videomind.training.nano.forward import choice_scores, frame_states, states, use_packed_attention
from videomind.training.nano.packing import IGNORE, Packer, Talk
from videomind.training.nano.talks import choice_talk
from videomind.training.nano.tokenizer import train_tokenizer

TALKS = [
    Talk("What appears first?", "the red circle"),
    Talk("Is there a blue cross?", "no"),
    Talk("Describe the video.", "a red circle blinks. then a white cross grows."),
]


@pytest.fixture(scope="module")
def packer() -> Packer:
    return Packer(train_tokenizer(World(), seed=0))


@pytest.mark.parametrize("marked", [False, True])
def test_a_packed_talk_equals_the_talk_alone(packer: Packer, marked: bool) -> None:
    torch.manual_seed(0)
    model = build_backbone(packer.tokenizer.get_vocab(), Size(text_depth=2)).eval()
    visual = torch.randn(5 * 4, 192)
    ids = packer.tokenizer.convert_tokens_to_ids
    mark = ((1, ids("<|seg_start|>")), (4, ids("<|seg_end|>")))
    batch = packer.pack(5, [TALKS, TALKS[::-1]], [mark, mark] if marked else None)

    alone = []
    for row in (TALKS, TALKS[::-1]):
        for talk in row:
            run = ["<|video_pad|>"] * 20
            if marked:
                run.insert(4, "<|seg_start|>")
                run.insert(17, "<|seg_end|>")
            chat = packer.tokenizer.apply_chat_template(
                [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": talk.text}]}],
                tokenize=False,
                add_generation_prompt=True,
            ).replace("<|video_pad|>", "".join(run))
            tokens = packer.tokenizer(chat, add_special_tokens=False).input_ids
            positions = mrope_positions(tokens, (5, 4, 4), vision_start=packer.vision_start, video_pad=packer.video_pad)
            embeds = model.model.language_model.embed_tokens(torch.tensor([tokens]))
            embeds[0, torch.tensor(tokens) == packer.video_pad] = visual
            out = model.model.language_model(
                inputs_embeds=embeds, position_ids=torch.from_numpy(positions)[:, None], output_hidden_states=True
            )
            alone.append(out.last_hidden_state[0, -1])

    use_packed_attention(model)
    hidden = states(model, batch, [visual, visual]).last
    packed = model.model.language_model.norm(hidden[torch.arange(2)[:, None], batch.replies].flatten(0, 1))
    torch.testing.assert_close(packed, torch.stack(alone), atol=2e-5, rtol=1e-4)
    assert frame_states(hidden, batch).shape == (2, 5, 192)


def test_choice_scores_are_what_the_last_layer_computes(packer: Packer, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = sample_scene(4)
    asked = [q for q in questions(scene, Random(0)) if len(q.choices) >= 3][:3]
    talks = [choice_talk(q.with_options(Random(1))) for q in asked]
    batch = packer.pack(4, [talks])
    torch.manual_seed(0)
    model = build_backbone(packer.tokenizer.get_vocab(), Size(text_depth=2)).eval()
    use_packed_attention(model)
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []

    def recorded(module: object, query: torch.Tensor, key: torch.Tensor, *rest: object, **named: object) -> object:
        seen.append((query, key))
        return forward._packed_attention(module, query, key, *rest, **named)

    AttentionInterface.register(forward.PACKED, recorded)
    hidden = states(model, batch, [torch.randn(16, 192)])
    scores = choice_scores(model, hidden.middle, batch)
    query, key = seen[-1]
    head = batch.slots[0]
    for score, (row, letter, right, *ends), talk in zip(scores, batch.choices.tolist(), talks, strict=True):
        places = [end - head for end in ends]
        wanted = (query[row, :3, letter - head][:, None] * key[row, :1, places]).sum(-1) / 32**0.5
        torch.testing.assert_close(score, wanted, atol=1e-5, rtol=1e-4)
        assert packer.tokenizer.decode(batch.targets[row, letter]) == "ABCD"[right]
        assert talk.reply.startswith(f"Best Option: ({'ABCD'[right]})")


def test_targets_are_the_replies(packer: Packer) -> None:
    batch = packer.pack(3, [TALKS])
    for talk, place in zip(TALKS, batch.replies[0].tolist(), strict=True):
        wanted = packer.ids(talk.reply + "<|im_end|>")
        assert batch.targets[0, place : place + len(wanted)].tolist() == list(wanted)
    assert (batch.targets != IGNORE).sum() == sum(len(packer.ids(t.reply + "<|im_end|>")) for t in TALKS)
    assert sum(batch.slots) == batch.ids.shape[1]
