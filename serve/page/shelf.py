"""The shelf at the side: the conversations of before, and the videos to ask about."""

from __future__ import annotations

import gradio as gr

from videomind.serve.page.assets import script, value_text
from videomind.serve.page.film import poster_url
from videomind.serve.page.view import View
from videomind.serve.page.words import clock
from videomind.serve.services import Services

SHOWN = 60
"""Of each kind."""


def shelf() -> gr.HTML:
    """The shelf with nothing on it. Its value is what `shelf_value` gives; `static/shelf.js` draws it.

    Events: `new_video` {}, `open_video` {id}, `remove_video` {id}, `open_conversation` {id},
    `rename_conversation` {id, title}, `remove_conversation` {id}.
    """
    return gr.HTML(
        value_text({"videos": [], "conversations": []}),
        html_template="",
        js_on_load=script("dom", "shelf"),
        apply_default_css=False,
        elem_id="shelf",
    )


def shelf_value(services: Services, owner: str, view: View) -> str:
    """What an owner has, for `shelf`.

    Args:
        services: where it is kept.
        owner: whose it is.
        view: what is looked at now.
    """
    videos = services.library.entries(owner, SHOWN)
    conversations = services.conversations.entries(owner, SHOWN)
    value = {
        "videos": [
            {"id": v.id, "name": v.name, "length": clock(v.info.duration), "poster": poster_url(v)} for v in videos
        ],
        "conversations": [{"id": c.id, "title": c.title, "name": c.file_name} for c in conversations],
        "video": view.video,
        "conversation": view.conversation,
    }
    return value_text(value)
