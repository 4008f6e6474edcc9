"""The reference engine: batches, mixed roles, streaming, grounding, cancelling. Tolerances: float32 on CPU."""

import asyncio
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import Qwen2VLForConditionalGeneration

from tests import tiny
from videomind.cancellable import Cancel
from videomind.engines.base import Reply, RoleRequest
from videomind.engines.device import pick_device, pick_dtype
from videomind.engines.torch_engine import TorchEngine
from videomind.errors import Cancelled, EngineError, InputError
from videomind.lora_switch.bundle import load_bundle
from videomind.vision.clip import Clip, load_clip
from videomind.vision.patches import patchify
from videomind.vision.reader import open_video


def clip_of(frames: np.ndarray) -> Clip:
    with open_video(frames, fps=1.0) as reader:
        return load_clip(reader, tiny.VIEW)


@pytest.fixture(scope="module")
def clips(frames: np.ndarray) -> list[Clip]:
    return [clip_of(frames[:8]), clip_of(frames[:16]), clip_of(frames)]


def request(role: str, clip: Clip, text: str = "what?", **how: object) -> RoleRequest:
    return RoleRequest(role, clip, text, max_new_tokens=6, **how)


def test_base_model_replies_as_transformers_generates(
    tiny_bundle: Path, tiny_engine: TorchEngine, frames: np.ndarray
) -> None:
    clip = clip_of(frames[:4])
    (reply,) = tiny_engine.generate([request("answerer", clip)])

    encoder = tiny_engine._encoder
    prompt = encoder.encode("what?", clip.grid)
    model = Qwen2VLForConditionalGeneration.from_pretrained(tiny_bundle / "base").eval()
    patches, grid = patchify(clip.frames, encoder.mean, encoder.std)
    ids = torch.tensor([prompt.ids])
    out = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        mm_token_type_ids=(ids == encoder.video_pad).int() * 2,
        pixel_values_videos=patches,
        video_grid_thw=torch.tensor([grid]),
        do_sample=False,
        max_new_tokens=6,
    )[0, ids.shape[1] :].tolist()
    assert reply.text == encoder.decode([token for token in out if token not in encoder.stop_ids])


def test_a_batch_of_all_roles_gives_what_each_gives_alone(tiny_engine: TorchEngine, clips: list[Clip]) -> None:
    requests = [
        request("planner", clips[0], "short"),
        request("answerer", clips[2], "a somewhat longer question"),
        request("verifier", clips[1], segment=(1, 3)),
        request("grounder", clips[1]),
    ]
    together = [reply.text for reply in tiny_engine.generate(requests)]
    assert together == [tiny_engine.generate([one])[0].text for one in requests]
    assert len(set(together)) > 1


def test_choices_of_a_batch_equal_those_alone(tiny_engine: TorchEngine, clips: list[Clip]) -> None:
    requests = [request("verifier", clip, segment=(i, i + 2)) for i, clip in enumerate(clips)]
    together = [choice.probabilities for choice in tiny_engine.choose(requests, ["Yes", "No"])]
    alone = [tiny_engine.choose([one], ["Yes", "No"])[0].probabilities for one in requests]
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert all(0 < p < 1 for pair in together for p in pair)


def test_segment_tokens_change_what_the_verifier_sees(tiny_engine: TorchEngine, clips: list[Clip]) -> None:
    requests = [request("verifier", clips[1], segment=segment) for segment in ((0, 2), (1, 3))]
    first, second = tiny_engine.choose(requests, ["Yes", "No"])
    assert first.probabilities != second.probabilities


def test_streaming_gives_the_same_reply_in_pieces(tiny_engine: TorchEngine, clips: list[Clip]) -> None:
    one = request("answerer", clips[0])
    *pieces, whole = tiny_engine.stream(one)
    assert isinstance(whole, Reply)
    assert "".join(map(str, pieces)) == whole.text == tiny_engine.generate([one])[0].text


def test_a_grounder_that_does_not_localise_gives_no_spans(tiny_engine: TorchEngine, clips: list[Clip]) -> None:
    draft, generated = (
        tiny_engine.ground([request("grounder", clips[1], reply_prefix=prefix)])[0] for prefix in ("In <|reg|>.", "")
    )
    assert (draft.reply, draft.spans) == (generated.reply, generated.spans)
    assert draft.spans is None


def test_a_view_is_encoded_once(tiny_bundle: Path, clips: list[Clip]) -> None:
    engine = TorchEngine(load_bundle(tiny_bundle), device="cpu")
    replies = [engine.generate([request(role, clips[0])])[0] for role in ("planner", "grounder", "answerer")]
    assert [reply.usage.encoded for reply in replies] == [True, False, False]
    assert all(reply.usage.prompt_tokens > 16 and reply.usage.cached_tokens == 0 for reply in replies)
    engine.close()


