"""Videos of the next batch are decoded in other processes; what cannot be, is found out later."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.evaluation.run.conftest import Ask
from tests.evaluation.run.processes import forked
from videomind.evaluation.run import ahead as ahead_module
from videomind.evaluation.run.ahead import Ahead, Frames
from videomind.evaluation.run.batches import Batch
from videomind.roles.spec import CELL, View
from videomind.vision import ahead as vision_ahead
from videomind.vision.ahead import decode_ahead

VIEW = View(fps=1.0, max_frames=8, min_pixels=4 * CELL, max_pixels=4 * CELL)


@pytest.fixture(autouse=True)
def fast_decoders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead_module, "get_context", lambda kind: forked())


@pytest.fixture
def ahead() -> Iterator[Ahead]:
    with Ahead([VIEW], 1) as one:
        yield one


def keys(frames: Frames) -> list[Any]:
    return [key for key, _ in frames]


def test_each_batch_comes_with_the_frames_of_its_videos(ahead: Ahead, about: Ask) -> None:
    batches = [Batch((about(0), about(0, "again"), about(1))), Batch((about(2),))]
    found = list(ahead.follow(iter(batches)))
    assert [batch for batch, _ in found] == batches
    for batch, frames in found:
        videos = dict.fromkeys(one.video for one in batch.asked)
        assert keys(frames) == [key for video in videos for key in keys(decode_ahead(video, [VIEW]))]


def test_the_next_batch_is_begun_while_the_one_before_is_worked_on(ahead: Ahead, about: Ask) -> None:
    taken: list[int] = []

    def batches() -> Iterator[Batch]:
        for number in range(2):
            taken.append(number)
            yield Batch((about(number),))

    following = ahead.follow(batches())
    next(following)
    second = next(following)
    assert taken == [0, 1]
    assert second[1]


def test_without_processes_there_are_no_frames(about: Ask) -> None:
    with Ahead([VIEW], 0) as none:
        assert list(none.follow([Batch((about(0),))])) == [(Batch((about(0),)), [])]


def test_what_is_opened_in_another_way_is_not_decoded(ahead: Ahead, about: Ask, tmp_path: Path) -> None:
    part = about(0, part=(1.0, 2.0))
    Image.new("RGB", (56, 56)).save(tmp_path / "1.png")
    folder = replace(about(0, notes={"fps": 3.0}), video=tmp_path)
    ((_, frames),) = ahead.follow([Batch((part, folder))])
    assert frames == []


def test_what_cannot_be_decoded_has_no_frames(ahead: Ahead, about: Ask, tmp_path: Path) -> None:
    torn, missing = tmp_path / "torn.mp4", tmp_path / "missing.mp4"
    torn.write_bytes(b"no video")
    batch = Batch((replace(about(0), video=torn), replace(about(0), video=missing), about(1)))
    ((_, frames),) = ahead.follow([batch])
    assert keys(frames) == keys(decode_ahead(batch.asked[2].video, [VIEW]))


def test_the_videos_of_a_batch_share_what_memory_there_is(about: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    budgets: list[int] = []
    with Ahead([VIEW], 1) as ahead:
        assert ahead._pool is not None
        monkeypatch.setattr(ahead._pool, "submit", lambda call, video, views, most: budgets.append(most))
        ahead._begin(Batch((about(0), about(0, "again"))))
        ahead._begin(Batch(tuple(about(video) for video in range(3))))
    assert budgets == [vision_ahead.MAX_BYTES, *[vision_ahead.MAX_BYTES // 3] * 3]


def test_decoders_that_die_only_cost_time(ahead: Ahead, about: Ask) -> None:
    batches = [Batch((about(number),)) for number in range(3)]

    def killing() -> Iterator[Batch]:
        yield batches[0]
        assert ahead._pool is not None
        for pid in list(ahead._pool._processes):
            os.kill(pid, signal.SIGKILL)
        yield from batches[1:]

    assert [batch for batch, _ in ahead.follow(killing())] == batches
