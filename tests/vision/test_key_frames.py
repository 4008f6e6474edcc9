"""Frames that can be decoded alone: which they are, and that nothing else is decoded to reach them."""

from pathlib import Path

import numpy as np
import pytest

from tests.vision.media import numbers_of, write_video
from videomind.errors import VideoError
from videomind.vision.array_backend import ArrayReader
from videomind.vision.decord_backend import DecordReader
from videomind.vision.probe import probe
from videomind.vision.pyav_backend import PyavReader
from videomind.vision.reader import open_video


@pytest.fixture(scope="module")
def every_eight(media: Path) -> Path:
    """120 numbered frames with B-frames; every eighth can be decoded alone."""
    options = {"g": "8", "keyint_min": "8", "sc_threshold": "0", "bf": "2", "crf": "18"}
    return write_video(media / "every_eight.mp4", 120, options=options)


@pytest.mark.parametrize("kind", [DecordReader, PyavReader])
def test_both_readers_know_them(every_eight: Path, kind: type[DecordReader] | type[PyavReader]) -> None:
    with kind(every_eight, probe(every_eight)) as reader:
        assert reader.key_frames is not None
        assert reader.key_frames.tolist() == list(range(0, 120, 8))
        with reader.by_key_frames() as keyed:
            assert keyed.content_hash == reader.content_hash
            assert (keyed.num_frames, keyed.fps) == (reader.num_frames, reader.fps)
            assert np.array_equal(keyed.frames_at(reader.key_frames), reader.frames_at(reader.key_frames))


def test_in_place_of_any_other_frame_comes_the_key_frame_before(every_eight: Path) -> None:
    with open_video(every_eight) as reader, reader.by_key_frames() as keyed:
        assert numbers_of(keyed.frames_at([0, 7, 8, 23, 24, 119])) == [0, 0, 8, 16, 24, 112]
        assert numbers_of(keyed.frames_at([64, 3])) == [64, 0]


def test_no_other_frame_is_decoded(every_eight: Path) -> None:
    with open_video(every_eight) as reader, reader.by_key_frames() as keyed:
        assert isinstance(keyed, PyavReader)
        decoded = [bool(frame.key_frame) for frame in keyed._walk]
    assert decoded == [True] * 14  # the first of fifteen was taken on opening


def test_frames_in_memory_have_none_that_is_known_of() -> None:
    reader = ArrayReader(np.zeros((4, 8, 8, 3), dtype=np.uint8), 1.0)
    assert reader.key_frames is None
    with pytest.raises(VideoError, match="not known"):
        reader.by_key_frames()
