"""The HTTP side in a thread of its own, so that the main thread can load the model and listen to signals."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Sequence

import uvicorn
from starlette.types import ASGIApp

from videomind.errors import InputError

GRACE = 10
"""Seconds that requests under way may take to finish when the server stops."""


class HttpServer:
    """Holds the port from the beginning; answers from `start` to `close`.

    Args:
        app: what answers.
        host: address to listen on.
        port: 0 takes a free one.
        trusted_proxies: addresses of fronts whose X-Forwarded-For and -Proto say who really asks.
        on_close: called first when it is to end.

    Raises:
        InputError: the address cannot be used.
    """

    def __init__(
        self,
        app: ASGIApp,
        host: str,
        port: int,
        trusted_proxies: Sequence[str] = (),
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._socket = socket.create_server((host, port), family=family)
        except (OSError, OverflowError) as error:
            number = getattr(error, "errno", None)
            reason = os.strerror(number) if number and number > 0 else error
            raise InputError(f"cannot listen on {host} port {port}: {reason}; give another --port or --host") from error
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=list(trusted_proxies),
            timeout_graceful_shutdown=GRACE,
        )
        self._server, self._on_close = uvicorn.Server(config), on_close
        self._thread = threading.Thread(target=self._run, name="videomind-http")
        self._ended = threading.Event()  # before Python 3.13 a thread whose `join` a signal ends counts as ended itself

    def start(self) -> None:
        """Answer requests from now on."""
        self._thread.start()

    def wait(self) -> None:
        """Until it has stopped."""
        self._ended.wait()

    def close(self) -> None:
        """Take no more requests, and give those under way some seconds. May be called again."""
        self._on_close()
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._ended.wait()
        self._socket.close()

    def _run(self) -> None:
        try:
            self._server.run([self._socket])
        finally:
            self._ended.set()
