"""Progress on stderr: a bar on a terminal, a line now and then otherwise; and what stops the reading threads."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from types import FrameType
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as RichProgress

from gramian.fit.passes.limits import format_bytes

LINE_INTERVAL = 10.0  # seconds between lines
BAR_WIDTH = 16  # characters of the bar


@dataclass(slots=True)
class PassProgress:
    """How far a pass is: rows and bytes read, how many there are when that is known, and seconds since its start.

    number : which pass it is; that there are several is told from the second on.
    """

    all_rows: int | None = None
    all_size: int | None = None
    rows: int = 0
    size: int = 0
    seconds: float = 0.0
    number: int = 1

    @property
    def fraction(self) -> float | None:
        """The part that is done, None when unknown; by rows, which come in smaller steps, else by bytes."""
        for read, total in ((self.rows, self.all_rows), (self.size, self.all_size)):
            if total and read:
                return min(read / total, 1.0)
        return None

    @property
    def parts(self) -> list[str]:
        """What is told, the most wanted first."""
        parts = [_of_total(_short_number(self.rows), self.all_rows and _short_number(self.all_rows)) + " rows"]
        if self.fraction and self.seconds > 0:
            parts.append(f"{_format_seconds(self.seconds * (1 - self.fraction) / self.fraction)} left")
        if self.seconds > 0:
            parts.append(f"{_short_number(self.rows / self.seconds)} rows/s")
        if self.size:
            parts.append(_of_total(format_bytes(self.size), self.all_size and format_bytes(self.all_size)))
        return parts

    def text(self, width: int = 1000) -> str:
        """As many of the parts as there is room for, at least the first."""
        parts = self.parts
        if self.number > 1:
            parts[0] = f"pass {self.number}, {parts[0]}"
        while len(parts) > 1 and len(", ".join(parts)) > width:
            parts.pop()
        return ", ".join(parts)


class Display(Protocol):
    """Shows a trip; told under a lock."""

    def show(self, progress: PassProgress) -> None:
        """Show how far it is."""
        ...

    def stop(self) -> None:
        """Leave nothing behind."""
        ...


class Hidden:
    """Shows nothing."""

    def show(self, progress: PassProgress) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""


class Lines:
    """A line every so many seconds, so that short runs say nothing."""

    def __init__(self, say: Callable[[str], None], every: float = LINE_INTERVAL) -> None:
        self.say, self.every, self.next = say, every, every

    def show(self, progress: PassProgress) -> None:
        """A line, if it is time."""
        if progress.seconds >= self.next:
            self.next = progress.seconds + self.every
            self.say(f"reading: {progress.text()}")

    def stop(self) -> None:
        """Be ready for the next trip."""
        self.next = self.every


class Bar:
    """A bar that disappears when the trip is over."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bar: RichProgress | None = None
        self.task = TaskID(0)

    def show(self, progress: PassProgress) -> None:
        """Draw it; a moving pattern where the end is unknown."""
        if self.bar is None:
            columns = (BarColumn(bar_width=BAR_WIDTH), TextColumn("{task.description}"))
            self.bar = RichProgress(*columns, console=self.console, transient=True)
            self.task = self.bar.add_task("", total=None)
            self.bar.start()
        fraction, text = progress.fraction, progress.text(self.console.width - BAR_WIDTH - 1)
        self.bar.update(self.task, description=text, total=None if fraction is None else 1.0, completed=fraction or 0.0)

    def stop(self) -> None:
        """Take it away."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


class Watch:
    """What a run tells its progress to, from any thread; after `interrupt` it refuses, which ends the threads."""

    def __init__(self, display: Display, now: Callable[[], float] = monotonic) -> None:
        self.display, self.now = display, now
        self.lock, self.progress, self.began = Lock(), PassProgress(), 0.0
        self.interrupted, self.number = False, 0

    def start(self, rows: int | None, size: int | None) -> None:
        """A pass begins."""
        self.number += 1
        self.progress, self.began = PassProgress(rows, size, number=self.number), self.now()

    def advance(self, rows: int, size: int) -> None:
        """More has been read."""
        if self.interrupted:
            raise KeyboardInterrupt
        with self.lock:
            self.progress.rows += rows
            self.progress.size += size
            self.progress.seconds = self.now() - self.began
            self.display.show(self.progress)

    def stop(self) -> None:
        """The pass is over."""
        with self.lock:
            self.display.stop()

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """Ctrl-C: end this thread, and the reading ones at their next batch."""
        self.interrupted = True
        raise KeyboardInterrupt


@contextmanager
def watching(progress: bool, *, stoppable: bool = False) -> Iterator[Watch]:
    """A watch for a run, which Ctrl-C stops without waiting for the files that are being read.

    stoppable : so does SIGTERM, because the run can go on later.
    """
    watch = Watch(_display(progress))
    signals = (signal.SIGINT, signal.SIGTERM) if stoppable else (signal.SIGINT,)
    previous = {number: signal.signal(number, watch.interrupt) for number in signals}
    try:
        yield watch
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _display(progress: bool) -> Display:
    if not progress:
        return Hidden()
    console = Console(stderr=True)
    if console.is_terminal and not console.is_dumb_terminal:
        return Bar(console)
    return Lines(lambda text: print(text, file=sys.stderr, flush=True))


def _of_total(part: str, total: str | int | None) -> str:
    return f"{part} of {total}" if total else part


def _short_number(number: float) -> str:
    """Four digits or fewer: 9,999, then 10.0k, 2.5M, 7.1G."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= max(size, 1e4):
            return f"{number / size:.1f}{letter}"
    return f"{number:,.0f}"


def _format_seconds(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
