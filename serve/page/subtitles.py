"""A subtitle file beside the question: read by the browser, sent as text."""

from __future__ import annotations

import gradio as gr
from pydantic import BaseModel, Field, ValidationError

from videomind.errors import SubtitleError
from videomind.serve.page.assets import script

MAX_CHARACTERS = 4 << 20


class SubtitleFile(BaseModel):
    """What the browser sends."""

    name: str = Field(max_length=1000)
    text: str = Field(max_length=MAX_CHARACTERS)


def subtitles() -> gr.HTML:
    """A button to choose a file; its value is a `SubtitleFile`, or None. `static/subtitles.js` draws it."""
    return gr.HTML(
        None,
        html_template="",
        js_on_load=script("dom", "subtitles"),
        apply_default_css=False,
        elem_id="subtitles",
        max_characters=MAX_CHARACTERS,
    )


def subtitle_text(sent: object) -> str | None:
    """The text of the file; None where there is none.

    Raises:
        SubtitleError: it is too long, or was sent by no page of ours.
    """
    if not sent:
        return None
    try:
        return SubtitleFile.model_validate(sent).text
    except ValidationError:
        raise SubtitleError(f"a subtitle file may have {MAX_CHARACTERS >> 20} MB at most") from None
