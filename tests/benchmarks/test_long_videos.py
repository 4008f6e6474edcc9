"""The benchmark of long videos, on a minute: what it measures, and the table it prints."""

from pathlib import Path

import pytest

from benchmarks.long_videos import KEY_SECONDS, WORLD, ask_all, table
from videomind.synth.reel import compose
from videomind.synth.reel_file import write_reel


@pytest.mark.slow
def test_a_minute_scanned(tmp_path: Path) -> None:
    reel = compose(3, 60, there=1, absent=1, world=WORLD)
    path = write_reel(reel, tmp_path / "reel.mp4", key_seconds=KEY_SECONDS)
    line = ask_all(reel, path, "scan")
    assert (line["there"], line["absent"]) == (1, 1)
    assert line["window_recall"] == 1.0
    assert line["views"] > 2
    assert line["key_frame_error_max_s"] <= KEY_SECONDS
    assert line["rules"]["0.5"]["said_to_be_there"] == line["said_to_be_there"]
    assert line["rules"]["0.5"]["false_alarms"] == line["false_alarms"]
    assert "| 1 | scan | " in table([{"minutes": 1, "mode": "scan", **line}])
