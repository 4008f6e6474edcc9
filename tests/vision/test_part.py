"""A part of a video is a video of its own."""

from pathlib import Path

import numpy as np
import pytest

from tests.vision.media import numbered_frames, numbers_of
from videomind.errors import VideoError
from videomind.roles.spec import CELL, View
from videomind.vision.array_backend import ArrayReader
from videomind.vision.clip import load_clip
from videomind.vision.part import PartReader
from videomind.vision.reader import open_video

VIEW = View(fps=2.0, max_frames=8, min_pixels=4 * CELL, max_pixels=4 * CELL)


@pytest.fixture
def whole() -> ArrayReader:
    """Four seconds whose frames show their number."""
    return ArrayReader(numbered_frames(40), 10.0)


def test_its_frames_and_times_are_counted_from_its_start(whole: ArrayReader) -> None:
    part = PartReader(whole, (1.0, 2.5))
    assert (part.num_frames, part.fps, part.duration) == (15, 10.0, 1.5)
    assert (part.width, part.height, part.path) == (whole.width, whole.height, whole.path)
    assert numbers_of(part.frames_at([0, 7, 14, 7])) == [10, 17, 24, 17]
    np.testing.assert_allclose(part.timestamps, np.arange(15) / 10)
    with pytest.raises(VideoError, match="frame 15 is outside 0 to 14"):
        part.frames_at([15])


def test_a_role_sees_only_the_part(whole: ArrayReader) -> None:
    clip = load_clip(PartReader(whole, (1.0, 2.5)), VIEW)
    assert clip.span == (0.0, 1.5)
    assert numbers_of(clip.frames) == [10 + index for index in clip.indices]
    inside = load_clip(PartReader(whole, (1.0, 2.5)), VIEW, (0.5, 1.0))
    assert numbers_of(inside.frames)[0] == 15


def test_it_is_told_apart_from_the_whole_and_from_other_parts(whole: ArrayReader) -> None:
    spans = [(0.0, 4.0), (0.0, 2.0), (2.0, 4.0), (0.0, 2.1)]
    hashes = {PartReader(whole, span).content_hash for span in spans} | {whole.content_hash}
    assert len(hashes) == 5
    assert PartReader(whole, (0.0, 2.0)).content_hash in hashes


@pytest.mark.parametrize(
    ("span", "frames"),
    [((-1.0, 1.0), (0, 10)), ((3.0, 99.0), (30, 10)), ((0.04, 0.06), (0, 1))],
)
def test_it_is_cut_to_the_video(whole: ArrayReader, span: tuple[float, float], frames: tuple[int, int]) -> None:
    part = PartReader(whole, span)
    assert (numbers_of(part.frames_at([0]))[0], part.num_frames) == frames


@pytest.mark.parametrize("span", [(4.0, 9.0), (2.0, 2.0), (3.0, 1.0), (-3.0, -1.0), (1.01, 1.02)])
def test_a_part_without_frames_is_refused(whole: ArrayReader, span: tuple[float, float]) -> None:
    with pytest.raises(VideoError, match=r"no frame lies between .* of 4 s"):
        PartReader(whole, span)


def test_the_whole_stays_open(video: Path) -> None:
    with open_video(video) as whole:
        with PartReader(whole, (1.0, 2.0)) as part:
            assert numbers_of(part.frames_at([0])) == [10]
        assert numbers_of(whole.frames_at([0])) == [0]
