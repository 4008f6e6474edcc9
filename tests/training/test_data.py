"""Example sets in DataLoader workers: what is bad is told once, counted for all, and replaced."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from torch.utils.data import DataLoader

from tests.tiny import spec
from tests.training.clips import numbers, write_numbered
from videomind.errors import DataError
from videomind.training.data import ExampleSet
from videomind.training.examples import Example
from videomind.training.filters import Filters
from videomind.training.record_set import Placed, RecordSet
from videomind.training.records import AnsweringRecord, GroundingRecord, PlanningRecord, Record

SPECS = {name: spec(name) for name in ("planner", "grounder", "verifier", "answerer")}
GOOD = ("a.mp4", "b.mp4")


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    write_numbered(folder / "a.mp4", frames=50)
    write_numbered(folder / "b.mp4", frames=30)
    (folder / "broken.mp4").write_bytes(b"no video at all")
    (folder / "broken.srt").write_text("1\n00:00:xx --> 00:00:02,000\nHi\n")
    return folder


@pytest.fixture
def grounding(videos: Path) -> Callable[..., RecordSet]:
    """A set of grounding records about these videos."""

    def make(*names: str, spans: tuple[tuple[float, float], ...] = ((1, 2),)) -> RecordSet:
        records = [
            GroundingRecord(video=name, query=f"query {number}", spans=spans) for number, name in enumerate(names)
        ]
        return record_set(videos, "grounder", *records)

    return make


def record_set(videos: Path, role: str, *records: Record) -> RecordSet:
    placed = tuple(Placed(f"line {number}", record) for number, record in enumerate(records, start=1))
    return RecordSet(f"{role}.jsonl", role, videos, placed)


def load(examples: ExampleSet, workers: int, **options: object) -> list[Example]:
    loader = DataLoader(examples, batch_size=3, num_workers=workers, collate_fn=list, **options)
    return [example for batch in loader for example in batch]


@contextmanager
def to_stderr() -> Iterator[None]:
    """Sends warnings to the real stderr, where those of worker processes go too."""
    log = logging.getLogger("videomind.training")
    with open(2, "w", closefd=False) as stderr:
        handler = logging.StreamHandler(stderr)
        log.addHandler(handler)
        yield
        log.removeHandler(handler)


def same(one: Example, other: Example) -> bool:
    return one.text == other.text and np.array_equal(one.clip.frames, other.clip.frames)


def test_workers_give_what_the_process_itself_gives(grounding: Callable[..., RecordSet]) -> None:
    records = grounding(*GOOD * 4)
    alone, together = (load(ExampleSet([records], SPECS, seed=5), workers) for workers in (0, 2))
    assert len(alone) == len(together) == 8
    assert all(map(same, alone, together))
    assert sorted(example.source for example in alone) == [f"grounder.jsonl, line {n}" for n in range(1, 9)]
    assert [example.text for example in alone] != sorted(example.text for example in alone)


def test_an_index_says_what_comes_whatever_came_before(videos: Path) -> None:
    record = AnsweringRecord(video="a.mp4", question="What?", answer="Grey.", span=(0.5, 9.5))
    records = record_set(videos, "answerer", *[record] * 3)
    straight = ExampleSet([records], SPECS, seed=5, length=12)
    spans = [straight[index].clip.span for index in range(12)]
    assert len(set(spans)) == 12
    resumed = ExampleSet([records], SPECS, seed=5, length=12)
    assert [resumed[index].clip.span for index in range(7, 12)] == spans[7:]
    assert ExampleSet([records], SPECS, seed=6, length=12)[0].clip.span != spans[0]
    with pytest.raises(IndexError):
        straight[12]


def test_sets_are_mixed_by_weight_each_with_its_role(videos: Path, grounding: Callable[..., RecordSet]) -> None:
    plan = PlanningRecord(video="b.mp4", question="What?", route="answer")
    examples = ExampleSet([grounding("a.mp4"), record_set(videos, "planner", plan)], SPECS, weights=[1, 3])
    assert sorted(example.role for example in load(examples, 0)) == ["grounder", *["planner"] * 3]


def test_the_backbone_is_asked_like_the_answerer(videos: Path) -> None:
    record = AnsweringRecord(video="b.mp4", question="What?", answer="Grey.")
    example = ExampleSet([record_set(videos, "base", record)], SPECS)[0]
    assert (example.role, example.text, example.reply) == ("base", "What?", "Grey.")
    assert numbers(example)[-1] == 29


@pytest.mark.parametrize("workers", [0, 2])
def test_a_broken_video_is_told_once_counted_and_replaced(
    grounding: Callable[..., RecordSet], workers: int, capfd: pytest.CaptureFixture[str]
) -> None:
    names = ("a.mp4", "broken.mp4", "b.mp4", "broken.mp4", "a.mp4", "broken.mp4")
    examples = ExampleSet([grounding(*names)], SPECS, seed=1, length=24)
    with to_stderr():
        found = load(examples, workers)
    assert len(found) == 24
    assert {example.source for example in found} == {f"grounder.jsonl, line {n}" for n in (1, 3, 5)}
    assert examples.skipped == {"broken video": 3}
    told = [line for line in capfd.readouterr().err.splitlines() if "is skipped" in line]
    assert 1 <= len(told) <= max(1, workers)
    assert "(and 2 more) is skipped: broken video:" in told[0]
    assert "not a video" in told[0]


def test_what_takes_the_place_of_a_bad_record_does_not_depend_on_who_found_it(
    grounding: Callable[..., RecordSet],
) -> None:
    names = ("a.mp4", "broken.mp4", "broken.mp4", "b.mp4")
    straight = ExampleSet([grounding(*names)], SPECS, seed=1, length=16)
    texts = [straight[index].text for index in range(16)]
    assert [ExampleSet([grounding(*names)], SPECS, seed=1, length=16)[index].text for index in range(16)] == texts


def test_spans_outside_and_broken_subtitles_are_skipped(
    videos: Path, grounding: Callable[..., RecordSet], caplog: pytest.LogCaptureFixture
) -> None:
    outside = grounding("a.mp4", "b.mp4", spans=((7, 8),))
    record = AnsweringRecord(video="a.mp4", question="What?", answer="Hi.")
    talks = record_set(videos, "answerer", record.model_copy(update={"subtitles": "broken.srt"}), record)
    examples = ExampleSet([outside, talks], SPECS)
    load(examples, 0)
    assert examples.skipped == {"span outside the video": 1, "broken subtitles": 1}
    assert "line 2 is skipped: span outside the video: it begins at 7 s, but the video ends at 6 s" in caplog.text
    assert "line 1 is skipped: broken subtitles:" in caplog.text


def test_filters_ask_the_video_where_the_record_does_not_say(
    grounding: Callable[..., RecordSet], caplog: pytest.LogCaptureFixture
) -> None:
    examples = ExampleSet([grounding(*GOOD * 2)], SPECS, filters=Filters(min_duration=7))
    assert {numbers(example)[-1] for example in load(examples, 0)} == {49}
    assert examples.skipped == {"video too short": 2}
    assert not caplog.messages


def test_a_set_of_nothing_but_bad_records_is_an_error(grounding: Callable[..., RecordSet]) -> None:
    examples = ExampleSet([grounding("broken.mp4", "broken.mp4")], SPECS)
    with pytest.raises(DataError, match=r"grounder.jsonl: none of its 2 records can be used"):
        examples[0]


@pytest.mark.slow
def test_processes_started_afresh_count_for_all_too(grounding: Callable[..., RecordSet]) -> None:
    examples = ExampleSet([grounding("a.mp4", "broken.mp4")], SPECS, length=6)
    examples[0]
    assert len(load(examples, 1, multiprocessing_context="spawn")) == 6
    assert examples.skipped == {"broken video": 1}
