"""ActivityNet Captions (Krishna et al. 2017): {video: {"duration", "timestamps", "sentences"}}, in seconds.

Other splits of Charades-STA are laid out in the same way, and TACoS in 2D-TAN but for its times.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from videomind.annotations.files import json_file


class Sentence(NamedTuple):
    """One of the sentences about a video.

    Attributes:
        video: its key in the file.
        data: what the file says about the video. Nothing is checked: whoever asks for what is not there gets the
            error of a malformed entry (`NOT_AS_PUBLISHED`).
        number: of the sentence, from 0.
    """

    video: str
    data: Any
    number: int

    @property
    def text(self) -> Any:
        return self.data["sentences"][self.number]

    @property
    def times(self) -> Any:
        """[start, end] in the unit of the file."""
        return self.data["timestamps"][self.number]


def sentences(path: Path) -> Iterator[tuple[str, Sentence]]:
    """The sentences of a file with their places ("v_uqiMw7tQ1Cc, sentence 1").

    Raises:
        DataError: it cannot be read, or holds no JSON object.
    """
    for video, data in json_file(path, dict).items():
        count = len(data["sentences"]) if isinstance(data, dict) and isinstance(data.get("sentences"), list) else 1
        for number in range(count):
            yield f"{video}, sentence {number + 1}", Sentence(video, data, number)


def file_names(video: str) -> tuple[str, ...]:
    """What the file of an ActivityNet video may be called: the ids begin with "v_", the files may not."""
    return (video, video.removeprefix("v_"))
