"""Published layouts of annotations, read as records (docs/training-data.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from videomind.annotations.problems import NOT_AS_PUBLISHED, problem
from videomind.annotations.videos import VideoFolder
from videomind.errors import DataError
from videomind.training.jsonl import check_folder
from videomind.training.readers.activitynet_captions import ACTIVITYNET_CAPTIONS
from videomind.training.readers.base import Layout
from videomind.training.readers.charades_sta import CHARADES_STA
from videomind.training.readers.didemo import DIDEMO
from videomind.training.readers.nextqa import NEXTQA_PLANNING
from videomind.training.readers.qvhighlights import QVHIGHLIGHTS
from videomind.training.readers.tacos import TACOS
from videomind.training.readers.videomind_planning import VIDEOMIND_PLANNING
from videomind.training.record_set import MALFORMED, MISSING, Placed, RecordSet, Skip, collect
from videomind.training.records import RECORDS

LAYOUTS: dict[str, Layout] = {
    "qvhighlights": QVHIGHLIGHTS,
    "didemo": DIDEMO,
    "tacos": TACOS,
    "charades-sta": CHARADES_STA,
    "activitynet-captions": ACTIVITYNET_CAPTIONS,
    "nextqa-planning": NEXTQA_PLANNING,
    "videomind-planning": VIDEOMIND_PLANNING,
}


def read_annotations(layout: str, path: Path, videos: Path) -> RecordSet:
    """The records of a published file. Malformed entries and missing videos are reported and skipped.

    Args:
        layout: a key of `LAYOUTS`.
        path: the file, as it was published.
        videos: the folder of the videos, which may lie in it or in its sub-folders; a file's name without
            suffix is the id that the annotations use.

    Raises:
        DataError: there is no such layout, the file or folder cannot be read, more than half of the file is
            malformed, or nothing remains.
    """
    if layout not in LAYOUTS:
        raise DataError(f"no layout is called {layout!r}: choose from {', '.join(LAYOUTS)}")
    known = LAYOUTS[layout]
    folder = VideoFolder(check_folder(videos))
    return collect(str(path), known.role, videos, _read(known, path, folder))


def _read(layout: Layout, path: Path, folder: VideoFolder) -> Iterator[Placed | Skip]:
    for place, entry in layout.entries(path):
        try:
            names, fields = layout.row(entry)
            video = folder.find(names)
            text = json.dumps(fields | {"video": video or "missing"})
            record = RECORDS[layout.role].model_validate_json(text)
        except NOT_AS_PUBLISHED as error:
            yield Skip(place, MALFORMED, problem(error))
        else:
            missing = Skip(place, MISSING, f"there is no video {names[0]} in {folder.root}")
            yield Placed(place, record) if video is not None else missing
