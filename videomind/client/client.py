"""`videomind.Client`: an agent that runs on a server. What it is asked, gives back and raises is as of `Agent`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from videomind.asking import FINDERS, Question, check_top_k
from videomind.cancellable import Cancel, iterate_cancellable
from videomind.client.asking import Asked, asked, told_by
from videomind.client.errors import NotThere
from videomind.client.files import SentFiles, is_on_server
from videomind.client.many import AT_ONCE, ask_together
from videomind.client.server import DEFAULT_URL, Server
from videomind.errors import Cancelled, EngineError, InputError
from videomind.events import Event, aresult_of, result_of
from videomind.results import STANDARD_PROTOCOL, Result
from videomind.wire import event_from_json

if TYPE_CHECKING:
    from videomind.engines.base import Service
    from videomind.vision.subtitles import Cue

Video = str | Path
"""What can be asked about: a file of ours, the id of a file on the server ("file-…"), or a URL that it may open."""


class Client:
    """Asks a running `videomind serve`, as `Agent` is asked. Threads may share it.

        client = Client("http://127.0.0.1:8000", api_key="…")
        result = client.ask("holiday.mp4", "What does the dog do after it barks?")

    A file is sent once: the server knows it again by its content. Errors are those of the agent; besides, `EngineBusy`
    where the server has enough to do, `EngineError` where it breaks off, `InputError` where there is none.

    Args:
        base_url: address of the server.
        api_key: its key, if it wants one.

    Raises:
        InputError: the address is no http or https URL.
    """

    def __init__(self, base_url: str = DEFAULT_URL, api_key: str | None = None) -> None:
        self._server = Server(base_url, api_key)
        self._files = SentFiles(self._server)

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """The roles that the server's model has, in the order of the chain."""
        names = [str(model["id"]) for model in self._server.call("GET", "/v1/models")["data"]]
        return tuple(name.partition("/")[2] for name in names if "/" in name)

    def stream(
        self,
        video: Video,
        question: str,
        *,
        options: Sequence[str] | None = None,
        subtitles: str | Path | Sequence[Cue] | None = None,
        roles: Iterable[str] | None = None,
        every: bool = False,
        service: Service | None = None,
        cancel: Cancel | None = None,
    ) -> Iterator[Event]:
        """Ask, and get events as they happen; closing the iterator ends the work on the server.

        Arguments and errors as in `Agent.stream`, except that of `service` only the name of an answerer adapter counts.
        """
        return self._events(video, asked(question, options, subtitles, roles, every, service), cancel)

    def ask(
        self,
        video: Video,
        question: str,
        *,
        options: Sequence[str] | None = None,
        subtitles: str | Path | Sequence[Cue] | None = None,
        roles: Iterable[str] | None = None,
        service: Service | None = None,
    ) -> Result:
        """Ask and wait for the result. Arguments and errors as in `stream`."""
        return result_of(self._events(video, asked(question, options, subtitles, roles, False, service)))

    def ask_many(
        self,
        questions: Sequence[tuple[Video, Question]],
        *,
        at_once: int = AT_ONCE,
        service: Service | None = None,
        cancel: Cancel | None = None,
    ) -> Iterator[tuple[int, Result | Exception]]:
        """Ask several questions side by side, and wait where the server has enough to do.

        Args:
            questions: videos and what to ask of each.
            at_once: how many to have at the server; it has its own limit for one client.
            service, cancel: as in `stream`.

        Yields:
            The place of a question and its result, or the error that ended this question alone; as they finish.

        Raises:
            Cancelled: the cancel event was set.
            InputError: `at_once` is below 1.
        """
        if at_once < 1:
            raise InputError(f"at_once is {at_once}: ask at least one question at a time")

        def ask(place: int, stop: Cancel) -> Result:
            video, question = questions[place]
            if question.protocol != STANDARD_PROTOCOL:
                raise InputError("a benchmark's protocol cannot be sent to a server: ask an agent")
            if question.long != "auto":
                raise InputError("how to look through long videos is for the server to decide: leave long at auto")
            cues = question.subtitles or None
            it = asked(question.text, question.options, cues, question.roles, question.every, service)
            return result_of(self._events(video, it, stop))

        return ask_together(ask, len(questions), at_once, cancel)

    def find(self, video: Video, query: str, top_k: int = 5, every: bool = False) -> Result:
        """Find the moment that a text describes, or every such moment. Arguments and errors as in `Agent.find`."""
        check_top_k(top_k)
        return result_of(self._find(video, query, top_k, every))

    def astream(
        self,
        video: Video,
        question: str,
        *,
        options: Sequence[str] | None = None,
        subtitles: str | Path | Sequence[Cue] | None = None,
        roles: Iterable[str] | None = None,
        every: bool = False,
        service: Service | None = None,
    ) -> AsyncIterator[Event]:
        """`stream` as an asynchronous iterator; closing it cancels the work."""
        it = asked(question, options, subtitles, roles, every, service)
        return iterate_cancellable(lambda cancel: self._events(video, it, cancel))

    async def aask(
        self,
        video: Video,
        question: str,
        *,
        options: Sequence[str] | None = None,
        subtitles: str | Path | Sequence[Cue] | None = None,
        roles: Iterable[str] | None = None,
        service: Service | None = None,
    ) -> Result:
        """`ask`, awaitable; cancelling the task cancels the work."""
        return await aresult_of(
            self.astream(video, question, options=options, subtitles=subtitles, roles=roles, service=service)
        )

    async def afind(self, video: Video, query: str, top_k: int = 5, every: bool = False) -> Result:
        """`find`, awaitable."""
        check_top_k(top_k)
        return await aresult_of(iterate_cancellable(lambda cancel: self._find(video, query, top_k, every, cancel)))

    def close(self) -> None:
        """Close the connections. The client cannot be used afterwards."""
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _find(self, video: Video, query: str, top_k: int, every: bool, cancel: Cancel | None = None) -> Iterator[Event]:
        roles = FINDERS & set(self.roles)
        yield from self._events(video, asked(query, None, None, roles, every, None, top_k), cancel)

    def _events(self, video: Video, it: Asked, cancel: Cancel | None = None) -> Iterator[Event]:
        """A file of ours that the server has removed meanwhile is sent again."""
        try:
            yield from self._sent(video, it, cancel)
        except NotThere:
            if is_on_server(video):
                raise
            self._files.forget(video)
            yield from self._sent(video, it, cancel)

    def _sent(self, video: Video, it: Asked, cancel: Cancel | None) -> Iterator[Event]:
        done: dict[str, Any] | None = None
        body = it.body(self._files.url_of(video, cancel))
        for chunk in self._server.stream("/v1/chat/completions", body, cancel):
            if cancel is not None and cancel.is_set():
                raise Cancelled("cancelled")
            told = told_by(chunk)
            if told is not None and told["event"] == "done":
                done = told  # read to the end, so that the connection can be used again
            elif told is not None:
                yield event_from_json(told)
        if done is None:
            raise EngineError(f"the server at {self._server.url} broke off before the answer was whole")
        if not is_on_server(video):
            done["result"]["video"]["path"] = str(video)  # as the caller names it, like the agent
        yield event_from_json(done)
