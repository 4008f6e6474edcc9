"""What a batch holds, against the prompts that serving makes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from videomind.errors import InputError
from videomind.lora_switch.bundle import load_bundle
from videomind.model.prompt import PromptEncoder
from videomind.roles.verifier import SegmentPositions
from videomind.training.collate import IGNORE, collate
from videomind.training.encode import ItemEncoder
from videomind.training.examples import Example
from videomind.vision.clip import Clip
from videomind.vision.patches import cut_patches, normalize_patches, patchify


def clip(frames: int = 8) -> Clip:
    pictures = np.random.default_rng(frames).integers(0, 256, (frames, 56, 56, 3), dtype=np.uint8)
    return Clip(pictures, tuple(range(frames)), (0.0, 1.0), 1.0, f"content {frames}")


@pytest.fixture(scope="module")
def encoder(tiny_bundle: Path) -> PromptEncoder:
    return PromptEncoder(tiny_bundle / "base", 2)


def items(encoder: PromptEncoder, invocation: str = "", max_length: int = 10_000) -> ItemEncoder:
    segment = encoder.token_id("<|seg_start|>"), encoder.token_id("<|seg_end|>")
    return ItemEncoder(encoder, segment, encoder.token_id("<|reg|>"), encoder.ids(invocation), max_length)


def test_the_grounders_reply_stands_where_serving_drafts_it(encoder: PromptEncoder) -> None:
    example = Example("grounder", clip(), "find it", "At <|reg|>!", spans=((0.25, 0.5),))
    item = items(encoder).encode(example, choice=0.5)
    draft = encoder.encode("find it", clip().grid, reply_prefix="At <|reg|>!")
    assert item.prompt.ids[:-1] == draft.ids
    np.testing.assert_array_equal(item.prompt.positions[:, :-1], draft.positions)
    assert item.prompt.ids[-1] == encoder.token_id("<|im_end|>")
    assert item.moments is not None
    assert item.prompt.ids[item.moments.reg_at + 1] == encoder.token_id("<|reg|>")
    assert item.moments.spans == ((1.0, 2.0),)


def test_only_the_reply_is_learned(encoder: PromptEncoder) -> None:
    example = Example("answerer", clip(), "which?", "A) red", reply_prefix="Best Option: (")
    batch = collate([items(encoder).encode(example), items(encoder).encode(Example("answerer", clip(4), "w", "no"))])
    for row, reply in enumerate(("A) red<|im_end|>", "no<|im_end|>")):
        learned = batch.targets[row] != IGNORE
        assert encoder.decode(batch.targets[row][learned].tolist()) == reply
        after = learned.nonzero().flatten() + 1
        assert batch.ids[row, after].tolist() == batch.targets[row][learned].tolist()


def test_video_tokens_and_positions_keep_their_places_under_padding(encoder: PromptEncoder) -> None:
    examples = [Example("planner", clip(4), "a long question", "[]"), Example("planner", clip(8), "?", "[]")]
    encoded = [items(encoder).encode(example) for example in examples]
    batch = collate(encoded)
    for row, item in enumerate(encoded):
        own = batch.visual_at[1][batch.visual_at[0] == row]
        assert own.tolist() == item.prompt.video.tolist()
        assert (batch.ids[row, own] == encoder.video_pad).all()
        length = len(item.prompt.ids)
        assert batch.positions[:, row, :length].tolist() == item.prompt.positions.tolist()
        assert (batch.targets[row, length - 1 :] == IGNORE).all()


def test_segment_tokens_stand_as_in_serving(encoder: PromptEncoder) -> None:
    segment = SegmentPositions(1, 3)
    item = items(encoder).encode(Example("verifier", clip(), "this?", "Yes", segment=segment))
    ids = encoder.token_id("<|seg_start|>"), encoder.token_id("<|seg_end|>")
    served = encoder.encode("this?", clip().grid, segment=segment, segment_ids=ids)
    assert item.prompt.ids[: len(served.ids)] == served.ids
    np.testing.assert_array_equal(item.prompt.positions[:, : len(served.ids)], served.positions)


def test_an_adapter_acts_from_its_last_invocation(encoder: PromptEncoder) -> None:
    item = items(encoder, "Find:").encode(Example("planner", clip(), "Find: or Find: it", "[]"))
    assert encoder.decode(item.prompt.ids[item.acts_from :]).startswith("Find: it")
    with pytest.raises(InputError, match="does not hold the invocation"):
        items(encoder, "Find:").encode(Example("planner", clip(), "Look: it", "[]"))


def test_what_is_longer_than_the_context_is_refused(encoder: PromptEncoder) -> None:
    with pytest.raises(InputError, match="the context of this model is 20"):
        items(encoder, max_length=20).encode(Example("planner", clip(), "what?", "[]"))


def test_cut_pixels_normalise_to_what_serving_sees(encoder: PromptEncoder) -> None:
    whole, grid = patchify(clip().frames, encoder.mean, encoder.std)
    cut = cut_patches(clip().frames)
    assert cut.grid == grid
    assert cut.values.dtype == torch.uint8
    assert torch.equal(normalize_patches(cut.values, encoder.mean, encoder.std), whole)


def test_replies_break_into_the_same_tokens_after_the_prompt_as_alone() -> None:
    """The embedded model's tokenizer: what is learned is what can be said."""
    bundle = load_bundle()
    encoder = PromptEncoder(bundle.processor, 2)
    spec = bundle.roles["grounder"].spec
    item = items(encoder).encode(Example("grounder", clip(), spec.user_text("it moves"), spec.reply_prefix))
    draft = encoder.encode(spec.user_text("it moves"), clip().grid, reply_prefix=spec.reply_prefix)
    assert item.prompt.ids[:-1] == draft.ids
