"""Batches: by video, whole, and the same however often a run was stopped."""

import random
from pathlib import Path

import pytest

from videomind.agent import AT_ONCE
from videomind.evaluation.run.batches import Asked, Batch, again, plan_batches
from videomind.evaluation.sample import Sample


def asked(video: str, number: int, task: str = "t") -> Asked:
    return Asked(task, Sample(f"{video}{number}", (video,), "?"), Path(video), video)


def names(batches: list[Batch]) -> list[list[str]]:
    return [[one.sample.id for one in batch.asked] for batch in batches]


def test_samples_of_one_video_are_together_in_the_order_of_the_run() -> None:
    samples = [asked("b", 0), asked("a", 0), asked("b", 1), asked("c", 0), asked("a", 1)]
    assert names(plan_batches(samples, set())) == [["b0", "b1", "a0", "a1", "c0"]]


def test_batches_are_filled_and_no_video_is_split() -> None:
    samples = [asked(video, number) for video in "abcde" for number in range(10)]
    batches = names(plan_batches(samples, set()))
    assert [len(batch) for batch in batches] == [30, 20]
    assert [len({name[0] for name in batch}) for batch in batches] == [3, 2]


@pytest.mark.parametrize("count", [AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE])
def test_a_video_with_many_questions_is_one_batch(count: int) -> None:
    samples = [asked("a", number) for number in range(count)] + [asked("b", 0)]
    sizes = [len(batch) for batch in names(plan_batches(samples, set()))]
    assert sizes == ([AT_ONCE] if count < AT_ONCE else [count, 1])


def test_every_sample_is_in_one_batch() -> None:
    rng = random.Random(0)
    samples = [asked(rng.choice("abcdefghijklm"), number) for number in range(200)]
    batches = plan_batches(samples, set())
    assert sorted(one.sample.id for batch in batches for one in batch.asked) == sorted(s.sample.id for s in samples)
    assert all(len(batch.asked) <= AT_ONCE and batch.attempt == 1 for batch in batches)


def test_a_batch_in_which_something_is_missing_is_asked_whole() -> None:
    samples = [asked(video, number) for video in "abcde" for number in range(10)]
    whole = plan_batches(samples, set())
    first = {one.key for one in whole[0].asked}
    assert plan_batches(samples, first) == whole[1:]
    assert plan_batches(samples, first - {("t", "a3")}) == whole
    assert plan_batches(samples, {one.key for one in samples}) == []
    assert plan_batches(samples, {("other task", one.sample.id) for one in samples}) == whole


def test_what_failed_is_asked_again_by_itself() -> None:
    samples = [asked("a", 0), asked("b", 1)]
    assert again(samples) == [Batch((one,), attempt=2) for one in samples]
    assert again([]) == []
