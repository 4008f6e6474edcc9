"""`/login`: a browser, which cannot send an API key with every request, opens a session with it; `/logout` ends it."""

from __future__ import annotations

from functools import cache
from typing import Annotated

from fastapi import APIRouter, Form, Request
from jinja2 import Environment, PackageLoader, Template
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from videomind.serve.identity import COOKIE, Identity, session_token
from videomind.serve.session_cookie import add_session
from videomind.serve.state import state_of

router = APIRouter(include_in_schema=False)


@router.get("/login")
def show(request: Request) -> Response:
    """A field for the key; on a server without keys there is nothing to do."""
    if not _identity(request).locked:
        return RedirectResponse("/", 303)
    return _page()


@router.post("/login")
async def log_in(request: Request, key: Annotated[str, Form(max_length=512)] = "") -> Response:
    """Open a session for whoever has a key."""
    identity, attempts = _identity(request), request.app.state.attempts
    address = request.client.host if request.client else ""
    if attempts.too_many(address):
        return _page("Too many wrong keys: wait a minute.", 429)
    owner = await run_in_threadpool(identity.owner_of_key, key.strip())
    if owner is None:
        attempts.note(address)
        return _page("There is no such key.", 401)
    token, _ = await run_in_threadpool(identity.new_session, owner)
    answer = RedirectResponse("/", 303)
    add_session(answer, token, state_of(request).services.settings.secure_cookies)
    return answer


@router.post("/logout")
async def log_out(request: Request) -> Response:
    """End the session."""
    await run_in_threadpool(state_of(request).services.sessions.end, session_token(request.headers))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


def _identity(request: Request) -> Identity:
    identity: Identity = request.app.state.identity
    return identity


def _page(problem: str = "", status: int = 200) -> HTMLResponse:
    return HTMLResponse(_template().render(problem=problem), status)


@cache
def _template() -> Template:
    return Environment(loader=PackageLoader("videomind.serve"), autoescape=True).get_template("login.html")
