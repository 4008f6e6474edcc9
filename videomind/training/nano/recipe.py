"""The recipe of the embedded model: what each stage does with its share of the budget, and where it keeps its work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import PreTrainedTokenizerFast

from videomind.lora_switch.adapter import Adapter
from videomind.roles.spec import ROLES
from videomind.synth.world import World
from videomind.training.nano.adapters import ALL, Method, RoleTrainee, role_lesson
from videomind.training.nano.backbone import Size, build_backbone
from videomind.training.nano.clips import candidate_clips, moment_clips, whole_clips
from videomind.training.nano.features import ClipStore, encode_clips, write_shard
from videomind.training.nano.language import Lessons, Trainee, base_lesson
from videomind.training.nano.loop import History, load_weights, read_history, train
from videomind.training.nano.lora import to_adapter
from videomind.training.nano.packing import Packer
from videomind.training.nano.parallel import rank, run_apart, run_together
from videomind.training.nano.predict import predicted_clips
from videomind.training.nano.specs import ROLE_SPECS, WATCH
from videomind.training.nano.talks import role_texts
from videomind.training.nano.tokenizer import train_tokenizer
from videomind.training.nano.visual import VisualTrainee, measure_visual

Measure = Callable[[int], Mapping[str, Tensor]]
KINDS = {"whole": 5, "moment": 2, "candidate": 3}
"""Kinds of clips, and how many shards of each out of ten."""
PREDICTED_VIDEOS = 0.08
"""For this part of the whole videos the trained grounder's candidates are collected: ten clips a video."""


class Pace(NamedTuple):
    """A stage's part of the budget, and its highest learning rate."""

    share: float
    rate: float


PACES = {
    "visual": Pace(0.15, 1.2e-3),
    "base": Pace(0.70, 1.5e-3),
    "answerer": Pace(0.07, 1e-3),
    "grounder": Pace(0.06, 1e-3),
    "verifier": Pace(0.08, 1e-3),
    "planner": Pace(0.015, 1e-3),
    ALL: Pace(0.225, 1e-3),
}
"""Where there are two workers, two roles are trained at a time."""
FIRST_ROLES, LAST_ROLES = ("answerer", "grounder"), ("verifier", "planner")
"""The verifier learns from what the trained grounder finds."""
EVALUATION_SEEDS = 900_000_000
"""Scenes from this seed on are never trained on."""
CALIBRATION_SEEDS = 950_000_000
"""Scenes from this seed on are for fitting the rule of what is not there, and never evaluated on."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One training run.

    Attributes:
        seed: of everything that is drawn.
        minutes: budget of all stages that learn; rendering and encoding clips comes on top.
        clips: how many clips are encoded.
        folder: where checkpoints and encoded clips are kept.
        device: "cpu" or "cuda".
        workers: processes that work together.
        world: what the videos show.
        size: of the backbone.
        shard: clips per file.
        max_steps: at most this many steps per stage.
    """

    seed: int
    minutes: float
    clips: int
    folder: Path
    device: str = "cpu"
    workers: int = 1
    world: World = field(default_factory=World)
    size: Size = field(default_factory=Size)
    shard: int = 2000
    max_steps: int | None = None

    def seconds(self, share: float) -> float:
        return self.minutes * 60 * share

    def random_start(self, kind: str) -> int:
        """First scene seed of a kind of data; all lie below `EVALUATION_SEEDS`."""
        return Random(f"{self.seed} {kind}").randrange(1_000_000, EVALUATION_SEEDS - 50_000_000)


def run_recipe(recipe: Recipe) -> dict[str, History]:
    """All stages, each continued from where an earlier run left it; how they went, by stage."""
    recipe.folder.mkdir(parents=True, exist_ok=True)
    if not (recipe.folder / "tokenizer").exists():
        train_tokenizer(recipe.world, recipe.seed, role_texts()).save_pretrained(recipe.folder / "tokenizer")
    run_together(partial(_visual_stage, recipe), recipe.workers)
    run_apart([partial(_write_clips, recipe, *shard) for shard in _missing_shards(recipe)], recipe.workers)
    run_together(partial(_base_stage, recipe), recipe.workers)
    run_apart([partial(role_stage, recipe, role) for role in FIRST_ROLES], recipe.workers)
    run_apart([partial(_write_predictions, recipe, n) for n in _missing_predictions(recipe)], recipe.workers)
    run_apart([partial(role_stage, recipe, role) for role in LAST_ROLES], recipe.workers)
    stages = ("visual", "base", *FIRST_ROLES, *LAST_ROLES)
    return {stage: read_history(recipe.folder / f"{stage}.pt") for stage in stages}


def assemble(recipe: Recipe) -> tuple[Any, dict[str, Adapter], dict[str, Tensor]]:
    """The trained model without adapters, the adapters, and the decoder's weights."""
    trainee = trained_base(recipe)
    adapters, decoder = {}, trainee.decoder.state_dict()
    for role in ROLES:
        apprentice = RoleTrainee(trainee, role)
        load_weights(recipe.folder / f"{role}.pt", apprentice)
        adapters[role] = to_adapter(apprentice.release())
        if role == "grounder":
            decoder = {name: tensor.clone() for name, tensor in trainee.decoder.state_dict().items()}
    return trainee.model, adapters, decoder


def load_tokenizer(recipe: Recipe) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast.from_pretrained(recipe.folder / "tokenizer")


