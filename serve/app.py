"""The app: its routes, one guard before all of them, one shape for all errors, and the page."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware

from videomind.serve import adapters, health, login, metrics
from videomind.serve.api import chat, conversations, files, models, moments, results
from videomind.serve.api.error_body import ERRORS
from videomind.serve.attempts import Attempts
from videomind.serve.bodies import Bodies
from videomind.serve.errors import install_error_handlers
from videomind.serve.identity import Identity
from videomind.serve.observed import Observed
from videomind.serve.security import Guard
from videomind.serve.state import State

PARTS = (health, metrics, login, chat, models, moments, files, results, conversations, adapters)


def create_app(state: State, local: bool = True) -> FastAPI:
    """Args:
    state: what is served; its model may come later.
    local: whether the server can be reached from this machine only.
    """
    settings = state.services.settings
    app: FastAPI = FastAPIOffline(title="VideoMind", redoc_url=None, openapi_url="/v1/openapi.json")
    app.state.videomind = state
    app.state.identity, app.state.attempts = Identity(state.services), Attempts()
    for part in PARTS:
        app.include_router(part.router, responses=ERRORS)
    install_error_handlers(app)
    if settings.page:
        from videomind.serve.page.mount import mount_page

        mount_page(app, state)
    app.add_middleware(Bodies, patience_s=settings.upload_idle_s)
    app.add_middleware(
        Guard,
        identity=app.state.identity,
        local=local,
        secure_cookies=settings.secure_cookies,
        origins=settings.cors_origins,
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type"],
        )
    app.add_middleware(Observed)
    return app
