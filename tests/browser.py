"""A real browser for looking at pages and mails; it reaches nothing but this machine."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Playwright, Route, sync_playwright

T = TypeVar("T")

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class BrowserThread:
    """Chromium in a thread of its own, where Playwright keeps an event loop running: no asyncio.run may be beside it."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "browser")
        self._playwright, self._browser = self._pool.submit(self._start).result()

    @staticmethod
    def _start() -> tuple[Playwright, Browser]:
        playwright = sync_playwright().start()
        installed = next(filter(None, map(shutil.which, NAMES)), None)  # else Playwright's own
        return playwright, playwright.chromium.launch(executable_path=installed, args=list(ARGUMENTS))

    def close(self) -> None:
        self._pool.submit(self._browser.close).result()
        self._pool.submit(self._playwright.stop).result()
        self._pool.shutdown()

    def look(self, work: Callable[[Page], T], *, width: int = 640, dark: bool = False) -> T:
        """What `work` finds on a fresh page of that width."""

        def run() -> T:
            context = self._browser.new_context(
                viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
            )
            context.route("**/*", _stay_here)
            try:
                return work(context.new_page())
            finally:
                context.close()

        return self._pool.submit(run).result(timeout=60)


def _stay_here(route: Route) -> None:
    if urlsplit(route.request.url).hostname in ("127.0.0.1", "localhost"):
        route.continue_()
    else:
        route.abort()


def faults(page: Page, *ignored: str) -> list[str]:
    """What axe-core finds wrong with a page, each rule with the elements that break it."""
    page.wait_for_load_state()
    page.evaluate("document.documentElement.style.background = 'Canvas'")  # axe takes an unpainted canvas for white
    options = {"rules": {rule: {"enabled": False} for rule in ignored}}
    found: list[dict[str, Any]] = Axe().run(page, options=options).response["violations"]
    return [f"{each['id']} ({each['impact']}): {[node['html'][:120] for node in each['nodes']][:3]}" for each in found]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    pixels: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return pixels
