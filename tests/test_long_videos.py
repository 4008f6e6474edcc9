"""Videos longer than a view: windows, key frames first, and what stays as it was."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests import finder
from tests.near import near
from tests.tiny import VIEW
from tests.vision.media import write_video
from videomind.agent import Agent
from videomind.asking import Question
from videomind.cancellable import Cancel
from videomind.engines.base import Grounding, RoleRequest
from videomind.engines.torch_engine import TorchEngine
from videomind.errors import InputError
from videomind.events import Grounded
from videomind.grounding import CLOSER
from videomind.lora_switch.bundle import load_bundle
from videomind.results import Result, RoleCall
from videomind.roles.calibration_file import CalibrationFile
from videomind.roles.long import Long
from videomind.roles.spans import temporal_iou
from videomind.synth.reel import compose
from videomind.synth.reel_file import write_reel
from videomind.synth.world import World

LENGTH = 90
"""Seconds, at a frame a second; the grounder's view holds 16."""


class Noting(TorchEngine):
    """Notes how many requests each call of the grounder has."""

    batches: list[int]

    def ground(self, requests: Sequence[RoleRequest], cancel: Cancel | None = None) -> list[Grounding]:
        self.batches.append(len(requests))
        return super().ground(requests, cancel)


@pytest.fixture(scope="module")
def agent(finder_bundle: Path) -> Iterator[Agent]:
    bundle = load_bundle(finder_bundle)
    with Agent(bundle, Noting(bundle, device="cpu")) as agent:
        yield agent


@pytest.fixture
def batches(agent: Agent) -> list[int]:
    assert isinstance(agent.engine, Noting)
    agent.engine.batches = []
    return agent.engine.batches


