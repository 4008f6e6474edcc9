"""Examples show, say and mark what the chain will."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest

from tests.tiny import VIEW, spec
from tests.training.clips import FPS, numbers, write_numbered
from videomind.agent import Agent
from videomind.roles.planner import parse_plan
from videomind.roles.spans import widen_span
from videomind.roles.verifier import crop_for, segment_positions
from videomind.training.examples import Example
from videomind.training.making import Maker, OutsideError
from videomind.training.records import AnsweringRecord, GroundingRecord, PlanningRecord, Record, VerifyingRecord
from videomind.vision.clip import load_clip
from videomind.vision.reader import VideoReader, open_video
from videomind.vision.subtitles import Cue

ROLE_OF = {
    PlanningRecord: "planner",
    GroundingRecord: "grounder",
    VerifyingRecord: "verifier",
    AnsweringRecord: "answerer",
}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VideoReader]:
    with open_video(write_numbered(tmp_path_factory.mktemp("videos") / "numbered.mp4")) as opened:
        yield opened


def make(
    reader: VideoReader, record: Record, jitter: float = 0.0, seed: int = 0, cues: tuple[Cue, ...] = ()
) -> Example:
    role = ROLE_OF[type(record)]
    return Maker(role, spec(role), reader, Random(seed), jitter, cues, "here").make(record)


def test_the_planner_sees_everything_and_replies_with_a_plan(reader: VideoReader) -> None:
    query = 'a "grey" <thing>, für alle'
    example = make(reader, PlanningRecord(video="a", question="What now?", route="ground", query=query))
    assert (example.text, example.source) == ("As the planner: What now?", "here")
    np.testing.assert_array_equal(example.clip.frames, load_clip(reader, VIEW).frames)
    parsed = parse_plan(example.reply, "What now?")
    assert (parsed.route, parsed.query, parsed.parsed) == ("ground", query, True)
    assert "für" in example.reply


def test_a_plan_without_grounding_answers(reader: VideoReader) -> None:
    example = make(reader, PlanningRecord(video="a", question="What now?", route="answer"))
    assert json.loads(example.reply) == [{"type": "answerer"}]


def test_the_grounder_learns_its_whole_reply_and_spans_relative_to_the_file(reader: VideoReader) -> None:
    record = GroundingRecord(video="a", duration=99, query=" grey  grows. ", spans=((1, 2.5), (9, 10.4)))
    example = make(reader, record)
    assert (example.text, example.reply, example.reply_prefix) == ("As the grounder: grey grows", "In <|reg|>.", "")
    assert example.spans == ((0.1, 0.25), (0.9, 1.0))
    assert numbers(example)[0] == 0
    assert numbers(example)[-1] == 49


def test_what_never_happens_has_no_span(reader: VideoReader) -> None:
    assert make(reader, GroundingRecord(video="a", query="a cat", spans=())).spans == ()


@pytest.mark.parametrize(("label", "reply"), [(True, "Yes"), (False, "No")])
def test_the_verifier_sees_the_crop_with_its_marks(reader: VideoReader, label: bool, reply: str) -> None:
    example = make(reader, VerifyingRecord(video="a", query="it grows", candidate=(4, 6), label=label))
    crop = crop_for(4, 6, 10.0, 2.0)
    assert (example.text, example.reply) == ("As the verifier: it grows", reply)
    assert example.clip.span == crop.span == (3.0, 7.0)
    assert (numbers(example)[0], numbers(example)[-1]) == (15, 35)
    assert example.segment == segment_positions(crop.start, crop.end, example.clip.num_pairs) == (0, 2)


def test_an_open_question_is_answered_from_the_whole_video(reader: VideoReader) -> None:
    example = make(reader, AnsweringRecord(video="a", question="What?", answer="Grey."))
    assert (example.text, example.reply, example.reply_prefix) == ("What?", "Grey.", "")
    assert example.clip.span == (0.0, 10.0)


def test_a_choice_goes_on_after_its_forced_beginning(reader: VideoReader) -> None:
    record = AnsweringRecord(video="a", question="What?", answer="dark GREY", options=("white", "dark GREY"))
    example = make(reader, record)
    assert (example.reply_prefix, example.reply) == ("Best Option: (", "B) Dark grey")
    assert example.text.splitlines()[1:] == [
        "Options:",
        "(A) White",
        "(B) Dark grey",
        "Please only give the best option.",
    ]


def test_the_answerers_moment_is_widened_as_in_the_chain(reader: VideoReader) -> None:
    example = make(reader, AnsweringRecord(video="a", question="What?", answer="Grey.", span=(4, 5)))
    assert example.clip.span == widen_span(4, 5, 10.0, 8.0) == (0.5, 8.5)


def test_jitter_moves_both_ends_by_little_and_by_the_seed_alone(reader: VideoReader) -> None:
    record = AnsweringRecord(video="a", question="What?", answer="Grey.", span=(0.5, 9.5))
    spans = [make(reader, record, jitter=0.1, seed=seed).clip.span for seed in range(30)]
    assert make(reader, record, jitter=0.1, seed=3).clip.span == spans[3]
    starts, ends = ([span[side] for span in spans] for side in (0, 1))
    assert len(set(starts)) > 10
    assert len(set(ends)) > 10
    assert 0.0 == min(starts) < max(starts) <= 0.5 + 0.9
    assert 9.5 - 0.9 <= min(ends) < max(ends) == 10.0


def test_subtitles_in_the_crop_precede_the_question(reader: VideoReader) -> None:
    record = AnsweringRecord(video="a", question="What is said?", answer="Hi.", span=(4, 5))
    example = make(reader, record, cues=(Cue(0.0, 0.4, "too early"), Cue(4.0, 5.0, "Hi")))
    assert example.text.startswith("You are given a video with 8.0 seconds long.\nSubtitles:\n3.5s - 4.5s, Hi\n")
    assert example.text.endswith("What is said?")


@pytest.mark.parametrize(
    "record",
    [
        GroundingRecord(video="a", query="a", spans=((0, 1), (10, 11))),
        VerifyingRecord(video="a", query="a", candidate=(10, 12), label=True),
        AnsweringRecord(video="a", question="a", answer="b", span=(12, 13)),
    ],
)
def test_a_span_after_the_end_of_the_video_is_refused(reader: VideoReader, record: Record) -> None:
    with pytest.raises(OutsideError, match=r"but the video ends at 10 s"):
        make(reader, record)


def test_examples_are_what_the_chain_asks(tiny_agent: Agent, tmp_path: Path) -> None:
    """The prompts and frames of a real question, role by role."""
    video = write_numbered(tmp_path / "numbered.mp4", frames=round(10 * FPS))
    options = ("grey", "white")
    result = tiny_agent.ask(video, "What grows?", options=options)
    best, judged = result.candidates[0], iter(result.trace.grounded)
    compared = set()
    with open_video(video) as reader:
        for call in result.trace.calls:
            record: Record
            match call.role:
                case "planner":
                    record = PlanningRecord(video="a", question="What grows?", route="answer")
                case "grounder":
                    record = GroundingRecord(video="a", query=result.query, spans=())
                case "verifier":
                    candidate = next(judged)
                    record = VerifyingRecord.model_construct(
                        query="What grows?", candidate=(candidate.start, candidate.end), label=True, spans=None
                    )
                case _:
                    span = (best.start, best.end)
                    record = AnsweringRecord.model_construct(
                        question="What grows?", answer="grey", options=options, span=span, subtitles=None
                    )
            example = make(reader, record)
            assert (example.text, example.clip.indices) == (call.prompt, call.frames)
            assert example.clip.span == call.span
            compared.add(call.role)
    assert compared == {"planner", "grounder", "verifier", "answerer"}
