"""The page in the server's app."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import gradio as gr
from fastapi import FastAPI
from starlette.routing import Mount

from videomind.serve.page.look import head, theme
from videomind.serve.page.page import build_page
from videomind.serve.page.paths import OnlyThePage
from videomind.serve.state import State


def mount_page(app: FastAPI, state: State) -> None:
    """Serve the page at `/`, after all other routes.

    Args:
        app: the server's.
        state: its store, and the model once it is loaded.
    """
    with ThreadPoolExecutor(1) as other:
        other.submit(asyncio.run, _mount(app, state)).result()
    mounted = app.router.routes[-1]
    assert isinstance(mounted, Mount)
    mounted.app = OnlyThePage(mounted.app, state.stopping)


async def _mount(app: FastAPI, state: State) -> None:
    """Where no event loop runs, Gradio would open several and leave them open."""
    gr.mount_gradio_app(
        app,
        build_page(state),
        path="/",
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=0,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=theme(),
        head=head(),
    )
