"""A real browser before a real server: Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.serve.live import Live, live_server
from tests.serve.page.person import CHROMIUM_OPTIONS, Person
from videomind.agent import Agent
from videomind.synth.demo import write_demo


@pytest.fixture(scope="session")
def demo_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """36 s of known events (`videomind.synth.demo`)."""
    return write_demo(tmp_path_factory.mktemp("demo") / "demo.mp4")


@pytest.fixture(scope="session")
def live_page(tmp_path_factory: pytest.TempPathFactory, nano_agent: Agent) -> Iterator[Live]:
    """A server with the page."""
    with live_server(tmp_path_factory.mktemp("page") / "data", nano_agent, page=True) as live:
        yield live


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium as the system has it; while it is there, Playwright's event loop runs in this thread."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("no Chromium is installed (apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM_OPTIONS))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab of a browser that was never here; it may not ask anything of another machine, nor break."""
    context = browser.new_context(viewport={"width": 1360, "height": 860})
    page = context.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("console", lambda message: broken.append(message.text) if "callback" in message.text else None)
    page.on("request", lambda request: broken.append(request.url) if _is_elsewhere(request.url) else None)
    yield page
    context.close()
    assert broken == []


@pytest.fixture
def person(page: Page, live_page: Live) -> Person:
    """Somebody before the empty page."""
    return Person(page, live_page.url).arrive()


def _is_elsewhere(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "data:", "blob:"))
