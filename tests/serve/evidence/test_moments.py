"""Moments on the player's clock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from tests.vision.media import write_video
from videomind.results import Answer, Candidate, Result
from videomind.serve.errors import Refused
from videomind.serve.evidence.moments import candidate_at, clip_span, moments_as_subtitles
from videomind.vision.base import VideoReader
from videomind.vision.reader import open_video
from videomind.vision.subtitles import load_subtitles


def test_the_first_candidate_is_the_moment(result: Result) -> None:
    assert candidate_at(result, 0) == result.moment
    assert candidate_at(result, 1).start == 0.0


def test_a_candidate_that_is_not_there_is_refused_with_those_that_are(result: Result) -> None:
    with pytest.raises(Refused, match="this result has 0 to 1") as caught:
        candidate_at(result, 2)
    assert caught.value.status == 404
    with pytest.raises(Refused, match="nothing was looked for"):
        candidate_at(replace(result, candidates=()), 0)


def test_a_clip_is_a_second_long_at_least(reader: VideoReader) -> None:
    assert clip_span(reader, Candidate(1.0, 2.5, 0.5)) == pytest.approx((1.0, 2.5))
    assert clip_span(reader, Candidate(3.9, 3.9, 0.5)) == pytest.approx((3.0, 4.0))


def test_a_clip_follows_the_players_clock_where_the_frame_rate_varies(tmp_path: Path) -> None:
    """Ten frames in the first second, then ten in five: the middle frame is shown after one second, not three."""
    ticks = [*range(0, 100, 10), *range(100, 600, 50)]
    with open_video(write_video(tmp_path / "uneven.mp4", 20, ticks=ticks)) as reader:
        start, _ = clip_span(reader, Candidate(10 / reader.fps, 15 / reader.fps, 0.5))
        assert start == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_moments_are_subtitles_in_their_order(
    reader: VideoReader, result: Result, kind: Literal["srt", "vtt"], tmp_path: Path
) -> None:
    two = replace(result, moments=(Candidate(2.0, 3.5, 0.9), Candidate(0.5, 1.5, 0.6, 0.4, 0.5)))
    path = tmp_path / f"moments.{kind}"
    path.write_text(moments_as_subtitles(reader, two, kind), encoding="utf-8")
    first, second = load_subtitles(path)
    assert (first.start, first.end, second.start, second.end) == pytest.approx((0.5, 1.5, 2.0, 3.5))
    assert first.text.split("\n") == [
        "When do the bars turn white?",
        "In the second second.",
        "confidence 0.60, verified 0.40, 50 % likely",
    ]
    assert second.text.endswith("confidence 0.90")


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_text_of_users_and_models_stays_text(
    reader: VideoReader, result: Result, kind: Literal["srt", "vtt"], tmp_path: Path
) -> None:
    hostile = replace(result, question="{\\b1} C:\\new\n\n00:00 --> 9 <b>", answer=Answer("<script>"))
    text = moments_as_subtitles(reader, hostile, kind)
    path = tmp_path / f"moments.{kind}"
    path.write_text(text, encoding="utf-8")
    (cue,) = load_subtitles(path)
    if kind == "vtt":
        assert "<" not in text
    lines = text.removeprefix("WEBVTT\n\n").splitlines()[2:]
    assert lines[0].replace("\u2060", "").startswith("{\\b1} C:\\new 00:00 → 9 ")
    assert len([line for line in lines if line]) == 3
    assert cue.end == pytest.approx(2.5)


def test_without_a_moment_there_is_a_file_without_subtitles(reader: VideoReader, result: Result) -> None:
    nothing, guess = replace(result, moments=()), replace(result, moments=(Candidate(0.0, 4.0, 0.0),))
    assert moments_as_subtitles(reader, guess, "srt") == ""
    assert moments_as_subtitles(reader, nothing, "vtt").strip() == "WEBVTT"
    assert moments_as_subtitles(reader, nothing, "srt") == ""
