"""The chain in the form of lmms-eval's chat models. Only lmms-eval imports this module."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from accelerate import Accelerator
from lmms_eval.api.instance import Instance
from lmms_eval.api.model import lmms
from rich.progress import Progress

from videomind.agent import Agent
from videomind.errors import InputError
from videomind.evaluation.lmms_eval.chat import Question, by_video, check_videos, read_messages, reply_text
from videomind.results import Answer

log = logging.getLogger(__name__)


class VideoMind(lmms):
    """Answers the requests of lmms-eval's chat tasks about one video each.

    The questions about a video are asked one after another, so that its frames and visual encodings are there again.
    Under `accelerate launch` lmms-eval gives each process its share of the documents, and each has its own model.

    Args:
        model: folder of a role bundle; None is the embedded model.
        base, engine, engine_config, device, dtype, compat: as in `Agent.from_pretrained`.
        batch_size: how many videos are asked about at once (worth it with the vLLM engine).

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
            raise InputError(f"batch_size is {batch_size!r}: say how many videos are asked about at once, e.g. 1")
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
        questions = [self._question(*request.args) for request in requests]
        check_videos(questions)
        groups = by_video(questions)
        until = [request.args[2].get("until") for request in requests]
        replies = [""] * len(requests)

        def answer(group: list[int]) -> int:
            for index in group:
                replies[index] = self._reply(questions[index], until[index])
            return len(group)

        with Progress(disable=self.rank != 0) as progress, ThreadPoolExecutor(self.batch_size) as pool:
            bar = progress.add_task("questions", total=len(requests))
            for answered in pool.map(answer, groups):
                progress.advance(bar, answered)
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

    def _question(
        self, _context: str, doc_to_messages: Any, _generation: dict[str, Any], doc_id: int, task: str, split: str
    ) -> Question:
        try:
            return read_messages(doc_to_messages(self.task_dict[task][split][doc_id]))
        except InputError as error:
            raise InputError(f"task {task}, document {doc_id}: {error}") from error

    def _reply(self, question: Question, until: str | list[str] | None) -> str:
        prompt = question.prompt
        try:
            result = self.agent.ask(question.video, prompt.question, options=prompt.options)
        except InputError as error:
            log.error("%s, %r gets no reply: %s", question.video, prompt.question, error)
            return ""
        return reply_text(result.answer or Answer(""), prompt, until)
