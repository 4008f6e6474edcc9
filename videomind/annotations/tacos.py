"""TACoS (Regneri et al. 2013), as 2D-TAN published it: laid out like ActivityNet Captions, with times in frames.

The videos have "num_frames" and "fps" in the place of "duration", and keys that end in ".avi".
"""

from __future__ import annotations

from typing import Any, NamedTuple

from videomind.annotations.activitynet_captions import Sentence

CAMERA = "-cam-002"
"""What the names of the video files add to the ids."""


class Moment(NamedTuple):
    """A sentence with its times in seconds.

    Attributes:
        video: id of the video.
        text: the sentence, not checked.
        start, end: as annotated; the end may lie beyond the last frame.
        duration: length of the video.
    """

    video: str
    text: Any
    start: float
    end: float
    duration: float


def in_seconds(sentence: Sentence) -> Moment:
    """The sentence and its times. Raises `NOT_AS_PUBLISHED` where it is malformed."""
    fps = sentence.data["fps"]
    duration = sentence.data["num_frames"] / fps
    start, end = sentence.times
    return Moment(sentence.video.removesuffix(".avi"), sentence.text, start / fps, end / fps, duration)


def file_names(video: str) -> tuple[str, ...]:
    """What the file of a video may be called."""
    return (video + CAMERA, video)
