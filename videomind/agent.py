"""The agent: one loaded model, asked about videos. The same chain feeds the blocking, streaming and async faces."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from videomind.asking import FINDERS, Question, check_top_k
from videomind.cancellable import Cancel, iterate_cancellable
from videomind.chain import Chain, Steps
from videomind.driving import drive, drive_together
from videomind.engines.base import STANDARD, Engine, Memory, Service
from videomind.errors import InputError
from videomind.events import Done, Event, aresult_of, result_of
from videomind.lora_switch.bundle import Bundle, load_bundle
from videomind.metrics import count_question, count_questions
from videomind.results import Result
from videomind.roles.answerer import check_options
from videomind.roles.long import Long, check_long
from videomind.roles.question import check_question
from videomind.roles.spec import ROLES, View
from videomind.task import Task
from videomind.vision.base import VideoReader
from videomind.vision.cache import FrameCache, FrameKey
from videomind.vision.open_videos import OpenVideos
from videomind.vision.prefetch import Ahead, Prefetcher
from videomind.vision.reader import open_video
from videomind.vision.subtitles import Cue, load_subtitles

FRAME_CACHE_BYTES = 512 << 20
VIDEOS_OPEN = 4
"""Files that stay open; short ones with all their frames (`vision.base.KEEP_BYTES`)."""
AT_ONCE = 32
"""Questions that go through the chain side by side."""
Video = str | Path | np.ndarray | VideoReader
"""What can be asked about: a file, a folder of frames, frames [T, H, W, 3], or an open reader."""


class Agent:
    """Answers questions about videos with the moment that proves the answer.

    Use `Agent.from_pretrained`. An agent may be shared by threads; questions about one video reuse its frames and
    visual encodings.
    """

    def __init__(self, bundle: Bundle, engine: Engine, compat: bool = False) -> None:
        self.bundle, self.engine, self.compat = bundle, engine, compat
        self._specs = {name: role.spec for name, role in bundle.roles.items()}
        self._frames = FrameCache(FRAME_CACHE_BYTES)
        self._videos = OpenVideos(VIDEOS_OPEN)
        self._prefetcher = Prefetcher(self._frames)

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path | None = None,
        *,
        base: str | Path | None = None,
        device: str = "auto",
        dtype: str = "auto",
        compat: bool = False,
        engine: str = "torch",
        engine_config: str | Path | None = None,
    ) -> Self:
        """Load a role bundle.

        Args:
            model: its folder; None is the embedded model, which knows only its synthetic world.
            base: folder of the base model, where it is not at the place the bundle names.
            device: "auto", "cpu", "cuda" or "mps".
            dtype: "auto", "float32", "bfloat16" or "float16".
            compat: follow the published code also where it slips or does needless work; it also takes the best
                candidate for the moment in any video, so a model's calibration is not used.
            engine: "torch" (starts at once, one call at a time) or "vllm" (batches many questions, reuses KV).
            engine_config: a TOML file with options of the engine (`TorchOptions`, `VLLMOptions`).

        Raises:
            BundleError: the folder is no usable bundle.
            InputError: there is no such engine, or its configuration cannot be used.
            EngineError: the device is not there, or the engine does not start.
        """
        from videomind.engines.choice import start_engine

        bundle = load_bundle(Path(model) if model is not None else None, Path(base) if base is not None else None)
        config = Path(engine_config) if engine_config is not None else None
        return cls(bundle, start_engine(bundle, engine, device, dtype, compat, config), compat)

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles this model has, in the order of the chain."""
        return tuple(role for role in ROLES if role in self._specs)

    def stream(
        self,
        video: Video,
        question: str,
        *,
        options: Sequence[str] | None = None,
        subtitles: str | Path | Sequence[Cue] | None = None,
        roles: Iterable[str] | None = None,
        every: bool = False,
        long: Long = "auto",
        service: Service = STANDARD,
        cancel: Cancel | None = None,
    ) -> Iterator[Event]:
        """Ask, and get events as they happen: PlanReady, Grounded, Verified, Judged, AnswerToken…, Done.

        Where the model has a calibration and its rule says that what is asked about is not in the video, the result
        has no moment and an open question is answered so; the candidates are there all the same.

        Args:
            video: a file, a folder of frames, frames [T, H, W, 3], or an open reader.
            question: what to ask.
            options: texts of a multiple choice (2 to 26).
            subtitles: a subtitle file (SRT, VTT, ASS) or its cues.
            roles: the roles that may be called; by default all that the model has.
            every: give back every moment that matches, as in `find`.
            long: how the grounder looks at a video that is longer than its view holds at the wanted rate: "whole"
                (frames farther apart, as published), "windows" (overlapping parts, all at that rate), "scan" (key
                frames first, then the best few windows), or "auto" by length (`videomind.roles.long`); with `compat`
                "auto" is "whole".
            service: priority, salt of the KV cache, name of an answerer adapter.
            cancel: set this event to stop; `Cancelled` is then raised.

        Raises:
            InputError: an unusable question, option, video, subtitle file, role name, adapter name or `long`.
        """
        self._check_service(service)
        asked = Question(
            text=question,
            options=check_options(options) if options else (),
            subtitles=_cues(subtitles),
            roles=None if roles is None else frozenset(roles),
            every=every,
            long=long,
        )
        return count_question(self._run(video, self._task(asked, service), cancel))

    def ask(
        self,
        video: Video,
        question: str,
        *,
        options: Sequence[str] | None = None,
        subtitles: str | Path | Sequence[Cue] | None = None,
        roles: Iterable[str] | None = None,
        long: Long = "auto",
        service: Service = STANDARD,
    ) -> Result:
        """Ask and wait for the result. Arguments and errors as in `stream`."""
        return result_of(
            self.stream(video, question, options=options, subtitles=subtitles, roles=roles, long=long, service=service)
        )

    def ask_many(
        self,
        questions: Sequence[tuple[Video, Question]],
        *,
        at_once: int = AT_ONCE,
        service: Service = STANDARD,
        cancel: Cancel | None = None,
    ) -> Iterator[tuple[int, Result | Exception]]:
        """Ask several questions, about one video or several, together: each role takes them as one batch.

        While a batch is in the model, the videos of the next one are decoded.

        Args:
            questions: videos (as in `stream`) and what to ask of each; best with those of one video together.
            at_once: how many go through the chain side by side.
            service, cancel: as in `stream`.

        Yields:
            The place of a question and its result, or the error that ended this question alone; as they finish.

        Raises:
            Cancelled: the cancel event was set.
            InputError: `at_once` is below 1, or an unknown adapter name.
        """
        if at_once < 1:
            raise InputError(f"at_once is {at_once}: ask at least one question at a time")
        self._check_service(service)
        ahead: list[Ahead] = []
        try:
            for start in range(0, len(questions), at_once):
                together, following = (questions[at : at + at_once] for at in (start, start + at_once))
                for one in ahead:
                    one.settle()
                ahead = self._look_ahead([video for video, _ in together], [video for video, _ in following])
                yield from count_questions(self._ask_together(together, start, service, cancel), len(together))
        finally:
            for one in ahead:
                one.cancel()

    def find(self, video: Video, query: str, top_k: int = 5, every: bool = False, *, long: Long = "auto") -> Result:
        """Find the moment that a text describes, or every such moment: grounder and verifier only.

        Args:
            video: as in `stream`.
            query: what happens in the moment.
            top_k: how many candidates to give back.
            every: fill `Result.moments` with every moment that matches, however many candidates are given back: those
                that the model's calibration accepts, best first, or without calibration those with a
                confidence of at least 0.5. Up to 12 candidates are verified.
            long: as in `stream`.

        Raises:
            InputError: as in `stream`, or `top_k` below 1.
        """
        check_top_k(top_k)
        events = self.stream(video, query, roles=FINDERS & set(self.roles), every=every, long=long)
        return _cut(result_of(events), top_k)

    def astream(
        self,
        video: Video,
        question: str,
        *,
        options: Sequence[str] | None = None,
        subtitles: str | Path | Sequence[Cue] | None = None,
        roles: Iterable[str] | None = None,
        every: bool = False,
        long: Long = "auto",
        service: Service = STANDARD,
    ) -> AsyncGenerator[Event]:
        """`stream` as an asynchronous iterator; closing it cancels the work."""
        return iterate_cancellable(
            lambda cancel: self.stream(
                video,
                question,
                options=options,
                subtitles=subtitles,
                roles=roles,
                every=every,
                long=long,
                service=service,
                cancel=cancel,
            )
        )

    async def aask(
        self,
        video: Video,
        question: str,
        *,
        options: Sequence[str] | None = None,
        subtitles: str | Path | Sequence[Cue] | None = None,
        roles: Iterable[str] | None = None,
        long: Long = "auto",
        service: Service = STANDARD,
    ) -> Result:
        """`ask`, awaitable; cancelling the task cancels the work."""
        return await aresult_of(
            self.astream(video, question, options=options, subtitles=subtitles, roles=roles, long=long, service=service)
        )

    async def afind(
        self, video: Video, query: str, top_k: int = 5, every: bool = False, *, long: Long = "auto"
    ) -> Result:
        """`find`, awaitable."""
        check_top_k(top_k)
        events = self.astream(video, query, roles=FINDERS & set(self.roles), every=every, long=long)
        return _cut(await aresult_of(events), top_k)

    def views(self) -> tuple[View, ...]:
        """How the roles look at videos."""
        return tuple(dict.fromkeys(spec.view for spec in self._specs.values()))

    def remember(self, frames: Iterable[tuple[FrameKey, np.ndarray]]) -> None:
        """Take frames that were decoded elsewhere (`videomind.vision.ahead`), so that they are at hand."""
        for key, frame in frames:
            self._frames.put(key, frame)

    def memory(self) -> Memory:
        """Bytes of the shared base and of what each role adds."""
        return self.engine.memory()

    def forget(self) -> None:
        """Drop what is kept for further questions: open files, frames, visual tokens, KV."""
        self._videos.clear()
        self._frames.clear()
        self.engine.forget()

    def close(self) -> None:
        """Free the model. The agent cannot be used afterwards."""
        self._prefetcher.close()
        self._videos.clear()
        self.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, video: Video, task: Task, cancel: Cancel | None) -> Generator[Event, None, None]:
        with self._reader(video) as reader:
            yield from drive(self._chain(reader, task), self.engine, cancel)

    def _ask_together(
        self, questions: Sequence[tuple[Video, Question]], first: int, service: Service, cancel: Cancel | None
    ) -> Generator[tuple[int, Result | Exception], None, None]:
        chains: dict[int, Steps] = {}
        with ExitStack() as opened:
            for place, (video, question) in enumerate(questions, first):
                try:
                    task = self._task(question, service)
                    chains[place] = self._chain(opened.enter_context(self._reader(video)), task)
                except Exception as error:
                    yield place, error
            places = list(chains)
            for number, event in drive_together(list(chains.values()), self.engine, cancel):
                if isinstance(event, Exception):
                    yield places[number], event
                elif isinstance(event, Done):
                    yield places[number], event.result

    def _look_ahead(self, current: Sequence[Video], following: Sequence[Video]) -> list[Ahead]:
        """Begin to decode files that come next, as the first roles will look at them; as many as will stay open."""
        at_hand = {Path(video) for video in current if isinstance(video, str | Path)}
        coming = dict.fromkeys(Path(video) for video in following if isinstance(video, str | Path))
        views = [(self._specs[role].view, None) for role in ("planner", "grounder") if role in self._specs]
        return [
            self._prefetcher.want(partial(self._videos.reader, path, open_video), views)
            for path in islice((path for path in coming if path not in at_hand and path.is_file()), VIDEOS_OPEN)
        ]

    def _task(self, question: Question, service: Service) -> Task:
        long = check_long(question.long)
        return Task(
            question=check_question(question.text),
            options=check_options(question.options, as_published=True) if question.options else (),
            cues=question.subtitles,
            roles=self._chosen(question.roles),
            every=question.every,
            compat=self.compat,
            service=service,
            protocol=question.protocol,
            long="whole" if self.compat and long == "auto" else long,
        )

    def _reader(self, video: Video) -> AbstractContextManager[VideoReader]:
        """Files stay open for further questions; what the caller opened is the caller's to close."""
        if isinstance(video, VideoReader):
            return nullcontext(video)
        if isinstance(video, str | Path) and Path(video).is_file():
            return self._videos.reader(Path(video), open_video)
        return open_video(video)

    def _chain(self, reader: VideoReader, task: Task) -> Steps:
        name, calibration = self.bundle.manifest.name, self.bundle.calibration
        return Chain(self._specs, reader, self._frames, task, name, self.engine.name, calibration).run()

    def _check_service(self, service: Service) -> None:
        if service.answerer is not None and service.answerer not in (known := self.engine.adapters()):
            raise InputError(f"no answerer adapter {service.answerer!r}; there is: {', '.join(known) or 'none'}")

    def _chosen(self, roles: Iterable[str] | None) -> frozenset[str]:
        if roles is None:
            return frozenset(self.roles)
        chosen = frozenset(roles)
        if unknown := sorted(chosen - set(self.roles)):
            raise InputError(f"no role {', '.join(unknown)} in this model; it has {', '.join(self.roles)}")
        if not chosen & {"grounder", "answerer"}:
            raise InputError("nothing to do: leave the grounder or the answerer switched on")
        return chosen


def _cues(subtitles: str | Path | Sequence[Cue] | None) -> tuple[Cue, ...]:
    if subtitles is None:
        return ()
    return load_subtitles(subtitles) if isinstance(subtitles, str | Path) else tuple(subtitles)


def _cut(result: Result, top_k: int) -> Result:
    return replace(result, candidates=result.candidates[:top_k])