@pytest.fixture(scope="module")
def long_frames() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (LENGTH, 56, 56, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """90 seconds, two frames a second; every sixth can be decoded alone."""
    options = {"g": "6", "keyint_min": "6", "sc_threshold": "0", "crf": "30"}
    return write_video(tmp_path_factory.mktemp("long") / "keyed.mp4", 2 * LENGTH, fps=2, options=options)


def looks(result: Result) -> list[RoleCall]:
    return [call for call in result.trace.calls if call.role == "grounder"]


@pytest.mark.usefixtures("batches")
def test_nothing_changes_while_one_view_is_enough(agent: Agent, long_frames: np.ndarray) -> None:
    frames = long_frames[:40]
    auto, whole = agent.ask(frames, "a dog"), agent.ask(frames, "a dog", long="whole")
    assert auto.candidates == near(whole.candidates)
    assert [call.frames for call in looks(auto)] == [call.frames for call in looks(whole)]
    assert len(looks(auto)) == 1


def test_windows_cover_the_video_and_are_grounded_together(
    agent: Agent, batches: list[int], long_frames: np.ndarray
) -> None:
    result = agent.find(long_frames, "a dog", top_k=1000)
    calls = looks(result)
    assert batches == [len(calls)] == [11]
    assert calls[0].span[0] == 0
    assert calls[-1].span[1] == LENGTH
    assert {len(call.frames) for call in calls} == {VIEW.max_frames}
    assert {frame for call in calls for frame in call.frames} == set(range(LENGTH))
    assert len({call.prompt for call in calls}) == 1


@pytest.mark.usefixtures("batches")
def test_candidates_of_all_windows_are_one_list(agent: Agent, long_frames: np.ndarray) -> None:
    events = agent.stream(long_frames, "a dog", roles=["grounder", "verifier"])
    (grounded,) = [event for event in events if isinstance(event, Grounded)]
    found = grounded.candidates
    assert [c.confidence for c in found] == sorted((c.confidence for c in found), reverse=True)
    assert max(c.end for c in found) > LENGTH - VIEW.max_frames
    assert min(c.start for c in found) < VIEW.max_frames
    assert all(0 <= c.start <= c.end <= LENGTH for c in found)
    spans = [(c.start, c.end) for c in found]
    assert max(temporal_iou(a, b) for i, a in enumerate(spans) for b in spans[:i]) <= 0.75


@pytest.mark.usefixtures("batches")
def test_the_best_of_all_windows_are_verified_as_one_batch(agent: Agent, long_frames: np.ndarray) -> None:
    result = agent.ask(long_frames, "a dog")
    verified = [call for call in result.trace.calls if call.role == "verifier"]
    assert len(verified) == 5
    best = result.trace.grounded[:5]
    assert all(call.span[0] <= c.start <= c.end <= call.span[1] for call, c in zip(verified, best, strict=True))
    moment, answered = result.moment, result.trace.calls[-1]
    assert moment is not None
    assert answered.role == "answerer"
    assert answered.span[0] <= moment.start <= moment.end <= answered.span[1]


def test_however_long_the_video_few_windows_are_held_at_once(
    agent: Agent, batches: list[int], long_frames: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = agent.find(long_frames, "a dog", top_k=1000)
    monkeypatch.setattr("videomind.vision.windows.GROUP", 4)
    batches.clear()
    agent.forget()
    in_groups = agent.find(long_frames, "a dog", top_k=1000)
    assert batches == [4, 4, 3]
    assert [c.start for c in in_groups.trace.grounded] == [c.start for c in together.trace.grounded]
    seconds = sum(call.seconds for call in looks(in_groups))
    assert seconds == pytest.approx(in_groups.timings["grounder"], abs=1e-4)


@pytest.mark.usefixtures("batches")
def test_a_scan_sees_key_frames_then_windows(agent: Agent, keyed: Path) -> None:
    result = agent.find(keyed, "a dog", long="scan")
    calls = looks(result)
    scanned = [call for call in calls if call.frames[0] == call.frames[1] == call.frames[2]]
    closer = calls[len(scanned) :]
    assert {frame for call in scanned for frame in call.frames} == set(range(0, 2 * LENGTH, 6))
    assert 0 < len(closer) <= CLOSER
    assert all(np.diff(call.frames).tolist() == [2] * 15 for call in closer)
    assert [call.span for call in closer] == sorted(call.span for call in closer)


def test_a_scan_looks_closer_at_few_windows(
    agent: Agent, batches: list[int], keyed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("videomind.grounding.CLOSER", 2)
    result = agent.find(keyed, "a dog", top_k=1000, long="scan")
    assert batches[-1] == 2
    inside = [call.span for call in looks(result)[-2:]]
    assert all(any(a <= c.start and c.end <= b for a, b in inside) for c in result.candidates)


def test_frames_without_key_frames_can_be_scanned_too(
    agent: Agent, batches: list[int], long_frames: np.ndarray
) -> None:
    result = agent.find(long_frames, "a dog", long="scan")
    assert looks(result)[0].frames[:6] == (0, 0, 0, 3, 3, 3)
    assert len(batches) == 2
    assert result.moment is not None


@pytest.mark.parametrize("long", ["windows", "scan"])
def test_where_nothing_is_localised_everything_is_a_candidate(
    tiny_agent: Agent, long_frames: np.ndarray, long: Long
) -> None:
    result = tiny_agent.find(long_frames, "a dog", long=long)
    assert [c.start for c in sorted(result.candidates, key=lambda c: c.start)] == [0, 15, 30, 45, 60]
    assert not result.localized


def test_chains_in_lockstep_look_through_windows_together(
    agent: Agent, batches: list[int], long_frames: np.ndarray, frames: np.ndarray
) -> None:
    asked = [(long_frames, Question("a dog")), (frames, Question("a dog")), (long_frames, Question("a cat"))]
    together = {place: result for place, result in agent.ask_many(asked) if isinstance(result, Result)}
    assert batches == [11 + 1 + 11]
    agent.forget()
    for place, (video, question) in enumerate(asked):
        alone = agent.ask(video, question.text)
        spans = [[(c.start, c.end) for c in result.trace.grounded[:5]] for result in (alone, together[place])]
        np.testing.assert_allclose(*spans, atol=2e-3)


def test_compat_looks_at_the_whole(agent: Agent, batches: list[int], long_frames: np.ndarray) -> None:
    published = Agent(agent.bundle, agent.engine, compat=True)
    assert len(looks(published.ask(long_frames, "a dog"))) == 1
    assert len(looks(published.ask(long_frames, "a dog", long="windows"))) == 11
    assert batches == [1, 11]


def test_another_way_to_look_is_refused(agent: Agent, frames: np.ndarray) -> None:
    with pytest.raises(InputError, match="long is 'all'"):
        agent.ask(frames, "a dog", long="all")


@pytest.mark.usefixtures("batches")
def test_the_more_there_is_to_look_at_the_surer_one_must_be(agent: Agent, long_frames: np.ndarray) -> None:
    rules = CalibrationFile.of(finder.calibration(0.7))
    manifest = agent.bundle.manifest.model_copy(update={"calibration": rules})
    calibrated = Agent(replace(agent.bundle, manifest=manifest), agent.engine)

    def presence(seconds: int, long: Long) -> float:
        found = calibrated.find(long_frames[:seconds], "a dog", long=long).presence
        assert found is not None
        return found

    assert presence(LENGTH, "whole") == presence(16, "windows") == pytest.approx(0.7)
    assert 0.7 > presence(40, "windows") > presence(LENGTH, "windows")
    assert presence(LENGTH, "windows") == presence(LENGTH, "scan")


def test_the_embedded_model_finds_in_windows_what_one_view_misses(nano_agent: Agent, tmp_path: Path) -> None:
    reel = compose(77, 150, there=2, absent=0, world=World(fps=6.0))
    path = write_reel(reel, tmp_path / "reel.mp4")
    iou: dict[Long, list[float]] = {"whole": [], "windows": [], "scan": []}
    for query in reel.queries:
        assert query.span is not None
        for long, overlaps in iou.items():
            best = nano_agent.find(path, query.text, long=long).candidates[0]
            overlaps.append(temporal_iou((best.start, best.end), query.span))
    assert min(iou["windows"]) >= 0.5
    assert min(iou["scan"]) >= 0.5
    assert max(iou["whole"]) < 0.5
