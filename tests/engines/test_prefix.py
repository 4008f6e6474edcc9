"""Beginnings of prompts that are put through the text model once: the same numbers, and shared only where they may be.

Tolerances, float32 on CPU: states 1e-4 (they are some tens large), logits 1e-5, as a batch of another shape gives.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import Qwen2VLForConditionalGeneration

from tests import tiny
from videomind.cancellable import Cancel
from videomind.engines.base import RoleRequest
from videomind.engines.batch import split_by_tokens
from videomind.engines.text_model import frame_states
from videomind.engines.torch_engine import TorchEngine
from videomind.errors import Cancelled, EngineError
from videomind.lora_switch.adapter import Adapter
from videomind.lora_switch.bundle import Role, load_bundle, load_role, save_role
from videomind.lora_switch.rows import TokenRows
from videomind.vision.clip import Clip, load_clip
from videomind.vision.patches import patchify
from videomind.vision.reader import open_video

INVOCATION = "assistant\n"
"""Ends every prompt: an activated adapter acts on what comes after."""


def clip_of(frames: np.ndarray, fps: float = 1.0, max_frames: int = 16) -> Clip:
    with open_video(frames, fps=fps) as reader:
        return load_clip(reader, replace(tiny.VIEW, max_frames=max_frames))


def request(role: str, clip: Clip, text: str = "what?", **how: object) -> RoleRequest:
    return RoleRequest(role, clip, text, max_new_tokens=6, **how)


def with_rows(folder: Path, tokens: Sequence[str]) -> None:
    """The planner's own rows for these tokens."""
    role = load_role(folder / "planner")
    assert role.adapter is not None
    engine = TorchEngine(load_bundle(folder), device="cpu")
    ids = torch.tensor([engine._encoder.token_id(token) for token in tokens])
    engine.close()
    embed, head = torch.randn(2, len(ids), tiny.HIDDEN, generator=torch.Generator().manual_seed(5)).unbind()
    save_role(folder / "planner", Role(role.spec, Adapter(role.adapter.pairs, {}, TokenRows(ids, embed, head)), None))


def activated(folder: Path, *names: str) -> None:
    """Make adapters activated ones."""
    for name in names:
        role = load_role(folder / name)
        save_role(folder / name, replace(role, spec=replace(role.spec, activation="alora", invocation=INVOCATION)))


def write_activated(folder: Path) -> None:
    activated(tiny.write_bundle(folder), "planner", "grounder", "verifier")


def write_rows_in_the_text(folder: Path) -> None:
    write_activated(folder)
    with_rows(folder, ["<|reg|>", "Yes"])


def write_rows_in_the_beginning(folder: Path) -> None:
    write_activated(folder)
    with_rows(folder, ["<|vision_start|>"])


BUNDLES = {
    "plain": tiny.write_bundle,
    "activated": write_activated,
    "rows in the text": write_rows_in_the_text,
    "rows in the beginning": write_rows_in_the_beginning,
}


@pytest.fixture(scope="module", params=BUNDLES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchEngine]:
    folder = tmp_path_factory.mktemp("prefix") / "model"
    BUNDLES[request.param](folder)
    engine = TorchEngine(load_bundle(folder), device="cpu")
    yield engine
    engine.close()


@pytest.fixture
def plain(tiny_engine: TorchEngine) -> TorchEngine:
    tiny_engine.forget()
    return tiny_engine


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchEngine]:
    """All roles with activated adapters."""
    folder = tmp_path_factory.mktemp("prefix") / "model"
    write_activated(folder)
    engine = TorchEngine(load_bundle(folder), device="cpu")
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def clips(frames: np.ndarray) -> list[Clip]:
    return [clip_of(frames[:4]), clip_of(frames[:16]), clip_of(frames[4:8])]


def mixed(clips: list[Clip]) -> list[RoleRequest]:
    """Every role, views and texts of several lengths, segments, a draft; some begin alike."""
    return [
        request("planner", clips[0], "short"),
        request("planner", clips[1], "a much longer question than the others, with <|reg|> and Yes in it"),
        request("grounder", clips[1], reply_prefix="In <|reg|>."),
        request("verifier", clips[1], segment=(1, 3)),
        request("verifier", clips[1], segment=(2, 5)),
        request("verifier", clips[2]),
        request("answerer", clips[1], "what else?"),
        request("answerer", clips[0], "and here?"),
        request("planner", clips[1], "a second question"),
        request("planner", clips[2], "short"),
    ]


def forward(engine: TorchEngine, requests: Sequence[RoleRequest]) -> tuple[list[Tensor], list[Tensor]]:
    """States of the frame pairs and of the text, and logits of the next token, of each request, from one batch."""
    items, rests, _ = engine._text.prefill(engine._prepare(requests, None), None)
    states = []
    for item, rest in zip(items, rests, strict=True):
        text = int(item.prompt.video[-1]) + 2 - item.start
        states.append(torch.cat([frame_states(item, rest), rest[text:]]))
    return states, [one[0] for one in engine._text.logits([s[-1:] for s in states], [r.role for r in requests])]


