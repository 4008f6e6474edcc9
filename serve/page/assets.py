"""The page's own scripts and styles, as they lie in `static/`, and the form in which values reach them."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

STATIC = files("videomind.serve.page") / "static"


@cache
def script(*names: str) -> str:
    """Scripts that share one scope, one after the other."""
    return "\n".join((STATIC / f"{name}.js").read_text(encoding="utf-8") for name in names)


@cache
def style(*names: str) -> str:
    """Style sheets, one after the other."""
    return "\n".join((STATIC / f"{name}.css").read_text(encoding="utf-8") for name in names)


def value_text(value: dict[str, Any]) -> str:
    """The value of a component that a script of ours draws.

    A text, since a dict would be changed in place in the browser while an answer streams, and then not drawn anew;
    without "<", since Gradio takes it for HTML, which it never becomes.
    """
    return json.dumps(value).replace("<", "\\u003c")
