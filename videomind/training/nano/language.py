"""Stage 2: the text model, from nothing, on everything the roles will do, with labels where language reaches late.

The visual tower is frozen and its outputs are read from a store. Besides the replies, linear probes on the states at
visual tokens are trained to say what is in each cell, what its event is doing and the how-manieth event it is: through
the language loss alone, motion is not learned in this time. Likewise the state that predicts `<|reg|>` must know the
event it asks for; and one layer before the last, the state from which an answer is read must know it, the one at the
end of an option its text and its letter, and the one at the end of a crop the event that the marks enclose. In the last
layer some heads are taught to look from the letter to the right option. The timestamp decoder is trained along.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from videomind.model.decoder import TimestampDecoder
from videomind.roles.spans import temporal_iou
from videomind.roles.verifier import NO, YES, crop_for, segment_positions
from videomind.synth.labels import IGNORE, cell_labels, event_labels
from videomind.synth.questions import OPTIONS, Question, questions
from videomind.synth.world import ACTIONS, COLOURS, SHAPES, World, sample_scene
from videomind.training.losses import decoder_loss, pad_spans
from videomind.training.nano.features import Clip, ClipStore
from videomind.training.nano.forward import (
    States,
    choice_scores,
    frame_states,
    reply_loss,
    states,
    use_packed_attention,
    verdict_loss,
)
from videomind.training.nano.packing import WINDOW, Marks, Packed, Packer, Talk
from videomind.training.nano.specs import REG, ROLE_SPECS, SEG_END, SEG_START, WATCH
from videomind.training.nano.talks import (
    ANSWERS,
    Grounding,
    answer_talk,
    ground_talk,
    grounding_queries,
    moment_questions,
    plan_talk,
    queries_of_prediction,
    verifiable_queries,
    verify_talk,
)
from videomind.training.nano.visual import label_loss

DECODER_DIMS = 128
RARE = -3.0
"""Logit with which the decoder's classifier starts: few points stand for a span."""
MAX_EVENTS = 6
PROBES = {
    "colour": 1 + len(COLOURS),
    "flash": 1 + len(COLOURS),
    "shape": 1 + len(SHAPES),
    "action": 1 + len(ACTIONS),
    "event": 1 + MAX_EVENTS,
}
THING_PROBES = {name: PROBES[name] for name in ("colour", "shape", "action")}
QUERY_PROBES = {**THING_PROBES, "event": PROBES["event"]}
PROBE_WEIGHT, ANSWER_WEIGHT, GROUND_WEIGHT, CONTRAST_WEIGHT = 0.25, 0.5, 0.25, 0.25
ROWS = {"whole": 16, "moment": 24, "candidate": 24, "predicted": 24}
ENCLOSED = 0.5
"""A candidate encloses an event from this temporal IoU on."""


class Trainee(nn.Module):
    """The backbone, the timestamp decoder and the probes."""

    model: Any

    def __init__(self, model: Any, width: int) -> None:
        super().__init__()
        self.model = model
        self.decoder = TimestampDecoder(width, DECODER_DIMS)
        nn.init.constant_(self.decoder.class_head.module.get_parameter("3.bias"), RARE)
        self.probes = _probes(width, PROBES)
        self.query_probes = _probes(width, QUERY_PROBES)
        self.candidate_probes = _probes(width, THING_PROBES)
        self.answer_probe = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, len(ANSWERS)))
        self.letter_probe = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, OPTIONS))


def _probes(width: int, classes: Mapping[str, int]) -> nn.ModuleDict:
    return nn.ModuleDict({n: nn.Sequential(nn.LayerNorm(width), nn.Linear(width, c)) for n, c in classes.items()})


