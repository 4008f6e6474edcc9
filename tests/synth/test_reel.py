"""Long videos made of scenes: what is asked about them is there once or never, and files hold what the scenes show."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from videomind.synth.reader import SceneReader
from videomind.synth.reel import Reel, compose
from videomind.synth.reel_file import write_reel
from videomind.synth.world import World
from videomind.vision.reader import open_video

SHORT = World(duration=(4.0, 6.0), events=(1, 1), length=(2.5, 3.0), fps=5.0)


@pytest.fixture(scope="module")
def reel() -> Reel:
    return compose(1, 90, there=4, absent=4, world=SHORT)


def test_moments_lie_all_over_the_reel_in_their_scenes(reel: Reel) -> None:
    assert 90 <= reel.duration < 90 + 6
    found = [query for query in reel.queries if query.span is not None]
    assert len(found) == len(reel.queries) - len(found) == 4
    quarters = [int(4 * query.span[0] / reel.duration) for query in found if query.span]
    assert all(after - before in (0, 1, 2) for before, after in pairwise(quarters))
    assert quarters[-1] - quarters[0] >= 2
    for query in found:
        assert query.span is not None
        assert query.scene is not None
        (event,) = reel.scenes[query.scene].events
        start = reel.starts[query.scene]
        assert query.span == (event.start + start, event.end + start)
        assert event.colour in query.text.lower()
        others = [s.events[0] for number, s in enumerate(reel.scenes) if number != query.scene]
        assert (event.colour, event.shape, event.action) not in {(e.colour, e.shape, e.action) for e in others}


def test_what_is_absent_is_nowhere(reel: Reel) -> None:
    said = {f"{e.colour} {e.shape} {e.action}" for scene in reel.scenes for e in scene.events}
    for query in reel.queries:
        if query.span is None:
            assert query.text.lower().strip(".").removeprefix("the ") not in said


def test_another_seed_is_another_reel(reel: Reel) -> None:
    assert compose(1, 90, 4, 4, SHORT) == reel
    assert not {s.seed for s in compose(2, 90, 4, 4, SHORT).scenes} & {s.seed for s in reel.scenes}


def test_a_file_shows_its_scenes_one_after_the_other(tmp_path: Path, reel: Reel) -> None:
    few = Reel(reel.scenes[:3], ())
    with open_video(write_reel(few, tmp_path / "reel.mp4", size=56, key_seconds=1.0)) as reader:
        assert reader.duration == pytest.approx(few.duration)
        assert reader.key_frames is not None
        assert np.diff([*reader.key_frames, reader.num_frames]).max() <= SHORT.fps
        for scene, start in zip(few.scenes, few.starts, strict=True):
            middle = scene.frames // 2
            shown = reader.frames_at([round(start * reader.fps) + middle])[0]
            error = np.abs(shown.astype(int) - SceneReader(scene, 56).frames_at([middle])[0])
            assert error.mean() < 4
    assert list(tmp_path.iterdir()) == [tmp_path / "reel.mp4"]
