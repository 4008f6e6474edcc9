"""Who sent a request: by its API key, or by the session of the page."""

from __future__ import annotations

import hashlib
import hmac
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers

from videomind.serve.caller import LOCAL, Caller
from videomind.serve.services import Services

COOKIE = "videomind_session"
CONFIGURED = "default"
"""Name of the key that stands in the settings."""


class Identity:
    """Knows keys and sessions. Keys are compared by their SHA-256; the one of the settings is not kept otherwise.

    Args:
        services: the stored keys and sessions, and the settings' key.
    """

    def __init__(self, services: Services) -> None:
        configured = services.settings.api_key
        self._configured = None if configured is None else _digest(configured.get_secret_value())
        self._keys, self._sessions = services.keys, services.sessions
        self.locked = configured is not None or self._keys.any()
        """Whether nobody gets in without a key."""

    def caller(self, headers: Headers, address: str) -> Caller | None:
        """Who it is; None = nobody who may come in. Asks the database, so call it in a thread.

        Args:
            headers: of the request.
            address: where it comes from.
        """
        owner = self.owner_of_key(_bearer(headers)) if self.locked else None
        if owner is None and (token := session_token(headers)):
            owner = self._sessions.owner_of(token)
        if owner is not None and (not self.locked or owner.startswith("key:")):
            return Caller(owner, owner)
        return None if self.locked else Caller(LOCAL, f"address:{address}")

    def new_session(self, owner: str | None = None) -> tuple[str, str]:
        """The token and the owner of a new session; without an owner, one of its own."""
        return self._sessions.start(owner)

    def owner_of_key(self, key: str) -> str | None:
        """The owner "key:NAME" of what is asked with this key; None = there is no such key."""
        if not key:
            return None
        if self._configured is not None and hmac.compare_digest(_digest(key), self._configured):
            return f"key:{CONFIGURED}"
        name = self._keys.name_of(key)
        return None if name is None else f"key:{name}"


def session_token(headers: Headers) -> str:
    """The session's token in the cookies, or ""."""
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return "" if morsel is None else morsel.value


def _bearer(headers: Headers) -> str:
    kind, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if kind.lower() == "bearer" else ""


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
