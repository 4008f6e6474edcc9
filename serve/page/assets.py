"""The page's own scripts and styles, as they lie in `static/`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

STATIC = files("videomind.serve.page") / "static"


@cache
def script(*names: str) -> str:
    """Scripts that share one scope, one after the other."""
    return "\n".join((STATIC / f"{name}.js").read_text(encoding="utf-8") for name in names)


@cache
def style(*names: str) -> str:
    """Style sheets, one after the other."""
    return "\n".join((STATIC / f"{name}.css").read_text(encoding="utf-8") for name in names)