@pytest.mark.parametrize("compat", [False, True])
def test_a_grounder_among_others_finds_what_it_finds_alone(
    finder_bundle: Path, clips: list[Clip], compat: bool
) -> None:
    engine = TorchEngine(load_bundle(finder_bundle), device="cpu", compat=compat)
    requests = [
        request("grounder", clip, text, reply_prefix="<|reg|>")
        for clip in clips
        for text in ("what?", "something else")
    ]
    together = [engine.ground(requests) for _ in range(2)]
    assert [found.usage.cached_tokens > 0 for found in together[1]] == [True] * 6
    for number, one in enumerate(requests):
        engine.forget()
        (alone,) = engine.ground([one])
        assert alone.spans is not None
        for batch in together:
            assert batch[number].reply == alone.reply == "<|reg|>"
            np.testing.assert_allclose(batch[number].spans, alone.spans, atol=1e-5)
    engine.close()


def test_a_cancelled_request_stops(tiny_engine: TorchEngine, clips: list[Clip]) -> None:
    cancel = Cancel()
    pieces = tiny_engine.stream(request("answerer", clips[0]), cancel)
    next(pieces)
    cancel.set()
    with pytest.raises(Cancelled):
        list(pieces)
    with pytest.raises(Cancelled):
        tiny_engine.choose([request("verifier", clips[0])], ["Yes"], cancel)


def test_the_async_face_gives_the_same(tiny_engine: TorchEngine, clips: list[Clip]) -> None:
    one = request("answerer", clips[0])

    async def ask() -> tuple[list[Reply], list[str | Reply]]:
        replies = await tiny_engine.agenerate([one])
        return replies, [piece async for piece in tiny_engine.astream(one)]

    replies, streamed = asyncio.run(ask())
    assert replies[0].text == tiny_engine.generate([one])[0].text
    assert streamed[-1] == replies[0]


def test_a_prompt_beyond_the_context_is_refused(tiny_engine: TorchEngine, clips: list[Clip]) -> None:
    with pytest.raises(InputError, match="too long"):
        tiny_engine.generate([request("answerer", clips[0], "x" * 5000)])


def test_an_activated_adapter_acts_from_its_last_invocation_on(tiny_bundle: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_bundle, tmp_path / "model"))
    role_file = folder / "planner" / "role.json"
    role = json.loads(role_file.read_text())
    role_file.write_text(json.dumps(role | {"activation": "alora", "invocation": "assistant\n"}))
    engine = TorchEngine(load_bundle(folder), device="cpu")
    prompt = engine._encoder.encode("say assistant\n", (2, 4, 4))
    start = engine._acts_from("planner", prompt)
    assert engine._encoder.decode(prompt.ids[start:]) == "assistant\n"
    assert engine._acts_from("grounder", prompt) == 0

    role_file.write_text(json.dumps(role | {"activation": "alora", "invocation": "abracadabra"}))
    other = TorchEngine(load_bundle(folder), device="cpu")
    with pytest.raises(EngineError, match="invocation"):
        other._acts_from("planner", prompt)


def test_memory_is_base_plus_what_each_role_adds(tiny_engine: TorchEngine) -> None:
    memory = tiny_engine.memory()
    sizes = sum(p.numel() * 4 for p in tiny.random_adapter(tiny.RANKS["planner"]).pairs.values() for p in (p.a, p.b))
    assert memory.roles["planner"] == {"adapter": sizes, "embeddings": 0}
    assert memory.roles["verifier"]["embeddings"] > 0
    assert memory.roles["grounder"]["decoder"] > 0
    weights = Qwen2VLForConditionalGeneration.from_pretrained(Path(tiny_engine._encoder.folder))
    assert memory.base == sum(p.numel() * 4 for p in weights.parameters())


def test_devices_and_types_are_checked() -> None:
    assert pick_dtype("auto", torch.device("cpu")) is torch.float32
    with pytest.raises(EngineError, match="available: cpu"):
        pick_device("tpu")
    with pytest.raises(EngineError, match="bfloat16"):
        pick_dtype("int3", torch.device("cpu"))


def test_the_same_candidate_twice_is_scored_once(tiny_engine: TorchEngine, clips: list[Clip]) -> None:
    tiny_engine.forget()
    same, other = (request("verifier", clips[1], segment=segment) for segment in ((1, 3), (2, 4)))
    first, second, third = tiny_engine.choose([same, other, same], ["Yes", "No"])
    assert first.probabilities == third.probabilities != second.probabilities
    assert first.usage.cached_tokens == 0
    assert third.usage.cached_tokens == third.usage.prompt_tokens
