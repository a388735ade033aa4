"""The lesson in a browser: its size, the first paint, and frames while a point is dragged, each beside its bar.

python benchmarks/lesson_page.py [--points N] [--moves N]

Frames are counted in the page: the time that the scripts of a drawing take, and the time between frames. Beside them
stands the processor time of all that the page does for a frame, which other processes do not lengthen as much. Needs
playwright and Chromium. Exit code 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import math
import shutil
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import machine
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.table import Table

import gramian as gm

FRAME = 1000 / 60  # ms
BARS = {
    "kB": 300.0, "first paint, ms": 300.0, "processor, ms": FRAME, "between frames, ms": 1.05 * FRAME,
    "95 % of them, ms": 1.5 * FRAME,
}  # fmt: skip
SCENES = ("cost", "matrices", "minimum", "descent", "valley", "powers", "curves")  # where points are dragged
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
WATCH = """
() => {
  window.drawTimes.length = 0;
  window.gaps = [];
  let last = performance.now();
  const frame = now => { gaps.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
}
"""
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=50)
    parser.add_argument("--moves", type=int, default=120)
    options = parser.parse_args()
    before = machine.Usage.now()
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "lesson.html"
        gm.lesson().save(path)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        paints = [_paint(browser, path) for _ in range(5)]
        frames = {scene: _drag(browser, path, scene, options.points, options.moves) for scene in SCENES}
        size = path.stat().st_size / 1e3
        browser.close()
    console = Console(width=None if sys.stdout.isatty() else 110)
    table = Table(title=f"dragging one of {options.points} points")
    for heading in ("scene", "drawn", "script, ms", "95 %", *list(BARS)[2:]):
        table.add_column(heading, justify="left" if heading == "scene" else "right")
    for scene, (draws, gaps, cost) in frames.items():
        table.add_row(scene, str(len(draws)), *(f"{v:.1f}" for v in (*_both(draws), cost, *_both(gaps))))
    console.print(table)
    worst = [max(_both(gaps)[k] for _, gaps, _ in frames.values()) for k in (0, 1)]
    most = max(cost for *_, cost in frames.values())
    measured = dict(zip(BARS, (size, median(paints), most, *worst), strict=True))
    for name, value in measured.items():
        console.print(f"{name}: {value:.1f}, at most {BARS[name]:.1f}", highlight=False)
    console.print(f"taken by others meanwhile: {machine.Usage.now().taken_by_others(before):.0%}", highlight=False)
    return int(any(value > BARS[name] for name, value in measured.items()))


def _both(times: list[float]) -> tuple[float, float]:
    """Median and 95 % point."""
    return median(times), sorted(times)[int(0.95 * len(times))]


def _paint(browser: Any, path: Path) -> float:
    """Milliseconds to the first paint of content."""
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length")
    value: float = page.evaluate(PAINT)
    page.close()
    return value


def _drag(browser: Any, path: Path, scene: str, points: int, moves: int) -> tuple[list[float], list[float], float]:
    """Milliseconds of the scripts of each drawing, between frames, and of the processor for one, during a drag."""
    many = ";".join(f"{i / 2},{2 + math.sin(i / 5) + i * 0.05:.2f}" for i in range(points))
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{path.as_uri()}#scene={scene}&pts={many}")
    page.wait_for_timeout(400)
    at = page.locator("#stage .dot").nth(5).bounding_box()
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(WATCH)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = _busy(session)
    for i in range(moves):
        page.mouse.move(x + 60 * math.sin(i / 12), y - 80 * math.sin(i / 9))
        page.wait_for_timeout(8)
    page.mouse.up()
    draws, gaps = page.evaluate("() => [drawTimes, gaps]")
    cost = 1e3 * (_busy(session) - before) / len(draws)
    page.close()
    return draws, gaps, cost


def _busy(session: Any) -> float:
    """Seconds that the page's thread has had of the processor."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(m["value"]) for m in metrics if m["name"] == "TaskDuration")


if __name__ == "__main__":
    raise SystemExit(main())