def without_prefixes(engine: TorchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine._text, "_prefix_key", lambda item: None)


def test_states_and_logits_are_those_without_prefixes(
    engine: TorchEngine, clips: list[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.forget()
    first, second = forward(engine, mixed(clips)), forward(engine, mixed(clips))
    without_prefixes(engine, monkeypatch)
    alone = [forward(engine, [one]) for one in mixed(clips)]
    for states, logits in (first, second):
        for place, (expected_states, expected_logits) in enumerate(alone):
            torch.testing.assert_close(states[place], expected_states[0], atol=1e-4, rtol=1e-5)
            torch.testing.assert_close(logits[place], expected_logits[0], atol=1e-5, rtol=1e-5)


def test_replies_choices_and_groundings_are_those_without_prefixes(
    engine: TorchEngine, clips: list[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.forget()
    requests = mixed(clips)

    def ask() -> tuple[list[str], list[tuple[float, ...]], list[tuple[str, object]]]:
        replies = [reply.text for reply in engine.generate(requests)]
        chosen = [choice.probabilities for choice in engine.choose(requests[3:6], ["Yes", "No"])]
        grounder = [one for one in requests if one.role == "grounder"]
        return replies, chosen, [(found.reply, found.spans) for found in engine.ground(grounder)]

    replies, chosen, grounded = ask()
    assert (replies, grounded) == (ask()[0], ask()[2])
    without_prefixes(engine, monkeypatch)
    assert replies == [engine.generate([one])[0].text for one in requests]
    np.testing.assert_allclose(chosen, ask()[1], atol=1e-6)
    assert grounded == ask()[2]


@pytest.mark.parametrize("role", ["planner", "grounder", "answerer"])
def test_logits_are_those_of_transformers_with_the_adapter_merged(
    plain: TorchEngine, tiny_bundle: Path, clips: list[Clip], role: str
) -> None:
    requests = [request(role, clips[1], text) for text in ("what?", "and what then?")]
    requests += [request(other, clips[1]) for other in ("planner", "grounder", "answerer")]
    logits = forward(plain, requests)[1][:2]

    model = Qwen2VLForConditionalGeneration.from_pretrained(tiny_bundle / "base").eval()
    adapter = load_role(tiny_bundle / role).adapter
    for name, pair in ({} if adapter is None else adapter.pairs).items():
        model.model.language_model.get_submodule(name).weight.data += pair.scale * pair.b @ pair.a
    encoder = plain._encoder
    for one, found in zip(requests, logits, strict=False):
        patches, grid = patchify(one.clip.frames, encoder.mean, encoder.std)
        prompt = encoder.encode(one.text, one.clip.grid)
        ids = torch.tensor([prompt.ids])
        with torch.inference_mode():
            expected = model(
                input_ids=ids,
                position_ids=torch.from_numpy(prompt.positions)[:, None],
                mm_token_type_ids=(ids == encoder.video_pad).int() * 2,
                pixel_values_videos=patches,
                video_grid_thw=torch.tensor([grid]),
            ).logits[0, -1]
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def cached(engine: TorchEngine, *requests: RoleRequest) -> list[int]:
    return [reply.usage.cached_tokens for reply in engine.generate(requests)]


def beginning(engine: TorchEngine, one: RoleRequest) -> int:
    """Tokens up to the end of the view."""
    ids = engine._encoder.encode(one.text, one.clip.grid).ids
    return ids.index(engine._encoder.token_id("<|vision_end|>")) + 1


def test_a_further_question_about_a_view_uses_what_is_there(plain: TorchEngine, clips: list[Clip]) -> None:
    first, second = request("planner", clips[0]), request("planner", clips[0], "and then?")
    assert cached(plain, first) == [0]
    assert cached(plain, second) == [beginning(plain, second)] != [0]
    usage = plain.generate([first])[0].usage
    assert usage.kv_bytes == usage.cached_tokens * 2 * tiny.LAYERS * tiny.KV_HEADS * (tiny.HIDDEN // tiny.HEADS) * 4
    plain.forget()
    assert cached(plain, first) == [0]


def test_questions_of_one_batch_share_what_the_first_made(plain: TorchEngine, clips: list[Clip]) -> None:
    requests = [request("planner", clips[0], text) for text in ("one", "another", "a third")]
    made = plain._text._prefixes.made
    assert cached(plain, *requests) == [0, beginning(plain, requests[1]), beginning(plain, requests[2])]
    assert plain._text._prefixes.made == made + 1


def test_adapters_that_act_from_the_first_token_on_share_with_nobody(plain: TorchEngine, clips: list[Clip]) -> None:
    roles = ("planner", "grounder", "verifier", "answerer")
    assert cached(plain, *(request(role, clips[0]) for role in roles)) == [0, 0, 0, 0]
    assert all(cached(plain, *(request(role, clips[0], "then?") for role in roles)))


def test_activated_adapters_share_with_each_other_and_the_base(shared: TorchEngine, clips: list[Clip]) -> None:
    shared.forget()
    assert cached(shared, request("answerer", clips[0])) == [0]
    assert all(cached(shared, request("planner", clips[0]), request("grounder", clips[0])))
    assert cached(shared, request("verifier", clips[0])) == [0]  # has embeddings of its own


def test_own_rows_matter_only_where_their_tokens_stand(tmp_path: Path, clips: list[Clip]) -> None:
    counts = []
    for number, write in enumerate((write_rows_in_the_text, write_rows_in_the_beginning)):
        write(tmp_path / f"{number}")
        engine = TorchEngine(load_bundle(tmp_path / f"{number}"), device="cpu")
        cached(engine, request("answerer", clips[0]))
        counts += cached(engine, request("planner", clips[0], "Yes"))
        engine.close()
    in_text, in_beginning = counts
    assert in_text > 0
    assert in_beginning == 0


def test_only_equal_frames_are_the_same_view(shared: TorchEngine, frames: np.ndarray) -> None:
    shared.forget()
    views = [
        clip_of(frames[:8]),
        clip_of(frames[:8], max_frames=4),  # fewer frames of the same video
        clip_of(frames[:6]),  # another video that begins alike
        clip_of(frames[:8], fps=2.0),  # the same frames, shown faster
    ]
    assert cached(shared, *(request("answerer", view) for view in views)) == [0, 0, 0, 0]


def test_a_candidate_is_shared_by_questions_about_it_alone(shared: TorchEngine, clips: list[Clip]) -> None:
    shared.forget()
    requests = [request("verifier", clips[1], segment=(1, 3)), request("verifier", clips[1], segment=(2, 5))]
    assert [choice.usage.cached_tokens for choice in shared.choose(requests, ["Yes"])] == [0, 0]
    again = [request("verifier", clips[1], "and then?", segment=segment) for segment in ((1, 3), (1, 4))]
    first, second = (choice.usage.cached_tokens for choice in shared.choose(again, ["Yes"]))
    assert first == beginning(shared, again[0]) + 2  # two segment tokens more
    assert second == 0


def test_what_is_kept_stays_within_its_budget(
    plain: TorchEngine, clips: list[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [request("planner", clip) for clip in clips]
    texts = [reply.text for reply in plain.generate(requests)]
    kept = plain._text._prefixes
    needed = kept.bytes
    monkeypatch.setattr(kept, "max_bytes", needed // 2)
    plain.forget()
    assert kept.bytes == 0
    for _ in range(2):
        assert [reply.text for reply in plain.generate(requests)] == texts  # also those that were not kept
        assert 0 < kept.bytes <= needed // 2
    plain.forget()


def test_small_batches_give_the_same(plain: TorchEngine, clips: list[Clip], monkeypatch: pytest.MonkeyPatch) -> None:
    together = [reply.text for reply in plain.generate(mixed(clips))]
    plain.forget()
    monkeypatch.setattr(plain._text, "_most", 1)
    assert [reply.text for reply in plain.generate(mixed(clips))] == together


def test_two_runs_give_the_same_bits(plain: TorchEngine, clips: list[Clip]) -> None:
    runs = []
    for _ in range(2):
        plain.forget()
        runs.append(forward(plain, mixed(clips)))
    for first, second in zip(*runs, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_cancelled_call_keeps_nothing_half_made(plain: TorchEngine, clips: list[Clip]) -> None:
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        plain.generate([request("planner", clips[0])], cancel)
    assert cached(plain, request("planner", clips[0])) == [0]


def test_a_device_out_of_memory_says_what_to_do_and_goes_on(
    plain: TorchEngine, clips: list[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*args: object, **more: object) -> Tensor:
        raise torch.OutOfMemoryError("no memory")

    with monkeypatch.context() as patched:
        patched.setattr(plain._text._decoder, "forward", no_memory)
        with pytest.raises(EngineError, match="ran out of memory: use a smaller model"):
            plain.generate([request("planner", clips[0])])
    assert cached(plain, request("planner", clips[0])) == [0]


def test_batches_keep_together_what_begins_alike_and_stay_within_both_budgets() -> None:
    lengths = [100, 10, 110, 12, 105, 300]
    alike = [([0, 2, 4], 90, True), ([1], 0, False), ([3], 0, False), ([5], 0, False)]
    assert split_by_tokens(lengths, alike, most_new=145, most=1000) == [[0, 2, 4, 1], [3], [5]]
    known = [([0, 2, 4], 90, False), *alike[1:]]
    assert split_by_tokens(lengths, known, most_new=47, most=1000) == [[0, 2, 4], [1, 3], [5]]
    assert split_by_tokens(lengths, known, most_new=1000, most=121) == [[0, 2], [4, 1], [3], [5]]  # 90 once a batch
    assert split_by_tokens(lengths, alike, most_new=1, most=1) == [[0], [2], [4], [1], [3], [5]]
