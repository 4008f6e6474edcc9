"""The page: the film on the left, the conversation on the right, what was before on the shelf."""

from __future__ import annotations

import os
import sys

import gradio as gr

from videomind.roles.spec import ROLES
from videomind.serve.asked import DEFAULT_TOP_K
from videomind.serve.page.assets import script
from videomind.serve.page.film import SHOWN, film
from videomind.serve.page.handlers import Handlers
from videomind.serve.page.shelf import shelf
from videomind.serve.page.subtitles import subtitles
from videomind.serve.page.view import View
from videomind.serve.settings import MIB
from videomind.serve.state import State

EVENTS_WAITING = 256
"""Presses of buttons that Gradio lets wait; questions have a queue of their own."""


def build_page(state: State) -> gr.Blocks:
    """The page as Gradio mounts it.

    Args:
        state: the server's store, and the model once it is loaded.
    """
    do, settings = Handlers(state), state.services.settings
    with gr.Blocks(title="VideoMind", analytics_enabled=False, fill_width=True) as page:
        view = gr.State(View())
        with gr.Sidebar(width=288, open=False):
            kept = shelf()
        gr.HTML(html_template="", js_on_load=script("dom", "header"), apply_default_css=False, elem_id="header")
        with gr.Row(elem_id="stage"):
            with gr.Column(scale=7, min_width=320, elem_id="left"):
                player = film(settings.max_upload_mib * MIB, settings.max_video_hours)
            with gr.Column(scale=5, min_width=320, elem_id="right"):
                chat = gr.Chatbot(
                    show_label=False,
                    container=False,
                    render_markdown=False,
                    sanitize_html=True,
                    allow_tags=False,
                    latex_delimiters=[],
                    buttons=[],
                    feedback_options=None,
                    layout="bubble",
                    height="100%",
                    placeholder="",
                    elem_id="chat",
                )
                tries = gr.Dataset(
                    components=["textbox"],
                    samples=[],
                    show_label=False,
                    visible=False,
                    container=False,
                    elem_id="tries",
                )
                about = gr.Button("", size="sm", visible=False, elem_id="about")
                with gr.Row(elem_id="asking"):
                    question = gr.Textbox(
                        placeholder="Ask about the video",
                        show_label=False,
                        container=False,
                        lines=1,
                        max_lines=5,
                        interactive=False,
                        elem_id="question",
                    )
                    ask = gr.Button("Ask", variant="primary", min_width=84, scale=0, elem_id="ask")
                    stop = gr.Button("Stop", min_width=84, scale=0, visible=False, elem_id="stop")
                with gr.Accordion("Options", open=False, elem_id="options"):
                    roles = gr.CheckboxGroup(list(ROLES), value=list(ROLES), label="Roles")
                    top_k = gr.Slider(1, SHOWN, DEFAULT_TOP_K, step=1, label="Candidates")
                    every = gr.Checkbox(False, label="Find every moment that matches")
                    choices = gr.Textbox(
                        label="Multiple choice", placeholder="One option per line", lines=2, max_lines=8
                    )
                    cues = subtitles()

        shown = [view, player, chat, kept, about, tries, question, ask, stop]
        quiet = {"show_progress": "hidden", "api_visibility": "private"}
        page.load(do.load, None, shown, **quiet)
        page.load(do.roles, None, [roles, choices], **quiet)
        player.uploaded(do.open_video, None, shown, **quiet)
        player.open_sample(do.open_sample, None, shown, **quiet)
        player.open_video(do.open_video, None, shown, **quiet)
        player.ask_about(do.ask_about, view, shown, **quiet)
        about.click(do.ask_about_all, view, shown, **quiet)
        kept.new_video(do.new_video, None, shown, **quiet)
        kept.open_video(do.open_video, None, shown, **quiet)
        kept.open_conversation(do.open_conversation, None, shown, **quiet)
        kept.rename_conversation(do.rename_conversation, view, shown, **quiet)
        kept.remove_conversation(do.remove_conversation, view, shown, **quiet)
        kept.remove_video(do.remove_video, view, shown, **quiet)
        chat.select(do.recall, view, shown, **quiet)
        asked = [choices, roles, top_k, every, cues, view]
        many = {"concurrency_limit": None, **quiet}
        gr.on([question.submit, ask.click], do.ask, [question, *asked], shown, **many)
        tries.click(lambda sample: sample[0], tries, question, **quiet).then(do.ask, [question, *asked], shown, **many)
        stop.click(do.stop, None, None, **many)
    _count_nothing()
    page.queue(max_size=EVENTS_WAITING, default_concurrency_limit=8, api_open=False)
    return page


def _count_nothing() -> None:
    """Gradio's queue would keep statistics for a dashboard that is off: a pandas table, made anew after each event."""
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(sys.maxsize))
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
