"""transformers' Trainer with our losses, optimizer groups, checkpoints and measuring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import SequentialSampler
from transformers import PrinterCallback, Trainer, TrainingArguments

from videomind.training.checkpoints import KEPT, WEIGHTS, load_trained, mark_complete, save_trained
from videomind.training.collate import collate
from videomind.training.config import MethodConfig, TrainConfig
from videomind.training.items import ItemSet
from videomind.training.measure import measure
from videomind.training.optimizer import make_optimizer
from videomind.training.pacing import Pacer
from videomind.training.record import CHECKPOINTS
from videomind.training.trainable import Trainable

SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}


def training_arguments(config: TrainConfig, steps: int, device: str, half: bool) -> TrainingArguments:
    """transformers' arguments for a run of `steps` optimizer steps.

    Args:
        config: the settings.
        steps: of the whole run.
        device: "cpu" or "cuda".
        half: compute in bfloat16.
    """
    args = TrainingArguments(
        output_dir=str(config.out / CHECKPOINTS),
        max_steps=steps,
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.accumulate,
        learning_rate=1.0,  # the optimizer's groups have their own
        lr_scheduler_type=SCHEDULES[config.schedule],
        warmup_steps=round(config.warmup * steps),
        max_grad_norm=config.max_grad_norm,
        seed=config.seed,
        bf16=half,
        use_cpu=device == "cpu",
        dataloader_num_workers=config.workers,
        dataloader_prefetch_factor=2 if config.workers else None,
        dataloader_pin_memory=False,
        remove_unused_columns=False,
        logging_strategy="no",  # `Pacer` decides
        save_strategy="no",
        eval_strategy="no",
        logging_nan_inf_filter=False,
        save_total_limit=KEPT,
        ddp_find_unused_parameters=True,  # a short video leaves levels of the decoder's pyramid out
        disable_tqdm=True,
        report_to="none",
    )
    assert args.device is not None
    args._n_gpu = min(1, args.n_gpu)  # several GPUs are for torchrun, not for threads
    return args


class RoleTrainer(Trainer):  # type: ignore[misc]  # transformers is not typed
    """Trains one role, or the backbone.

    Args:
        trainable: the model.
        args: from `training_arguments`.
        items: in the order in which they are learned.
        held_out: what to measure on, or None.
        method: how the backbone is adapted.
        rates: learning rate of adapter and rows (or backbone), and of the decoder.
        weight_decay: of AdamW.
        pacer: decides what is due.
        callbacks: who else listens.
    """

    def __init__(
        self,
        trainable: Trainable,
        args: TrainingArguments,
        items: ItemSet,
        held_out: ItemSet | None,
        method: MethodConfig,
        rates: tuple[float, float],
        weight_decay: float,
        pacer: Pacer,
        callbacks: list[Any],
    ) -> None:
        super().__init__(
            model=trainable,
            args=args,
            train_dataset=items,
            data_collator=lambda batch: {"batch": collate(batch)},
            callbacks=[pacer, *callbacks],
        )
        self.remove_callback(PrinterCallback)
        self._held_out, self._method, self._rates = held_out, method, rates
        self._weight_decay, self._pacer = weight_decay, pacer
        self._sums: dict[str, Tensor] = {}
        self._batches = 0

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        outputs = model(**inputs)
        for name, value in outputs.items():
            self._sums[name] = self._sums.get(name, 0.0) + value.detach()
        self._batches += 1
        return (outputs["loss"], outputs) if return_outputs else outputs["loss"]

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs:
            names = sorted(self._sums.keys() - {"loss"})
            means = torch.stack([self._sums[name] for name in names]) / self._batches
            means = self.accelerator.reduce(means, "mean")
            logs |= dict(zip(names, means.tolist(), strict=True))
            self._sums, self._batches = {}, 0
        super().log(logs, start_time)

    def _get_train_sampler(self, *_: Any) -> SequentialSampler:
        """The data set is shuffled already."""
        return SequentialSampler(self.train_dataset)

    optimizer: torch.optim.Optimizer | None

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        if self.optimizer is None:
            self.optimizer = make_optimizer(self.model, self._method, self._rates, self._weight_decay)
        return self.optimizer

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        assert self._held_out is not None
        numbers = measure(self.model, self._held_out, self.args, self.accelerator)
        self.log({f"eval_{name}": value for name, value in numbers.items()})
        return numbers

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
            mark_complete(folder, self._pacer.seconds)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        if self.args.should_save:
            folder = Path(output_dir or self.args.output_dir)
            folder.mkdir(parents=True, exist_ok=True)
            save_trained(folder / WEIGHTS, self.model)

    def load(self, checkpoint: Path | None) -> None:
        """What was learned up to a checkpoint, without going on."""
        assert checkpoint is not None
        load_trained(checkpoint / WEIGHTS, self.model)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        load_trained(Path(resume_from_checkpoint) / WEIGHTS, self.model)
