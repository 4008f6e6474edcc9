"""The contract of an engine: it runs roles on views of videos. Implementations stand beside this file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from videomind.cancellable import Cancel, iterate_cancellable, run_cancellable
from videomind.errors import InputError
from videomind.kernels.nms import Rows
from videomind.results import Usage
from videomind.vision.clip import Clip


@dataclass(frozen=True, slots=True)
class Service:
    """How a question is served among others. An engine that runs one call at a time takes notice of `answerer` only.

    Attributes:
        priority: smaller is served first.
        salt: KV is reused only between questions with the same salt; "" for what everyone may share.
        answerer: name of the answerer adapter to use (see `Engine.adapters`), or None for the model's own.
    """

    priority: int = 0
    salt: str = ""
    answerer: str | None = None


STANDARD = Service()


@dataclass(frozen=True, slots=True)
class RoleRequest:
    """One call of one role.

    Attributes:
        role: whose adapter acts; a role without adapter runs on the base model.
        clip: the frames it sees.
        text: the user text, after the video.
        reply_prefix: what the reply is made to begin with.
        segment: frame-pair positions between which the segment tokens stand, for the verifier.
        max_new_tokens: longest reply.
        service: how this request is to be served among others.
    """

    role: str
    clip: Clip
    text: str
    reply_prefix: str = ""
    segment: tuple[int, int] | None = None
    max_new_tokens: int = 256
    service: Service = STANDARD


class Reply(NamedTuple):
    """A generated text, without the reply prefix and the stop token."""

    text: str
    usage: Usage


class Choice(NamedTuple):
    """Probability of each choice as the first token of the reply, over the full softmax."""

    probabilities: tuple[float, ...]
    usage: Usage


class Grounding(NamedTuple):
    """The grounder's reply and its spans [≤ 100, 3] (start, end as fractions of the clip, score; best first).

    `spans` is None where the reply holds no `<|reg|>`: the role did not localise anything.
    """

    reply: str
    spans: Rows | None
    usage: Usage


class Memory(NamedTuple):
    """Bytes of the weights: the shared base, and per role what it adds ("adapter", "embeddings", "decoder")."""

    base: int
    roles: dict[str, dict[str, int]]


class Load(NamedTuple):
    """How busy an engine is: calls under way, and requests of theirs that wait for a place."""

    calls: int
    waiting: int


class Engine(ABC):
    """Runs batches of role requests. Decoding is greedy. All methods are safe to call from several threads.

    Requests of one call may be of different roles and share one batch. Results keep the order of the requests.
    Every method may raise `Cancelled` (the cancel event was set), `InputError` (a prompt longer than the model's
    context) and `EngineError` (the device gave up).
    """

    name: str

    @abstractmethod
    def generate(self, requests: Sequence[RoleRequest], cancel: Cancel | None = None) -> list[Reply]:
        """Decode replies."""

    @abstractmethod
    def stream(self, request: RoleRequest, cancel: Cancel | None = None) -> Iterator[str | Reply]:
        """One reply in pieces as they are decoded, and at the end the whole `Reply`."""

    @abstractmethod
    def choose(
        self, requests: Sequence[RoleRequest], choices: Sequence[str], cancel: Cancel | None = None
    ) -> list[Choice]:
        """Score choices (one-token texts) as the first token of the reply."""

    @abstractmethod
    def ground(self, requests: Sequence[RoleRequest], cancel: Cancel | None = None) -> list[Grounding]:
        """Localise: the reply prefix is taken as a draft, and checked to be what the role would have said."""

    @abstractmethod
    def memory(self) -> Memory:
        """What the weights take."""

    @abstractmethod
    def forget(self) -> None:
        """Drop what is kept from earlier requests for reuse."""

    def adapters(self) -> tuple[str, ...]:
        """Names of the answerer adapters that a request may ask for (`Service.answerer`)."""
        return ()

    def add_adapter(self, name: str, folder: Path) -> None:
        """Make an answerer adapter known under a name; requests go on meanwhile.

        Args:
            name: how requests will call it.
            folder: a PEFT folder. It is not needed afterwards.

        Raises:
            InputError: the name is taken or unusable, or this engine takes no adapters.
            BundleError: the adapter does not fit this base.
        """
        raise InputError(f"the {self.name} engine takes no answerer adapters while it runs; the vLLM engine does")

    def remove_adapter(self, name: str) -> None:
        """Forget an answerer adapter, once no request uses it any more.

        Raises:
            InputError: there is none of this name.
        """
        raise InputError(f"there is no answerer adapter {name!r}")

    def load(self) -> Load | None:
        """How busy the engine is; None of one that runs a call at a time."""
        return None

    def check_health(self) -> None:  # noqa: B027  (an engine in this process is alive as long as this process)
        """Raises:
        EngineDead: the engine has to be made anew.
        """

    @abstractmethod
    def close(self) -> None:
        """Free the device. The engine cannot be used afterwards."""

    async def agenerate(self, requests: Sequence[RoleRequest]) -> list[Reply]:
        """`generate`, awaitable; cancelling the task cancels the request."""
        return await run_cancellable(lambda cancel: self.generate(requests, cancel))

    async def achoose(self, requests: Sequence[RoleRequest], choices: Sequence[str]) -> list[Choice]:
        """`choose`, awaitable."""
        return await run_cancellable(lambda cancel: self.choose(requests, choices, cancel))

    async def aground(self, requests: Sequence[RoleRequest]) -> list[Grounding]:
        """`ground`, awaitable."""
        return await run_cancellable(lambda cancel: self.ground(requests, cancel))

    def astream(self, request: RoleRequest) -> AsyncGenerator[str | Reply]:
        """`stream` as an asynchronous iterator; closing it cancels the request."""
        return iterate_cancellable(lambda cancel: self.stream(request, cancel))
