"""Multimodal RoPE positions, against transformers where it agrees and by hand where it does not."""

from pathlib import Path

import numpy as np
import torch
from transformers import Qwen2VLForConditionalGeneration

from videomind.model.positions import mrope_positions

START, PAD, END, TEXT, SEG = 1, 2, 3, 9, 7


def positions(ids: list[int], grid: tuple[int, int, int]) -> list[list[int]]:
    return mrope_positions(ids, grid, vision_start=START, video_pad=PAD).T.tolist()


def test_text_video_text() -> None:
    ids = [TEXT, START, *[PAD] * 4, END, TEXT]  # 2 frame pairs of 1×2 tokens
    assert positions(ids, (2, 2, 4)) == [
        [0, 0, 0],
        [1, 1, 1],
        [2, 2, 2],
        [2, 2, 3],
        [3, 2, 2],
        [3, 2, 3],
        [4, 4, 4],
        [5, 5, 5],
    ]


def test_text_after_a_long_video_continues_from_its_last_frame() -> None:
    ids = [START, *[PAD] * 5, END]
    assert positions(ids, (5, 2, 2))[-1] == [6, 6, 6]


def test_segment_tokens_take_grid_places_and_push_the_last_video_tokens_into_text() -> None:
    ids = [START, PAD, SEG, PAD, PAD, SEG, END]  # 3 frame pairs of one token
    assert positions(ids, (3, 2, 2)) == [
        [0, 0, 0],
        [1, 1, 1],
        [2, 1, 1],
        [3, 1, 1],
        [4, 4, 4],
        [5, 5, 5],
        [6, 6, 6],
    ]


def test_a_video_run_that_opens_with_a_segment_token_is_no_video() -> None:
    ids = [TEXT, START, SEG, PAD, PAD, SEG, END]
    assert positions(ids, (2, 2, 2)) == [[i] * 3 for i in range(7)]


def test_as_transformers_computes_them_while_the_video_is_short(tiny_bundle: Path) -> None:
    model = Qwen2VLForConditionalGeneration.from_pretrained(tiny_bundle / "base")
    config, grid = model.config, (3, 8, 12)
    video = [config.video_token_id] * (3 * 4 * 6)
    ids = [5, 6, config.vision_start_token_id, *video, config.vision_end_token_id, 8, 9]
    kinds = torch.tensor([[2 if token == config.video_token_id else 0 for token in ids]])
    theirs, _ = model.model.get_rope_index(
        torch.tensor([ids]), mm_token_type_ids=kinds, video_grid_thw=torch.tensor([grid])
    )
    ours = mrope_positions(ids, grid, vision_start=config.vision_start_token_id, video_pad=config.video_token_id)
    np.testing.assert_array_equal(ours, theirs[:, 0].numpy())
