"""Guesses of what a reply goes on with, and that they never change a reply."""

import numpy as np
import pytest
import torch

from tests import tiny
from videomind.engines.base import RoleRequest
from videomind.engines.draft import MOST, REMEMBERED, Drafter, Lookup
from videomind.engines.torch_engine import TorchEngine
from videomind.vision.clip import Clip, load_clip
from videomind.vision.reader import open_video

NOTHING = Lookup()


@pytest.fixture(scope="module")
def clips(frames: np.ndarray) -> list[Clip]:
    with open_video(frames, fps=1.0) as reader:
        return [load_clip(reader, tiny.VIEW), load_clip(reader, tiny.VIEW, (0.0, 6.0))]


def test_what_followed_the_last_tokens_in_an_earlier_reply_is_guessed() -> None:
    drafter = Drafter()
    drafter.learn("planner", [7, 8, 9], [1, 2, 3, 4, 0])
    assert drafter.draft("planner", NOTHING, [5, 8, 9, 1]) == [2, 3, 4, 0]  # from the end of the prompt on
    assert drafter.draft("planner", NOTHING, [6, 2, 3]) == [4, 0]
    assert drafter.draft("answerer", NOTHING, [6, 2, 3]) == []
    drafter.forget()
    assert drafter.draft("planner", NOTHING, [6, 2, 3]) == []


def test_three_tokens_say_more_than_two_and_late_replies_more_than_early_ones() -> None:
    drafter = Drafter()
    drafter.learn("planner", [], [1, 2, 3, 4])
    drafter.learn("planner", [], [5, 2, 3, 6])
    assert drafter.draft("planner", NOTHING, [9, 2, 3]) == [6]
    assert drafter.draft("planner", NOTHING, [1, 2, 3]) == [4]


def test_words_of_the_prompt_are_guessed_to_be_repeated() -> None:
    prompt = Lookup([list(range(100, 130))])
    assert Drafter().draft("planner", prompt, [1, 104, 105]) == list(range(106, 106 + MOST))


def test_only_the_last_replies_are_remembered() -> None:
    drafter = Drafter()
    for number in range(2 * REMEMBERED + 1):
        drafter.learn("planner", [], [number, 1000 + number, 2000 + number])
    assert drafter.draft("planner", NOTHING, [0, 1000]) == []
    first = REMEMBERED + 1
    assert drafter.draft("planner", NOTHING, [first, 1000 + first]) == [2000 + first]


def replies(engine: TorchEngine, clips: list[Clip], most: int) -> list[str]:
    texts = ["what?", "what happens then?", "abc abc abc abc"]
    requests = [
        RoleRequest(role, clip, text, max_new_tokens=most)
        for role in ("planner", "answerer")
        for clip in clips
        for text in texts
    ]
    return [reply.text for reply in engine.generate(requests)]


@pytest.mark.parametrize("most", [1, 2, 3, 17, 40])
def test_replies_are_the_same_with_and_without_guesses(
    tiny_engine: TorchEngine, clips: list[Clip], monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    tiny_engine.forget()
    first, second = (replies(tiny_engine, clips, most) for _ in range(2))  # the second time every guess is right
    with monkeypatch.context() as patched:
        patched.setattr(Drafter, "draft", lambda *_: [])
        assert replies(tiny_engine, clips, most) == first == second
    with monkeypatch.context() as patched:  # wrong ones, and as long as may be
        patched.setattr(Drafter, "draft", lambda *_: [5, 6] * (MOST // 2))
        assert replies(tiny_engine, clips, most) == first
    tiny_engine.forget()


def test_right_guesses_save_forwards(
    tiny_engine: TorchEngine, clips: list[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = tiny_engine._text._decoder
    forward, counts = decoder.forward, [0]

    def counted(*args: object) -> torch.Tensor:
        counts[-1] += 1
        return forward(*args)

    monkeypatch.setattr(decoder, "forward", counted)
    tiny_engine.forget()
    for _ in range(2):
        counts.append(0)
        tiny_engine.generate([RoleRequest("answerer", clips[0], "what?", max_new_tokens=40)])
    assert counts[2] * 2 < counts[1]
    tiny_engine.forget()
