"""Errors as the API describes them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class ErrorDetail(BaseModel):
    """What was wrong, and what to do."""

    message: str
    type: str


class ErrorBody(BaseModel):
    """The body of every answer that is no success."""

    error: ErrorDetail


ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "The request cannot be served as it is."},
    "5XX": {"model": ErrorBody, "description": "The server cannot serve it now."},
}
"""For `responses` of a router."""
