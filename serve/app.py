"""The app: its routes, one guard before all of them, and one shape for all errors."""

from __future__ import annotations

from fastapi import FastAPI

from videomind.serve import adapters, health, metrics
from videomind.serve.errors import install_error_handlers
from videomind.serve.security import Guard
from videomind.serve.state import State


def create_app(state: State, api_key: str | None = None, local: bool = True) -> FastAPI:
    """Args:
    state: what is served; it may be filled later.
    api_key: what clients have to bring, or None.
    local: whether the server can be reached from this machine only.
    """
    app = FastAPI(title="VideoMind", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.videomind = state
    for part in (health, metrics, adapters):
        app.include_router(part.router)
    install_error_handlers(app)
    app.add_middleware(Guard, api_key=api_key, local=local)
    return app
