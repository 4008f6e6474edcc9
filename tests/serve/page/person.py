"""What a person does on the page, and sees there."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from playwright.sync_api import Page, expect

CHROMIUM_OPTIONS = ("--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio")
PATIENCE = 60_000
"""Milliseconds: an answer on a busy machine."""
expect.set_options(timeout=PATIENCE)


class Person:
    """Args:
    page: their tab.
    url: of the server.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        page.set_default_timeout(PATIENCE)

    def arrive(self, path: str = "/") -> Self:
        """Open the page; every title of a step that was ever shown is remembered."""
        self.page.add_init_script(
            "window.titles = new Set(); new MutationObserver(() => document.querySelectorAll('#chat .title').forEach("
            "title => titles.add(title.innerText.trim()))).observe(document, {subtree: true, childList: true})"
        )
        self.page.goto(self.url + path)
        expect(self.page.locator(".film")).to_be_attached()
        return self

    def choose(self, video: Path) -> Self:
        """Choose a file to upload."""
        self.page.set_input_files(".film input[type=file]", video)
        return self

    def upload(self, video: Path) -> Self:
        """Upload a video and wait until it can be played."""
        return self.choose(video).wait_for_video()

    def wait_for_video(self) -> Self:
        """Until there is one that can be played."""
        expect(self.page.locator(".film.has-video")).to_be_visible()
        self.page.wait_for_function("document.querySelector('video').readyState >= 1")
        return self

    def start_asking(self, question: str) -> Self:
        """Write a question and press enter."""
        asked = len(self.questions)
        expect(self.page.locator("#question textarea")).to_be_enabled()
        self.page.fill("#question textarea", question)
        self.page.press("#question textarea", "Enter")
        expect(self.page.locator("#chat .user-row")).to_have_count(asked + 1)
        return self

    def ask(self, question: str) -> str:
        """Ask, and wait for the answer."""
        self.start_asking(question)
        expect(self.page.locator("#ask")).to_be_visible()
        return self.answers[-1]

    @property
    def answers(self) -> list[str]:
        """All of the conversation."""
        return self.page.locator("#chat .bot-row [data-testid=bot] > .message-content").all_inner_texts()

    @property
    def questions(self) -> list[str]:
        """All of the conversation."""
        return self.page.locator("#chat .user-row .message-content").all_inner_texts()

    @property
    def time(self) -> float:
        """Where the player is, in seconds."""
        return float(self.page.evaluate("document.querySelector('video').currentTime"))

    @property
    def paused(self) -> bool:
        """Whether the player stands still."""
        return bool(self.page.evaluate("document.querySelector('video').paused"))

    @property
    def titles(self) -> list[str]:
        """Every title of a step that was shown, however briefly."""
        return list(self.page.evaluate("[...titles]"))

    def wait_until_within(self, start: float, end: float) -> None:
        """Until the player is in this part (seconds)."""
        inside = (
            f"(() => {{ const t = document.querySelector('video').currentTime; return {start} <= t && t <= {end}; }})()"
        )
        self.page.wait_for_function(inside)

    def span_of(self, row: int) -> tuple[float, float]:
        """Start and end of a candidate as its line says it, in seconds."""
        start, end = self.page.locator(f"button.row[data-index='{row}'] .row-time").inner_text().split(" – ")
        return _seconds(start), _seconds(end)


def _seconds(clock: str) -> float:
    minutes, seconds = clock.split(":")
    return 60 * float(minutes) + float(seconds)
