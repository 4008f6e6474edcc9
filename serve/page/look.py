"""Colours, type and head of the page. Nothing of it comes from elsewhere: system fonts, no CDN."""

from __future__ import annotations

import gradio as gr

from videomind.serve.page.assets import style

FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
ACCENT = gr.themes.Color(
    "#fff4ec",
    "#fdeee4",
    "#fbd5bd",
    "#f8b48c",
    "#f58d54",
    "#e8590c",
    "#d04f0a",
    "#b8430a",
    "#923608",
    "#6e2906",
    "#431803",
)


def theme() -> gr.themes.Base:
    """Quiet surfaces, one accent."""
    return gr.themes.Base(
        primary_hue=ACCENT, secondary_hue=ACCENT, neutral_hue="slate", radius_size="lg", font=FONT, font_mono=MONO
    ).set(
        body_background_fill="var(--vm-ground)",
        body_background_fill_dark="var(--vm-ground)",
        body_text_color="var(--vm-ink)",
        body_text_color_dark="var(--vm-ink)",
        body_text_color_subdued="var(--vm-soft)",
        body_text_color_subdued_dark="var(--vm-soft)",
        background_fill_primary="var(--vm-surface)",
        background_fill_primary_dark="var(--vm-surface)",
        background_fill_secondary="var(--vm-quiet)",
        background_fill_secondary_dark="var(--vm-quiet)",
        border_color_primary="var(--vm-line)",
        border_color_primary_dark="var(--vm-line)",
        block_background_fill="var(--vm-surface)",
        block_background_fill_dark="var(--vm-surface)",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_shadow="none",
        block_shadow_dark="none",
        input_background_fill="var(--vm-surface)",
        input_background_fill_dark="var(--vm-surface)",
        input_border_color="var(--vm-line)",
        input_border_color_dark="var(--vm-line)",
        input_border_color_focus="var(--vm-accent)",
        input_border_color_focus_dark="var(--vm-accent)",
        button_primary_background_fill="var(--vm-accent)",
        button_primary_background_fill_dark="var(--vm-accent)",
        button_primary_text_color="var(--vm-on-accent)",
        button_primary_text_color_dark="var(--vm-on-accent)",
    )


def head() -> str:
    """For the page's head: our style sheets as they are (Gradio would rewrite their rules)."""
    return f'<meta name="color-scheme" content="light dark"><style>{style("page", "film", "shelf")}</style>'
