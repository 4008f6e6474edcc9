"""The chain in the form of lmms-eval's chat models. Only lmms-eval imports this module."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from lmms_eval.api.instance import Instance
from lmms_eval.api.model import lmms
from rich.progress import Progress

from videomind.agent import Agent
from videomind.asking import Question
from videomind.errors import InputError
from videomind.evaluation.lmms_eval.chat import Request, by_video, check_videos, read_messages, reply_text
from videomind.results import Answer, Result

log = logging.getLogger(__name__)


class VideoMind(lmms):
    """Answers the requests of lmms-eval's chat tasks about one video each.

    The questions about a video are asked together, so that its frames, visual encodings and KV are there again.
    Under `accelerate launch` lmms-eval gives each process its share of the documents, and each has its own model.

    Args:
        model: folder of a role bundle; None is the embedded model.
        base, engine, engine_config, device, dtype, compat: as in `Agent.from_pretrained`.
        batch_size: how many questions go through the chain side by side.

    Raises:
        BundleError, EngineError: as in `Agent.from_pretrained`.
        InputError: likewise; `batch_size` is no positive number, `compat` neither true nor false, or the model does not
            answer questions.
    """

    is_simple = False

    def __init__(
        self,
        model: str | None = None,
        base: str | None = None,
        engine: str = "torch",
        engine_config: str | None = None,
        device: str = "auto",
        dtype: str = "auto",
        compat: bool = False,
        batch_size: int | str = 1,
    ) -> None:
        super().__init__()
        if not str(batch_size).isdecimal() or int(batch_size) < 1:
            raise InputError(f"batch_size is {batch_size!r}: say how many questions are asked at once, e.g. 32")
        if not isinstance(compat, bool):
            raise InputError(f"compat is {compat!r}: say compat=true or compat=false")
        self.batch_size = int(batch_size)
        self.accelerator = Accelerator()  # makes the GPU of this process the current one
        self._rank, self._world_size = self.accelerator.process_index, self.accelerator.num_processes
        self.agent = Agent.from_pretrained(
            model, base=base, device=device, dtype=dtype, compat=compat, engine=engine, engine_config=engine_config
        )
        if "answerer" not in self.agent.roles:
            raise InputError(f"{self.agent.bundle.manifest.name} has no answerer: take a model that answers questions")

    @property
    def device(self) -> torch.device:
        """Where lmms-eval puts what its processes tell each other."""
        return self.accelerator.device

    def generate_until(self, requests: list[Instance]) -> list[str]:
        """The replies, in the order of the requests; "" where a video or a question turns out to be unusable.

        Of the generation options the stop strings are heeded; the chain decodes greedily and each role has its own
        longest reply.

        Raises:
            InputError: a request that this model is not for, found before the first question is asked; which.
            VideoError: videos are missing, found likewise.
            EngineError: the engine cannot go on.
        """
        wanted = [self._request(*request.args) for request in requests]
        check_videos(wanted)
        order = by_video(wanted)
        asked = [_question(wanted[place]) for place in order]
        replies = [""] * len(requests)
        with Progress(disable=self.rank != 0) as progress:
            bar = progress.add_task("questions", total=len(requests))
            for place, outcome in self.agent.ask_many(asked, at_once=self.batch_size):
                index = order[place]
                replies[index] = _reply(wanted[index], outcome, requests[index].args[2].get("until"))
                progress.advance(bar)
        return replies

    def generate_until_multi_round(self, requests: list[Instance]) -> list[str]:
        """Not possible: every question stands for itself."""
        raise NotImplementedError("VideoMind answers each question by itself: leave tasks with several rounds out")

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        """Not possible: a chain of roles gives a text no likelihood."""
        raise NotImplementedError(
            "VideoMind is a chain of roles and gives no likelihoods: take a task with output_type: generate_until"
        )

    def clean(self) -> None:
        """Free the model before lmms-eval scores the replies."""
        self.agent.close()
        super().clean()

    def _request(
        self, _context: str, doc_to_messages: Any, _generation: dict[str, Any], doc_id: int, task: str, split: str
    ) -> Request:
        try:
            return read_messages(doc_to_messages(self.task_dict[task][split][doc_id]))
        except InputError as error:
            raise InputError(f"task {task}, document {doc_id}: {error}") from error


def _question(request: Request) -> tuple[Path, Question]:
    return request.video, Question(request.prompt.question, request.prompt.options, long="whole")


def _reply(request: Request, outcome: Result | Exception, until: str | list[str] | None) -> str:
    if isinstance(outcome, InputError):
        log.error("%s, %r gets no reply: %s", request.video, request.prompt.question, outcome)
        return ""
    if isinstance(outcome, Exception):
        raise outcome
    return reply_text(outcome.answer or Answer(""), request.prompt, until)