class Lessons:
    """Draws batches and measures the trainee on them.

    Args:
        trainee: what learns.
        packer: with the model's tokenizer.
        stores: visual tokens of "whole", "moment" and "candidate" clips.
        world: the world the clips are from.

    Attributes:
        invoked: adapters act from the slots on (aLoRA); set by who trains them.
    """

    def __init__(self, trainee: Trainee, packer: Packer, stores: Mapping[str, ClipStore], world: World) -> None:
        self.trainee, self.packer, self.stores, self.world = trainee, packer, stores, world
        ids = packer.tokenizer.convert_tokens_to_ids
        self.marks = ids(SEG_START), ids(SEG_END)
        self.yes, self.no = ids(YES), ids(NO)
        self.invoked = False
        use_packed_attention(trainee.model)
        self.device = next(trainee.parameters()).device

    def whole(self, rng: Random, *, answers: int = 4, plans: int = 1, grounds: int = 2) -> dict[str, Tensor]:
        """Questions about whole videos, plans for them, and moments to find in them."""
        clips, tokens = self._draw("whole", rng)
        scenes = [sample_scene(clip.seed, self.world) for clip in clips]
        talks: list[list[Talk]] = []
        groundings: list[list[Grounding]] = []
        for scene in scenes:
            asked = questions(scene, rng)
            groundings.append([ground_talk(q) for q in rng.sample(grounding_queries(scene, rng), grounds)])
            talks.append(
                [g.talk for g in groundings[-1]]
                + [answer_talk(q, rng) for q in _mostly_global(asked, rng, answers)]
                + [plan_talk(q) for q in rng.sample(asked, plans)]
            )
        batch = self._pack(tokens, talks)
        hidden = states(self.trainee.model, batch, tokens, invoked=self.invoked)
        numbers = self._reply(hidden, batch)
        numbers |= self._probe(hidden.last, batch, clips)
        if grounds:
            numbers |= self._ground(hidden.last, batch, clips, groundings)
        return numbers

    def moment(self, rng: Random, answers: int = 4) -> dict[str, Tensor]:
        """Questions about one moment, seen in its crop."""
        clips, tokens = self._draw("moment", rng)
        talks = []
        for clip in clips:
            asked = moment_questions(sample_scene(clip.seed, self.world), clip.inner, rng)
            talks.append([answer_talk(q, rng) for q in rng.choices(asked, k=answers)])
        batch = self._pack(tokens, talks)
        hidden = states(self.trainee.model, batch, tokens, invoked=self.invoked)
        return self._reply(hidden, batch) | self._probe(hidden.last, batch, clips)

    def candidate(self, rng: Random) -> dict[str, Tensor]:
        """Whether the marked part of a crop is the moment of a question."""
        clips, tokens = self._draw("candidate", rng)
        talks = []
        for clip in clips:
            scene = sample_scene(clip.seed, self.world)
            talks.append([verify_talk(q, clip.inner) for q in verifiable_queries(scene, clip.inner, rng)])
        return self._judge(clips, tokens, talks)

    def predicted(self, rng: Random) -> dict[str, Tensor]:
        """Whether what the grounder found is the moment of the query it was found for, and of others."""
        clips, tokens = self._draw("predicted", rng)
        talks = []
        for clip in clips:
            scene = sample_scene(clip.seed, self.world)
            asked = queries_of_prediction(scene)
            others = verifiable_queries(scene, clip.inner, rng)[1:]
            talks.append([verify_talk(q, clip.inner) for q in (asked[clip.query], *others)])
        return self._judge(clips, tokens, talks)

    def _judge(self, clips: list[Clip], tokens: list[Tensor], talks: list[list[Talk]]) -> dict[str, Tensor]:
        marks = []
        for clip, part in zip(clips, tokens, strict=True):
            duration = sample_scene(clip.seed, self.world).duration
            crop = crop_for(*clip.inner, duration, ROLE_SPECS["verifier"].min_span)
            start, end = segment_positions(crop.start, crop.end, len(part) // WINDOW)
            marks.append(((start, self.marks[0]), (end, self.marks[1])))
        batch = self._pack(tokens, talks, marks)
        hidden = states(self.trainee.model, batch, tokens, invoked=self.invoked)
        loss = verdict_loss(self.trainee.model, hidden.last, batch, self.yes, self.no)
        known = self._probe_candidates(hidden.middle[:, batch.slots[0] - 1].float(), clips)
        return {"loss": loss, "verdict": loss} | known

    def _draw(self, kind: str, rng: Random) -> tuple[list[Clip], list[Tensor]]:
        store = self.stores[kind]
        index = store.sample(rng, ROWS[kind])
        return [store.clips[i] for i in index], [store.tokens[i].to(self.device).float() for i in index]

    def _probe_candidates(self, end_BH: Tensor, clips: list[Clip]) -> dict[str, Tensor]:
        """What the state at the end of the video says about the event that the marks enclose."""
        labels = []
        for clip in clips:
            events = sample_scene(clip.seed, self.world).events
            best = max(events, key=lambda event: temporal_iou(event.span, clip.inner))
            enclosed = temporal_iou(best.span, clip.inner) >= ENCLOSED
            labels.append(event_labels(best) if enclosed else (0, 0, 0))
        target = torch.tensor(labels, device=self.device)
        logits = [probe(end_BH) for probe in self.trainee.candidate_probes.values()]
        right = [(x.argmax(-1) == t).float().mean() for x, t in zip(logits, target.T, strict=True)]
        losses = [F.cross_entropy(x, t) for x, t in zip(logits, target.T, strict=True)]
        return {"enclosed_probe": torch.stack(losses).sum(), "enclosed_known": torch.stack(right).mean()}

    def _pack(self, tokens: list[Tensor], talks: list[list[Talk]], marks: list[Marks] | None = None) -> Packed:
        return self.packer.pack(len(tokens[0]) // WINDOW, talks, marks).to(self.device)

    def _reply(self, hidden: States, batch: Packed) -> dict[str, Tensor]:
        loss, right = reply_loss(self.trainee.model, hidden.last, batch)
        numbers = {"loss": loss, "reply": loss, "token": right}
        if len(batch.answers):
            row, place, answer = batch.answers.T
            logits = self.trainee.answer_probe(hidden.middle[row, place].float())
            numbers["answer_probe"] = F.cross_entropy(logits, answer)
            numbers["answer_known"] = (logits.argmax(-1) == answer).float().mean()
        if len(batch.choices):
            scores = choice_scores(self.trainee.model, hidden.middle, batch).float()
            wanted = batch.choices[:, 2].repeat_interleave(scores.shape[1])
            numbers["choice"] = F.cross_entropy(scores.flatten(0, 1), wanted)
            numbers["choice_known"] = (scores.mean(1).argmax(-1) == batch.choices[:, 2]).float().mean()
        if len(batch.options):
            row, place, option, number = batch.options.T
            middle = hidden.middle[row, place].float()
            of_text = F.cross_entropy(self.trainee.answer_probe(middle), option)
            numbers["option_probe"] = of_text + F.cross_entropy(self.trainee.letter_probe(middle), number)
        return numbers

    def _probe(self, hidden: Tensor, batch: Packed, clips: list[Clip]) -> dict[str, Tensor]:
        cells = hidden[batch.video].float()
        labels = [cell_labels(s, c.times(s, WATCH)) for c in clips for s in [sample_scene(c.seed, self.world)]]
        numbers: dict[str, Tensor] = {}
        losses = []
        for name in PROBES if clips[0].span == clips[0].inner else ("colour", "flash", "shape", "action"):
            target = torch.cat([torch.from_numpy(getattr(label, name)).flatten() for label in labels]).to(self.device)
            logits = self.trainee.probes[name](cells)
            losses.append(label_loss(logits, target))
            there = (target > 0) & (target != IGNORE)
            numbers[name] = (logits.argmax(-1)[there] == target[there]).float().mean()
        return numbers | {"probe": torch.stack(losses).sum()}

    def _ground(
        self, hidden: Tensor, batch: Packed, clips: list[Clip], groundings: list[list[Grounding]]
    ) -> dict[str, Tensor]:
        """Decoder losses of each row's first talks, which are its groundings."""
        frames_BTH = frame_states(hidden, batch)
        per_row = len(groundings[0])
        places = batch.replies[:, :per_row] + self.reg_offset
        query_BH = hidden[torch.arange(len(hidden))[:, None], places].flatten(0, 1)
        spans = pad_spans(
            [
                [(start / clip.span[1] * batch.pairs, end / clip.span[1] * batch.pairs) for start, end in g.spans]
                for clip, row in zip(clips, groundings, strict=True)
                for g in row
            ]
        ).to(self.device)
        out = self.trainee.decoder(frames_BTH.repeat_interleave(per_row, 0).float(), query_BH.float(), every_layer=True)
        numbers = decoder_loss(out, spans, torch.rand(len(spans), device=self.device))
        named = {f"ground_{name}" if name == "loss" else name: value for name, value in numbers.items()}
        return named | self._probe_queries(query_BH.float(), clips, groundings)

    def _probe_queries(
        self, query_BH: Tensor, clips: list[Clip], groundings: list[list[Grounding]]
    ) -> dict[str, Tensor]:
        """What the state that predicts `<|reg|>` says about the event it asks for, if it asks for one."""
        labels = []
        for clip, row in zip(clips, groundings, strict=True):
            numbered = enumerate(sample_scene(clip.seed, self.world).events, start=1)
            events = {event.span: (*event_labels(event), number) for number, event in numbered}
            labels += [events[g.spans[0]] if len(g.spans) == 1 else (IGNORE,) * len(QUERY_PROBES) for g in row]
        target = torch.tensor(labels, device=self.device)
        logits = [self.trainee.query_probes[name](query_BH) for name in QUERY_PROBES]
        known = target[:, 0] != IGNORE
        right = [(x.argmax(-1) == t)[known].float().mean() for x, t in zip(logits, target.T, strict=True)]
        losses = [F.cross_entropy(x, t, ignore_index=IGNORE) for x, t in zip(logits, target.T, strict=True)]
        return {"query_probe": torch.stack(losses).sum(), "query_known": torch.stack(right).mean()}

    @property
    def reg_offset(self) -> int:
        """From the last prompt token to the one that predicts `<|reg|>`: its place in the fixed reply."""
        reg = self.packer.tokenizer.convert_tokens_to_ids(REG)
        return self.packer.ids(ROLE_SPECS["grounder"].reply_prefix).index(reg)


def base_lesson(lessons: Lessons, seed: int) -> dict[str, Tensor]:
    """One step of the base stage: mostly whole videos, then moments and candidates."""
    rng = Random(seed)
    kind = ("whole", "moment", "whole", "candidate")[seed % 4]
    if kind == "whole":
        numbers = lessons.whole(rng, answers=4, plans=seed // 4 % 2, grounds=3)
    else:
        numbers = lessons.moment(rng) if kind == "moment" else lessons.candidate(rng)
    zero = torch.zeros(())
    extra = (
        PROBE_WEIGHT * sum(numbers.get(name, zero) for name in ("probe", "query_probe", "enclosed_probe"))
        + ANSWER_WEIGHT * sum(numbers.get(name, zero) for name in ("answer_probe", "option_probe", "choice"))
        + GROUND_WEIGHT * numbers.get("ground_loss", zero)
        + CONTRAST_WEIGHT * numbers.get("contrast", zero)
    )
    return {f"{kind}_{name}": value for name, value in numbers.items() if name != "loss"} | {
        "loss": numbers["loss"] + extra
    }


def _mostly_global(asked: list[Question], rng: Random, count: int) -> list[Question]:
    """Questions that need the whole video, and one about a moment that can also be answered from the whole."""
    if count == 0:
        return []
    wide = [q for q in asked if q.query is None]
    narrow = [q for q in asked if q.query is not None and q.kind != "when"]
    return [*rng.sample(wide, count - 1), rng.choice(narrow or wide)]
