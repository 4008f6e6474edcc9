"""From a sample to its line: what is asked, and what is written down."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.evaluation.run.conftest import Ask, ids
from videomind.agent import Agent
from videomind.cancellable import Cancel
from videomind.engines.base import Reply, RoleRequest
from videomind.engines.torch_engine import TorchEngine
from videomind.errors import EngineDead
from videomind.evaluation.run.batches import Asked, Batch
from videomind.evaluation.run.journal import Line
from videomind.evaluation.run.line import Manner, ask_batch, failed
from videomind.lora_switch.bundle import load_bundle
from videomind.results import Protocol
from videomind.vision.reader import open_video

OPTIONS = ("a red circle", "a blue square")


def ask(agent: Agent, manner: Manner, *asked: Asked) -> list[Line]:
    lines = ask_batch(agent, Batch(asked), manner)
    json.dumps(lines, allow_nan=False)
    return sorted(lines, key=lambda line: [one.sample.id for one in asked].index(line["id"]))


def test_a_line_holds_the_question_the_result_and_the_whole_trace(
    tiny_agent: Agent, about: Ask, manner: Manner
) -> None:
    asked = about(0, "What is it?", "q1", options=OPTIONS, answer="A", spans=((1.0, 2.5),), duration=99.0)
    (line,) = ask(tiny_agent, manner, asked)
    assert list(line) == [
        "id", "task", "video", "question", "options", "answer", "duration", "spans", "seconds", "attempt", "error",
        "result", "trace",
    ]  # fmt: skip
    assert {name: line[name] for name in list(line)[:6]} == {
        "id": "q1",
        "task": "own",
        "video": "000000.mp4",
        "question": "What is it?",
        "options": list(OPTIONS),
        "answer": "A",
    }
    with open_video(asked.video) as video:
        assert line["duration"] == video.duration  # the file has the last word
    assert (line["spans"], line["attempt"], line["error"]) == ([[1.0, 2.5]], 1, None)
    timings = line["result"]["timings"]
    assert line["seconds"] == pytest.approx(sum(timings.values()) - timings["total"])
    assert [call["role"] for call in line["trace"]["calls"]] == ["grounder", "answerer"]
    assert line["result"]["answer"]["text"] == line["trace"]["calls"][-1]["reply"].strip()


def test_where_there_is_nothing_to_answer_the_text_is_only_found(tiny_agent: Agent, about: Ask, manner: Manner) -> None:
    everything = replace(manner, roles=None)
    found, answered = ask(tiny_agent, everything, about(0, "it moves"), about(0, "What?", options=OPTIONS))
    assert [call["role"] for call in found["trace"]["calls"]][:2] == ["grounder", "verifier"]
    assert found["result"]["answer"] is None
    assert answered["result"]["plan"]["reply"]  # planned
    assert answered["result"]["answer"] is not None


def test_roles_that_leave_nothing_to_do_fail_that_sample(tiny_agent: Agent, about: Ask, manner: Manner) -> None:
    answering = replace(manner, roles=frozenset({"answerer"}))
    found, answered = ask(tiny_agent, answering, about(0, "it moves"), about(0, "What?", options=OPTIONS))
    assert found["error"].startswith("InputError: nothing to do")
    assert answered["error"] is None


def test_each_task_is_asked_in_its_own_manner(finder_bundle: Path, about: Ask) -> None:
    protocols = {"fine": Protocol(), "coarse": Protocol(unit=5.0)}
    fine, coarse = (replace(about(0, "it moves", name), task=name) for name in protocols)
    with Agent.from_pretrained(finder_bundle, device="cpu") as agent:
        one, other = ask(agent, Manner(protocols, frozenset({"grounder"})), fine, coarse)
    assert all(c["start"] % 5 == 0 == c["end"] % 5 for c in other["result"]["candidates"])
    assert any(c["start"] % 5 for c in one["result"]["candidates"])


def test_subtitles_are_read_where_they_are_wanted_and_there(
    tiny_agent: Agent, about: Ask, manner: Manner, tmp_path: Path
) -> None:
    (tmp_path / "talk.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHello there\n")
    (tmp_path / "torn.srt").write_bytes(b"\x00\x01")
    samples = [
        about(0, "Who?", name, options=OPTIONS, subtitles=name) for name in ("talk.srt", "missing.srt", "torn.srt")
    ]
    samples.append(about(0, "Who?", "without", options=OPTIONS))
    answering = replace(manner, roles=frozenset({"answerer"}), subtitles={"own": tmp_path})
    talk, missing, torn, without = ask(tiny_agent, answering, *samples)
    assert "Hello there" in talk["trace"]["calls"][0]["prompt"]
    assert torn["error"].startswith("SubtitleError")
    for line in (missing, without, *ask(tiny_agent, replace(answering, subtitles={}), samples[0])):
        assert "Subtitles" not in line["trace"]["calls"][0]["prompt"]


def test_a_part_is_asked_as_if_it_were_the_video(tiny_agent: Agent, about: Ask, manner: Manner) -> None:
    part, whole, outside = ask(
        tiny_agent,
        manner,
        about(0, "it moves", "part", part=(2.0, 6.0)),
        about(0, "it moves", "whole"),
        about(0, "it moves", "outside", part=(1000.0, 1001.0)),
    )
    assert part["duration"] == pytest.approx(4.0, abs=0.1)
    assert all(0 <= c["start"] <= c["end"] <= part["duration"] for c in part["result"]["candidates"])
    assert whole["duration"] > 6
    assert outside["error"].startswith("VideoError: ")
    assert "no frame lies between 1000 s and 1001 s" in outside["error"]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(12):
        Image.new("RGB", (56, 56), (20 * number, 0, 0)).save(folder / f"{number:05}.jpg")
    return folder


def test_a_folder_of_frames_has_the_rate_that_the_benchmark_says(
    tiny_agent: Agent, about: Ask, manner: Manner, pictures: Path
) -> None:
    of_frames = [
        replace(about(0, "it moves", name, **how), video=pictures)
        for name, how in {
            "plain": {},
            "rate": {"notes": {"fps": 3.0}},
            "part": {"notes": {"fps": 3.0}, "part": (1.0, 2.0)},
        }.items()
    ]
    plain, rate, part = ask(tiny_agent, manner, *of_frames)
    assert [line["duration"] for line in (plain, rate, part)] == [12.0, 4.0, 1.0]


def test_what_fails_is_a_line_of_its_own(tiny_agent: Agent, about: Ask, manner: Manner, tmp_path: Path) -> None:
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(about(0).video.read_bytes()[:500])
    lines = ask(
        tiny_agent,
        manner,
        about(0, "it moves", "good"),
        replace(about(0, "it moves", "torn", spans=((1.0, 2.0),), duration=30.0), video=torn),
        replace(about(0, "it moves", "torn part", part=(0.0, 1.0)), video=torn),
        about(0, "  ", "empty"),
        about(0, "it moves", "good too"),
    )
    assert [line["error"] is None for line in lines] == [True, False, False, False, True]
    assert lines[1]["error"].startswith("VideoError: ")
    assert (lines[1]["duration"], lines[1]["spans"], lines[1]["seconds"]) == (30.0, [[1.0, 2.0]], 0.0)
    assert "result" not in lines[1]
    assert lines[3]["error"].startswith("InputError: the question is empty")


def test_the_attempt_is_written_down(tiny_agent: Agent, about: Ask, manner: Manner) -> None:
    batch = Batch((about(0), about(0, "  ")), attempt=2)
    assert [line["attempt"] for line in ask_batch(tiny_agent, batch, manner)] == [2, 2]
    assert failed(about(0), "it died", 2)["error"] == "it died"


def test_nothing_is_kept_of_the_videos_of_a_batch(tiny_agent: Agent, about: Ask, manner: Manner) -> None:
    ask(tiny_agent, manner, about(0), about(1))
    assert isinstance(tiny_agent.engine, TorchEngine)
    assert (
        len(tiny_agent._frames) == tiny_agent.engine._views.pairs.bytes == tiny_agent.engine._text._prefixes.bytes == 0
    )


def test_the_same_batch_gives_the_same_bits(tiny_agent: Agent, about: Ask, manner: Manner) -> None:
    asked = [about(video, question) for video in (0, 1) for question in ("it moves", "it grows")]
    first, second = (ask(tiny_agent, manner, *asked) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert without_times(one) == without_times(other)
    assert ids(first) == [one.sample.id for one in asked]


def without_times(line: Line) -> Line:
    result = {name: value for name, value in line["result"].items() if name != "timings"}
    calls = [call | {"seconds": 0} for call in line["trace"]["calls"]]
    return line | {"seconds": 0, "result": result, "trace": line["trace"] | {"calls": calls}}


class Dead(TorchEngine):
    """Its processes have ended."""

    def ground(self, requests: Sequence[RoleRequest], cancel: Cancel | None = None) -> list[Reply]:
        raise EngineDead("vLLM has ended")


def test_a_dead_engine_is_no_fault_of_the_samples(tiny_bundle: Path, about: Ask, manner: Manner) -> None:
    bundle = load_bundle(tiny_bundle)
    with Agent(bundle, Dead(bundle, "cpu")) as agent, pytest.raises(EngineDead):
        ask_batch(agent, Batch((about(0), about(1))), manner)
