"""Pictures of the page for the documentation: `python -m tests.serve.page.screenshots docs/images`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.serve.live import live_server
from tests.serve.page.person import CHROMIUM_OPTIONS, Person
from videomind.agent import Agent
from videomind.synth.demo import write_demo

WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
TRIANGLE, BLINKS = "What does the yellow triangle do?", "What shape is the thing that blinks?"
CROSS = "What does the white cross do?"
SHOWS_TRIANGLE = 16.2
"""Seconds into the film."""


def main(out: Path, executable: str = "/usr/bin/chromium") -> None:
    """Take them all."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Agent.from_pretrained(device="cpu") as agent:
        video = write_demo(Path(folder) / "demo.mp4")
        with live_server(Path(folder) / "data", agent, page=True) as live, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM_OPTIONS))
            for name, colours, size in (("light", "light", WIDE), ("dark", "dark", WIDE), ("phone", "light", PHONE)):
                person = _person(browser, live.url, colours, size).upload(video)
                person.ask(BLINKS)
                person.ask(TRIANGLE)
                if size is WIDE:
                    person.page.locator("#chat .thought-group > .title").last.click()
                _take(person, out / f"page-{name}.png", SHOWS_TRIANGLE)
            person = _person(browser, live.url, "light", WIDE).upload(video)
            person.ask(CROSS)
            _take(person, out / "page-not-found.png", 30.0)
            browser.close()


def _person(browser: Browser, url: str, colours: str, size: dict[str, int]) -> Person:
    context = browser.new_context(viewport=size, color_scheme=colours, device_scale_factor=1.5)
    return Person(context.new_page(), url).arrive()


def _take(person: Person, path: Path, seconds: float) -> None:
    person.page.evaluate(f"(v => {{ v.pause(); v.currentTime = {seconds}; }})(document.querySelector('video'))")
    person.page.mouse.move(5, 5)
    person.page.evaluate("document.activeElement?.blur()")
    person.page.wait_for_timeout(1200)
    person.page.screenshot(path=path)
    person.page.context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
