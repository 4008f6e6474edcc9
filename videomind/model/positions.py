"""Multimodal RoPE positions of a prompt with one video, as published checkpoints were trained (DESIGN sec. 4).

They equal those of transformers 4.45, which later releases changed: the temporal index counts frame pairs, text after
the video continues from the largest index so far plus one, and the grid is laid over the T·h·w tokens from the
first video token on, whatever they are. So segment tokens inside the run take grid places, the last video tokens
take text places, and a prompt whose video run does not begin right after `<|vision_start|>` is plain text.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def mrope_positions(
    token_ids: Sequence[int], grid: tuple[int, int, int], *, vision_start: int, video_pad: int, merge: int = 2
) -> npt.NDArray[np.int64]:
    """Positions [3, L] (temporal, height, width) of every token.

    Args:
        token_ids: the prompt with every video token expanded, and segment tokens where a role has them.
        grid: (T, h, w) in patches; T·h·w / merge² video tokens.
        vision_start: id of `<|vision_start|>`.
        video_pad: id of `<|video_pad|>`.
        merge: side of the patch groups merged into one token.
    """
    ids = np.asarray(token_ids)
    length = len(ids)
    opens = np.flatnonzero(ids == vision_start)
    if not any(p + 1 < length and ids[p + 1] == video_pad for p in opens):
        return np.tile(np.arange(length), (3, 1))
    first = int(np.flatnonzero(ids == video_pad)[0])
    frames, rows, columns = grid[0], grid[1] // merge, grid[2] // merge
    video = np.indices((frames, rows, columns)).reshape(3, -1) + first
    after = length - first - video.shape[1]
    text = np.arange(after) + video.max() + 1
    return np.concatenate([np.tile(np.arange(first), (3, 1)), video, np.tile(text, (3, 1))], axis=1)
