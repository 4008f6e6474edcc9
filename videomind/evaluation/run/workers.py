"""Workers on this machine: batches go to whoever is free; one that dies is replaced."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Protocol as Contract

from videomind.errors import EngineError
from videomind.evaluation.run.batches import Batch
from videomind.evaluation.run.journal import Line
from videomind.evaluation.run.line import Manner, failed
from videomind.evaluation.run.worker import work
from videomind.model_choice import ModelChoice

MOST_DEATHS = 10
"""Workers that may die in a row, each of another video or while it starts, until the run gives up."""

PARTING_SECONDS = 10.0
"""In which a worker that is no longer wanted may free what it holds."""


class Workers(Contract):
    """Whoever asks batches."""

    def run(self, batches: Sequence[Batch]) -> Generator[list[Line]]:
        """Lines of finished samples, as they come; of each sample one. None at all: a worker is ready.

        Raises:
            VideoMindError: the model does not load.
            EngineError: workers die without end.
        """


@dataclass(frozen=True, slots=True)
class LocalWorkers:
    """Processes on this machine.

    Attributes:
        choice: the model.
        manner: how to ask.
        count: how many.
        gpus: those that they share out among themselves, as in CUDA_VISIBLE_DEVICES; none = each sees what there is.
        decoders: processes that decode ahead for each of them; 0 = none.
    """

    choice: ModelChoice
    manner: Manner
    count: int
    gpus: tuple[str, ...] = ()
    decoders: int = 0

    def run(self, batches: Sequence[Batch]) -> Generator[list[Line]]:
        """As `Workers.run`.

        A batch whose worker died is asked once more, each sample by itself; one whose worker dies again has failed.
        """
        waiting = deque(batches)
        crew: list[_Hand] = []
        most = 2 if self.decoders else 1
        deaths: set[object] = set()
        try:
            while len(crew) < min(self.count, len(batches)):
                crew.append(self._hire(len(crew)))
            while waiting or any(hand.batches for hand in crew):
                for number in _heard(crew):
                    lines = crew[number].hear()
                    if lines is None:
                        deaths.add(crew[number].busy_with())
                        if len(deaths) > MOST_DEATHS:
                            raise EngineError(f"{len(deaths)} workers died in a row, the last {crew[number].ending()}")
                        yield _after_death(crew[number], waiting)
                        crew[number] = self._hire(number)
                    else:
                        if lines:
                            deaths.clear()
                        yield lines
                for hand in crew:
                    while waiting and hand.ready and len(hand.batches) < most:
                        hand.give(waiting.popleft())
        finally:
            for hand in crew:
                hand.dismiss()
            for hand in crew:
                hand.part()

    def _hire(self, number: int) -> _Hand:
        context = get_context("spawn")
        here, there = context.Pipe()
        gpu = self.gpus[number % len(self.gpus)] if self.gpus else None
        arguments = (there, self.choice, self.manner, gpu, self.decoders)
        process = context.Process(target=work, args=arguments)
        with _uninterrupted():
            process.start()
        there.close()
        return _Hand(process, here)


@dataclass(slots=True)
class _Hand:
    """One worker as it is seen from outside; it works on the first of its batches."""

    process: BaseProcess
    connection: Connection
    ready: bool = False
    batches: deque[Batch] = field(default_factory=deque)

    def give(self, batch: Batch) -> None:
        self.batches.append(batch)
        with suppress(OSError):  # it has died; that is heard next
            self.connection.send(batch)

    def hear(self) -> list[Line] | None:
        """The lines it sends; none where it says that it is ready; None where it has died."""
        try:
            said = self.connection.recv()
        except (EOFError, OSError):
            return None
        if isinstance(said, Exception):
            raise said
        if self.ready:
            self.batches.popleft()
        self.ready = True
        return said or []

    def busy_with(self) -> object:
        """The video whose questions it asks; something of its own where it asks nothing."""
        return self.batches[0].asked[0].video if self.batches else object()

    def ending(self) -> str:
        """How it ended."""
        self.process.join(5)
        code = self.process.exitcode
        return f"by signal {-code}" if code is not None and code < 0 else f"with exit code {code}"

    def dismiss(self) -> None:
        """Tell it to end: kindly where it has nothing to do, else at once."""
        if self.ready and not self.batches:
            with suppress(OSError):
                self.connection.send(None)
        else:
            self.process.terminate()

    def part(self) -> None:
        """See it end; by force if it takes long."""
        self.process.join(PARTING_SECONDS)
        self.process.kill()
        self.process.join()
        self.connection.close()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes that are started meanwhile do not get Ctrl-C: it is for this one, which then ends them."""
    resource_tracker.ensure_running()  # it comes with the first of them, and would let interrupts through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _heard(crew: Sequence[_Hand]) -> list[int]:
    """Numbers of the workers that have something to say (or have died)."""
    said = wait([hand.connection for hand in crew])
    return [number for number, hand in enumerate(crew) if hand.connection in said]


def _after_death(hand: _Hand, waiting: deque[Batch]) -> list[Line]:
    """Its batches go back, the one it worked on in single samples; if that was one, it has failed."""
    hand.process.kill()
    hand.connection.close()
    if not hand.batches:
        return []
    worked_on, *rest = hand.batches
    waiting.extendleft(reversed(rest))
    if len(worked_on.asked) == 1:
        why = f"the process that worked on it ended {hand.ending()}"
        return [failed(worked_on.asked[0], why, worked_on.attempt)]
    waiting.extendleft(Batch((one,), worked_on.attempt) for one in reversed(worked_on.asked))
    return []
