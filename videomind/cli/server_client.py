"""Talking to a running `videomind serve`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import urlsplit

from videomind.errors import EngineError, InputError

DEFAULT_URL = "http://127.0.0.1:8000"
CONNECT_S, ANSWER_S = 5.0, 600.0


class ServerClient:
    """One server by its address.

    Raises:
        InputError: the address is no http or https URL.
    """

    def __init__(self, url: str, api_key: str | None) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise InputError(f"--url {url}: give something like {DEFAULT_URL}")
        self._url = url.rstrip("/")
        self._headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}

    def call(self, method: str, path: str, files: Mapping[str, IO[bytes]] | None = None) -> Any:
        """What the server says, parsed.

        Raises:
            InputError: there is no such server, it does not know us, or it refuses the request.
            EngineError: it broke off, or something is wrong on its side.
        """
        import httpx2

        try:
            answer = httpx2.request(
                method,
                self._url + path,
                files=files,
                headers=self._headers,
                timeout=httpx2.Timeout(ANSWER_S, connect=CONNECT_S),
            )
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise InputError(f"no server at {self._url}; start one: videomind serve") from error
        except (httpx2.WriteError, httpx2.ReadError, httpx2.RemoteProtocolError) as error:
            size = " (what was sent may be too large)" if files else ""
            raise EngineError(f"the server at {self._url} broke off{size}") from error
        except httpx2.HTTPError as error:
            raise EngineError(f"the server at {self._url} cannot be asked: {error}") from error
        if answer.is_success:
            return answer.json()
        raise _as_error(answer.status_code, answer.content, self._url)


def _as_error(status: int, content: bytes, url: str) -> InputError | EngineError:
    """The server's refusal as an error of ours."""
    import json

    if status == 401:
        return InputError(f"the server at {url} wants its API key: give --api-key or set VIDEOMIND_API_KEY")
    try:
        text = str(json.loads(content)["error"]["message"])
    except (ValueError, LookupError, TypeError):
        return InputError(f"what answers at {url} is no VideoMind server (status {status}); give another --url")
    return InputError(text) if status < 500 else EngineError(f"the server at {url}: {text}")
