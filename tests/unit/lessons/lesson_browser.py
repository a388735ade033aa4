"""The lesson in a real browser: how it is started, and what is read off the page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
# Scenes that nobody sees are not drawn, so their numbers are not read either.
NUMBERS = """
() => {
  const near = r => r.bottom > -150 && r.top < innerHeight + 150;
  const seen = e => !e.closest("[hidden], .paper") &&
    (e.closest(".stage") || near(e.closest("section").getBoundingClientRect()));
  return Object.fromEntries([...document.querySelectorAll("[data-number]")].filter(seen)
    .map(e => [e.dataset.number, e.dataset.value === "null" ? null : Number(e.dataset.value)]));
}
"""
POINTS = """() => [...document.querySelectorAll("#stage .dot")].map(g => [+g.dataset.x, +g.dataset.y])"""
WAIT = 5000  # ms; nothing on the page takes as long


def executable() -> str | None:
    """The browser that is here."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def started() -> Iterator[Any]:
    """A browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Opened:
    """A lesson that is open. faults : what the console said and what was asked of a network."""

    page: Any
    url: str
    faults: list[str] = field(default_factory=list)

    def numbers(self) -> dict[str, float | None]:
        """All numbers of the page by name, with all their digits."""
        self.settle()
        values: dict[str, float | None] = self.page.evaluate(NUMBERS)
        return values

    def go(self, fragment: str) -> None:
        """Go to a place, as if the lesson were opened there."""
        self.page.goto(self.url + (fragment or "#"))
        self.settle()

    def settle(self) -> None:
        """Wait for the next drawing."""
        self.page.evaluate("() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")

    def still(self) -> None:
        """Wait until axes have come to rest."""
        self.page.evaluate("""async () => {
          const seen = () => document.querySelector("#stage").innerHTML;
          const frame = () => new Promise(requestAnimationFrame);
          for (let same = 0, last = ""; same < 3; same = seen() === last ? same + 1 : 0, last = seen()) await frame();
        }""")

    def slide(self, name: str, value: float) -> None:
        """Move a slider."""
        self.page.locator(f"#{name}").evaluate(
            "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', { bubbles: true })); }", str(value)
        )

    def points(self) -> list[list[float]]:
        """The points of the figure."""
        self.settle()
        points: list[list[float]] = self.page.evaluate(POINTS)
        return points


def opened(browser: Any, path: Path, **options: Any) -> Opened:
    """The lesson of a file."""
    page = browser.new_page(**{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **options})
    page.set_default_timeout(WAIT)
    lesson = Opened(page, path.as_uri())
    page.on("console", lambda m: lesson.faults.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: lesson.faults.append(str(e.stack)))
    page.on("request", lambda r: None if r.url.startswith(lesson.url) else lesson.faults.append(r.url))
    page.goto(lesson.url)
    return lesson
