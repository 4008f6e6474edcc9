"""How an evaluation goes, on stderr: a bar with running metrics; in a log file a line now and then."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from videomind.cli.terminal import printable

LOG_SECONDS = 60.0
"""Between lines where stderr is no terminal."""


class EvalProgress:
    """Watches a run (`videomind.evaluation.run.run.Watch`)."""

    def __init__(self, console: Console) -> None:
        from videomind.evaluation.run.live import Running

        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[metrics]}", style="cyan"),
        )
        self._console = console
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._progress.add_task("starting", total=None, metrics="")
        self._running = Running()
        self._total = self._before = 0
        self._began: float | None = None
        self._logged = time.monotonic()

    def status(self, text: str) -> None:
        self._progress.update(self._task, description=text)

    def preparing(self, done: int, total: int) -> None:
        self._progress.update(self._task, description="rendering videos", completed=done, total=total)

    def begin(self, done: Sequence[dict[str, Any]], total: int) -> None:
        for line in done:
            self._running.add(line)
        self._before, self._total = len(done), total
        if done:
            self.say(f"{len(done)} of {total} samples are finished already; going on")
        self._progress.update(self._task, description="loading the model", completed=len(done), total=total)

    def add(self, lines: Sequence[dict[str, Any]]) -> None:
        if self._began is None:
            self._began = time.monotonic()
        for line in lines:
            first = line["attempt"] == 1
            if line["error"] is not None:
                will = "; it is asked once more at the end" if first else ""
                self.say(f"{line['task']} {line['id']} failed: {line['error']}{will}")
            if first:
                self._running.add(line)
            else:
                self._running.replace_failed(line)
        self._progress.update(
            self._task, description="asking", completed=self._running.done, metrics=self._text(), refresh=True
        )
        if not self._console.is_terminal and time.monotonic() - self._logged > LOG_SECONDS:
            self._logged = time.monotonic()
            self.say(f"{self._running.done} of {self._total}, {self._text()}")

    def say(self, text: str) -> None:
        """A line above the bar."""
        self._progress.console.print(printable(text), markup=False, soft_wrap=True)

    def _text(self) -> str:
        new = self._running.done - self._before
        rate = f"{new / (time.monotonic() - self._began):.2f}/s" if self._began is not None and new else ""
        failed = f"{self._running.failed} failed" if self._running.failed else ""
        return " · ".join(part for part in (rate, failed, self._running.text()) if part)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