def _visual_stage(recipe: Recipe) -> None:
    torch.manual_seed(recipe.seed)
    model = build_backbone(load_tokenizer(recipe).get_vocab(), recipe.size)
    trainee = VisualTrainee(model.model.visual, recipe.size.text_width).to(recipe.device)
    start = recipe.random_start(f"visual {rank()}")
    _train(recipe, trainee, lambda step: measure_visual(trainee, recipe.world, start + step), "visual")


def _missing_shards(recipe: Recipe) -> Iterator[tuple[str, int]]:
    shards = max(len(KINDS), recipe.clips // recipe.shard)
    for kind, tenths in KINDS.items():
        for index in range(max(1, shards * tenths // 10)):
            if not _shard_path(recipe, kind, index).exists():
                yield kind, index


def _shard_path(recipe: Recipe, kind: str, index: int) -> Path:
    return recipe.folder / "clips" / f"{kind}-{index:03d}.safetensors"


def _write_clips(recipe: Recipe, kind: str, index: int) -> None:
    start = recipe.random_start(kind) + index * recipe.shard
    seeds, world = range(start, start + recipe.shard), recipe.world
    clips = list(
        {
            "whole": lambda: whole_clips(world, seeds),
            "moment": lambda: moment_clips(world, seeds, ROLE_SPECS["answerer"]),
            "candidate": lambda: candidate_clips(world, seeds, ROLE_SPECS["verifier"]),
        }[kind]()
    )
    tower = _trainee(recipe).model.model.visual.to(torch.bfloat16)
    write_shard(_shard_path(recipe, kind, index), clips, encode_clips(tower, clips, world, WATCH))


def _missing_predictions(recipe: Recipe) -> list[int]:
    """Numbers of the shards of whole clips whose predictions are to be written."""
    whole = (recipe.folder / "clips").glob("whole-*.safetensors")
    return [n for n in range(len(list(whole))) if not _shard_path(recipe, "predicted", n).exists()]


def _write_predictions(recipe: Recipe, index: int) -> None:
    lessons = load_lessons(recipe, {"whole": [_shard_path(recipe, "whole", index)]})
    load_weights(recipe.folder / "base.pt", lessons.trainee)
    load_weights(recipe.folder / "grounder.pt", RoleTrainee(lessons.trainee, "grounder"))
    lessons.invoked = True
    seeds = max(1, round(recipe.shard * PREDICTED_VIDEOS))
    clips = list(predicted_clips(lessons, range(seeds)))
    tower = lessons.trainee.model.model.visual.to(torch.bfloat16)
    write_shard(_shard_path(recipe, "predicted", index), clips, encode_clips(tower, clips, recipe.world, WATCH))


def _base_stage(recipe: Recipe) -> None:
    lessons = load_lessons(recipe, {kind: _shards(recipe, kind) for kind in KINDS})
    start = Random(f"{recipe.seed} base {rank()}").randrange(10**9) * 8
    torch.manual_seed(start)
    _train(recipe, lessons.trainee, lambda step: base_lesson(lessons, start + step), "base")


def role_stage(recipe: Recipe, role: str, method: Method = "alora", name: str | None = None) -> None:
    """Train what a role adds to the base; it is kept under the role's name, or under another."""
    kinds = ["predicted" if kind == "candidate" else kind for kind in KINDS]
    lessons = load_lessons(recipe, {kind: _shards(recipe, kind) for kind in kinds})
    load_weights(recipe.folder / "base.pt", lessons.trainee)
    apprentice = RoleTrainee(lessons.trainee, role, method).to(recipe.device)
    lessons.invoked = method == "alora"
    start = Random(f"{recipe.seed} {role}").randrange(10**9)
    torch.manual_seed(start)
    _train(recipe, apprentice, lambda step: role_lesson(lessons, role, start + step), role, name)


def _shards(recipe: Recipe, kind: str) -> list[Path]:
    return sorted((recipe.folder / "clips").glob(f"{kind}-*.safetensors"))


def trained_base(recipe: Recipe) -> Trainee:
    """The backbone after the base stage, on the CPU."""
    trainee = _trainee(replace(recipe, device="cpu"))
    load_weights(recipe.folder / "base.pt", trainee)
    return trainee


def _trainee(recipe: Recipe) -> Trainee:
    """A backbone whose visual tower is trained and frozen; the rest is fresh, by the recipe's seed."""
    torch.manual_seed(recipe.seed)
    model = build_backbone(load_tokenizer(recipe).get_vocab(), recipe.size)
    load_weights(recipe.folder / "visual.pt", VisualTrainee(model.model.visual, recipe.size.text_width))
    model.model.visual.requires_grad_(False)
    return Trainee(model, recipe.size.text_width).to(recipe.device)


def load_lessons(recipe: Recipe, shards: Mapping[str, Sequence[Path]]) -> Lessons:
    """Lessons on the clips of some shards, by kind, with a model whose visual tower is trained."""
    stores = {kind: ClipStore.load(paths) for kind, paths in shards.items()}
    return Lessons(_trainee(recipe), Packer(load_tokenizer(recipe)), stores, recipe.world)


def _train(recipe: Recipe, module: nn.Module, measure: Measure, stage: str, name: str | None = None) -> None:
    """Train in bfloat16 with plain attention, which has the faster backward pass for short sequences."""

    def measured(step: int) -> Mapping[str, Tensor]:
        with sdpa_kernel(SDPBackend.MATH), torch.autocast(recipe.device, torch.bfloat16):
            return measure(step)

    train(
        module,
        measured,
        seconds=recipe.seconds(PACES[stage].share),
        peak_rate=PACES[stage].rate,
        checkpoint=recipe.folder / f"{name or stage}.pt",
        max_steps=recipe.max_steps,
    )
