"""A headless Chromium of the distribution, and what must not happen on any page of ours."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium_path() -> str | None:
    """Where a Chromium is; None if there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def launched(path: str) -> Iterator[Any]:
    """A browser, closed at the end of the block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Watched:
    """Notes errors in the console and requests to elsewhere.

    Attributes:
        home: Address of the server.
        errors: What the console, or a script, said.
        foreign: Addresses that were asked for.
        requests: How many requests were made.
    """

    home: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    requests: int = 0

    def watch(self, page: Any) -> Any:
        """Watch a page from now on, and return it."""
        page.on("console", lambda said: self._said(said.type, said.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda asked: self._asked(asked.url))
        page.wait_for_function = None  # it needs eval, which the page forbids, once it has to wait
        return page

    def _said(self, kind: str, text: str) -> None:
        if kind == "error":
            self.errors.append(text)

    def _asked(self, url: str) -> None:
        self.requests += 1
        if not url.startswith((self.home, "data:", "blob:")):
            self.foreign.append(url)
