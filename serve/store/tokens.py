"""Secrets that we give out: 256 random bits each, of which we keep only the SHA-256.

A slow hash protects passwords, which can be guessed; these cannot. So a fast one does, and it can be looked up.
"""

from __future__ import annotations

import hashlib
import secrets

from videomind.serve.store.tables import SECOND

TOUCH = 60 * SECOND
"""Microseconds between two notes that a secret was used, so that not every request writes."""


def new_token() -> str:
    """43 characters that fit in headers, cookies and URLs."""
    return secrets.token_urlsafe(32)


def fingerprint(token: str) -> str:
    """What is kept of it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
