"""The one way to talk to a running `videomind serve`: requests, streams of events, and its errors as ours."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event as Flag
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import urlsplit

from videomind.client.cutting import cut_off_by
from videomind.client.errors import error_in_stream, error_of_response
from videomind.errors import Cancelled, EngineError, InputError

DEFAULT_URL = "http://127.0.0.1:8000"
CONNECT_S, ANSWER_S = 5.0, 600.0
CONNECTIONS = 256


class Server:
    """One server by its address. Threads may share it; connections stay open for further requests.

    Raises:
        InputError: the address is no http or https URL.
    """

    def __init__(self, url: str, api_key: str | None = None) -> None:
        import httpx2

        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise InputError(f"--url {url}: give something like {DEFAULT_URL}")
        self.url = url.rstrip("/")
        self._http = httpx2.Client(
            headers={} if api_key is None else {"Authorization": f"Bearer {api_key}"},
            timeout=httpx2.Timeout(ANSWER_S, connect=CONNECT_S),
            limits=httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
        )

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        files: Mapping[str, IO[bytes]] | None = None,
        content: Iterable[bytes] | None = None,
    ) -> Any:
        """What the server says, parsed.

        Args:
            method: of HTTP.
            path: of the resource, with its leading slash.
            params: of the query.
            files: parts of a multipart form.
            content: the body, piece by piece.

        Raises:
            InputError: there is no such server, it does not know us, or it refuses the request.
            ServerBusy: it has enough to do.
            EngineError: it broke off, or something is wrong on its side.
        """
        with self._named_errors(sends=bool(files or content)):
            answer = self._http.request(method, self.url + path, params=params, files=files, content=content)
        if not answer.is_success:
            raise error_of_response(answer.status_code, answer.headers, answer.content, self.url)
        return self._parsed(answer.content)

    def stream(self, path: str, body: Mapping[str, Any], cancel: Flag | None = None) -> Iterator[dict[str, Any]]:
        """What the server sends as it happens (server-sent events). Closing the iterator tells it to stop.

        Raises:
            Cancelled: the cancel event was set.
            InputError, ServerBusy, EngineError: as in `call`.
        """
        import httpx2

        with (
            self._named_errors(cancel),
            self._http.stream("POST", self.url + path, json=body) as answer,
            cut_off_by(cancel, answer),
        ):
            if not answer.is_success:
                raise error_of_response(answer.status_code, answer.headers, answer.read(), self.url)
            for event in httpx2.EventSource(answer, max_event_size=None):
                if event.data == "[DONE]":
                    continue  # nothing comes after it but the end
                data = self._parsed(event.data)
                if "error" in data:
                    raise error_in_stream(data["error"], self.url)
                yield data

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _parsed(self, text: str | bytes) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise self._no_server_of_ours() from error

    def _no_server_of_ours(self) -> InputError:
        return InputError(f"what answers at {self.url} is no VideoMind server; give another --url")

    @contextmanager
    def _named_errors(self, cancel: Flag | None = None, sends: bool = False) -> Iterator[None]:
        """Errors of the connection as errors of ours; what follows from a cancelled request as `Cancelled`."""
        import httpx2

        try:
            yield
        except httpx2.HTTPError as error:
            if cancel is not None and cancel.is_set():
                raise Cancelled("cancelled") from error
            if isinstance(error, httpx2.SSEError):
                raise self._no_server_of_ours() from error
            if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
                raise InputError(f"no server at {self.url}; start one: videomind serve") from error
            if isinstance(error, httpx2.WriteError | httpx2.ReadError | httpx2.RemoteProtocolError):
                size = " (what was sent may be too large)" if sends else ""
                raise EngineError(f"the server at {self.url} broke off{size}") from error
            raise EngineError(f"the server at {self.url} cannot be asked: {error}") from error
