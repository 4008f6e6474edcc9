"""ActivityNet Captions (Krishna et al. 2017): {video: {"duration", "timestamps", "sentences"}}, in seconds."""

from __future__ import annotations

from typing import Any

from videomind.training.readers.base import Layout, Row, sentences


def row(entry: Any) -> Row:
    """The ids begin with "v_"; the files may or may not."""
    video, data, number = entry
    fields = {
        "duration": data["duration"],
        "query": data["sentences"][number],
        "spans": [data["timestamps"][number]],
    }
    return Row((video, video.removeprefix("v_")), fields)


ACTIVITYNET_CAPTIONS = Layout("grounder", sentences, row)
