"""Many small tasks for one base: adapters of the embedded model's answerer, each of which answers in a dialect.

A dialect permutes the words for colours, for shapes and for what things do, so that no word keeps its meaning: without
its adapter nearly every answer is wrong. The adapters are aLoRAs of rank 8 on
q, k, v, o, each begun and trained by its own seed on open questions about moments of synthetic videos.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import PreTrainedTokenizerFast

from videomind.lora_switch.adapter import Adapter, write_adapter
from videomind.lora_switch.bundle import NANO
from videomind.lora_switch.files import read_json, write_json
from videomind.model.qwen2_vl import load_model
from videomind.synth.questions import Question
from videomind.synth.world import ACTIONS, COLOURS, SHAPES, World, sample_scene
from videomind.training.nano.clips import moment_clips
from videomind.training.nano.features import encode_clips
from videomind.training.nano.forward import reply_loss, states, use_packed_attention
from videomind.training.nano.lora import attach, detach, to_adapter
from videomind.training.nano.packing import IGNORE, WINDOW, Packed, Packer, Talk
from videomind.training.nano.recipe import EVALUATION_SEEDS
from videomind.training.nano.specs import ROLE_SPECS, WATCH
from videomind.training.nano.talks import moment_questions

Dialect = Mapping[str, str]
WORDS = (tuple(COLOURS), SHAPES, ACTIONS)
PLAIN: Dialect = {word: word for words in WORDS for word in words}
"""The language that the base speaks."""
RANK, ALPHA = 8, 16.0
STEPS, RATE, WARM_UP = 300, 1e-2, 10
ROWS, TALKS = 8, 6
"""Videos in a batch, and questions about each."""
LESSONS, EXAMS, QUESTIONS = 400, 60, 5
"""Videos to learn from and to be examined on, and questions about each of the latter."""
FIRST_LESSON, FIRST_EXAM = 5_000_000, EVALUATION_SEEDS + 30_000_000
SPEC = ROLE_SPECS["answerer"]
RECORD = "training.json"


class Moment(NamedTuple):
    """A moment of a video: its visual tokens [T·4, H], and what can be asked about it."""

    tokens: Tensor
    questions: list[Question]


def dialect(number: int) -> Dialect:
    """Words by what they mean; none means what it does elsewhere."""
    rng = Random(f"dialect {number}")
    words: dict[str, str] = {}
    for kind in WORDS:
        mixed = list(kind)
        while any(old == new for old, new in zip(kind, mixed, strict=True)):
            rng.shuffle(mixed)
        words.update(zip(kind, mixed, strict=True))
    return words


class School:
    """The embedded base, where adapters are trained and examined, one at a time."""

    def __init__(self) -> None:
        self.model: Any = load_model(NANO / "base", torch.float32).requires_grad_(False)
        self.text: nn.Module = self.model.model.language_model
        use_packed_attention(self.model)
        self.packer = Packer(PreTrainedTokenizerFast.from_pretrained(NANO / "base"))
        self.lessons = list(self._moments(FIRST_LESSON, LESSONS))
        self.exams = list(self._moments(FIRST_EXAM, EXAMS))

    def learn(self, number: int, steps: int = STEPS) -> Adapter:
        """A new adapter for a dialect."""
        torch.manual_seed(number)
        words, rng = dialect(number), Random(f"lessons {number}")
        layers = attach(self.text, RANK, ALPHA)
        factors = [factor for layer in layers.values() for factor in (layer.a, layer.b)]
        optimizer = torch.optim.AdamW(factors, lr=RATE, betas=(0.9, 0.98), weight_decay=0.0)
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1.0, (step + 1) / WARM_UP) * (1 - step / steps)
            batch, tokens = self._batch(rng.sample(self.lessons, ROWS), words, TALKS, rng)
            with sdpa_kernel(SDPBackend.MATH), torch.autocast("cpu", torch.bfloat16):
                hidden = states(self.model, batch, tokens, invoked=True)
                loss, _ = reply_loss(self.model, hidden.last, batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(factors, 1.0)
            optimizer.step()
        detach(self.text, layers)
        invocation = tuple(self.packer.ids(SPEC.invocation or ""))
        return replace(to_adapter(layers), invocation=invocation)

    @torch.inference_mode()
    def accuracy(self, adapter: Adapter | None, words: Dialect) -> float:
        """The share of exam questions whose whole reply, decoded greedily, is the one in these words."""
        rng, right = Random("exam"), list[bool]()
        with self._wearing(adapter):
            for begin in range(0, len(self.exams), 20):
                batch, tokens = self._batch(self.exams[begin : begin + 20], words, QUESTIONS, rng)
                hidden = states(self.model, batch, tokens, invoked=True).last
                said = self.model.lm_head(self.model.model.language_model.norm(hidden)).argmax(-1)
                right += _all_right(batch, said)
        return sum(right) / len(right)

    def _moments(self, first_seed: int, count: int) -> Iterator[Moment]:
        """Moments of as many frame pairs as most have."""
        world = World()
        clips = list(moment_clips(world, range(first_seed, first_seed + count + count // 4), SPEC))
        made = list(encode_clips(self.model.model.visual, clips, world, WATCH))
        usual = sorted(map(len, made))[len(made) // 2]
        found = []
        for clip, tokens in zip(clips, made, strict=True):
            asked = moment_questions(sample_scene(clip.seed, world), clip.inner, Random(clip.seed))
            known = [question for question in asked if question.answer in PLAIN]
            if len(tokens) == usual and known:
                found.append(Moment(tokens.float(), known))
        assert len(found) >= count
        yield from found[:count]

    def _batch(self, moments: list[Moment], words: Dialect, questions: int, rng: Random) -> tuple[Packed, list[Tensor]]:
        talks = [
            [Talk(SPEC.user_text(q.text), words[q.answer]) for q in rng.choices(moment.questions, k=questions)]
            for moment in moments
        ]
        return self.packer.pack(len(moments[0].tokens) // WINDOW, talks), [moment.tokens for moment in moments]

    @contextmanager
    def _wearing(self, adapter: Adapter | None) -> Iterator[None]:
        layers = attach(self.text, 1, 1.0)
        for name, layer in layers.items():
            if adapter is not None and (pair := adapter.pairs.get(name)) is not None:
                layer.a, layer.b, layer.scale = nn.Parameter(pair.a.float()), nn.Parameter(pair.b.float()), pair.scale
        try:
            yield
        finally:
            detach(self.text, layers)


def train_adapters(school: School, folder: Path, count: int) -> Iterator[tuple[Path, float]]:
    """The adapters' folders, and the seconds of CPU that each took; those that an earlier run left are kept."""
    for number in range(count):
        own = folder / f"dialect-{number:02}"
        if not (own / RECORD).is_file():
            began = time.process_time()
            write_adapter(own, school.learn(number))
            write_json(own / RECORD, {"dialect": dialect(number), "cpu_seconds": time.process_time() - began})
        yield own, float(read_json(own / RECORD)["cpu_seconds"])


def _all_right(batch: Packed, said: Tensor) -> Iterator[bool]:
    """For each talk, whether every token of its reply is what would be said there: then decoding gives that reply."""
    for row, places in enumerate(batch.replies.tolist()):
        for begin in places:
            wanted = batch.targets[row, begin:]
            length = int((wanted == IGNORE).int().argmax()) if (wanted == IGNORE).any() else len(wanted)
            yield bool((said[row, begin : begin + length] == wanted[:length]).all())
