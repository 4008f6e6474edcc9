"""Which of Gradio's paths are open: those that the page needs, and no other way in or out of the server."""

from __future__ import annotations

import re

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from videomind.serve.stopping import Stopping

OPEN = re.compile(
    r"/|/config/?|/theme\.css|/favicon\.ico|/robots\.txt|/manifest\.json|/(?:assets|static)/.+"
    r"|/gradio_api/(?:queue/join|queue/data|cancel|reset/?|startup-events|theme\.css|heartbeat/\w+)"
)


class OnlyThePage:
    """Gradio's app without what the page has no use for: uploads, files, proxies, calls past the queue, tools.

    Args:
        app: Gradio's.
        stopping: when the server ends, so do the streams that a page keeps open as long as it is shown.
    """

    def __init__(self, app: ASGIApp, stopping: Stopping) -> None:
        self._app, self._stopping = app, stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not OPEN.fullmatch(scope["path"]):
            raise HTTPException(404)
        await self._app(scope, self._stopping.disconnecting(receive), send)
