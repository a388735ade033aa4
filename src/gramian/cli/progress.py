"""Progress on stderr: a bar on a terminal, otherwise a line now and then; and the end of reading threads at Ctrl-C."""

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

from gramian.fit.passes.memory import format_bytes

LINE_INTERVAL = 10.0  # seconds between lines, so that log files stay short
BAR_WIDTH = 16  # characters of the bar


@dataclass(slots=True)
class PassProgress:
    """Progress of a pass.

    Attributes
    ----------
    all_rows, all_size : int or None
        Rows and bytes of the source, where known.
    rows, size : int
        Rows and bytes that have been read.
    seconds : float
        Time since the pass began.
    number : int
        Number of the pass, shown from the second one on.
    """

    all_rows: int | None = None
    all_size: int | None = None
    rows: int = 0
    size: int = 0
    seconds: float = 0.0
    number: int = 1

    @property
    def fraction(self) -> float | None:
        """Fraction of the pass that is done, None where unknown.

        By rows, which advance in smaller steps, else by bytes.
        """
        for read, total in ((self.rows, self.all_rows), (self.size, self.all_size)):
            if total and read:
                return min(read / total, 1.0)
        return None

    @property
    def parts(self) -> list[str]:
        """Parts of the line, the most important first: rows, time left, speed, bytes."""
        parts = [_of_total(_short_number(self.rows), self.all_rows and _short_number(self.all_rows)) + " rows"]
        if self.fraction and self.seconds > 0:
            parts.append(f"{_format_seconds(self.seconds * (1 - self.fraction) / self.fraction)} left")
        if self.seconds > 0:
            parts.append(f"{_short_number(self.rows / self.seconds)} rows/s")
        if self.size:
            parts.append(_of_total(format_bytes(self.size), self.all_size and format_bytes(self.all_size)))
        return parts

    def text(self, width: int = 1000) -> str:
        """As many parts as fit into `width` characters, at least the first."""
        parts = self.parts
        if self.number > 1:
            parts[0] = f"pass {self.number}, {parts[0]}"
        while len(parts) > 1 and len(", ".join(parts)) > width:
            parts.pop()
        return ", ".join(parts)


class Display(Protocol):
    """Shows the progress of a pass; calls are serialized by a lock."""

    def show(self, progress: PassProgress) -> None:
        """Show the progress."""
        ...

    def stop(self) -> None:
        """Remove what was shown."""
        ...


class Hidden:
    """A display that shows nothing."""

    def show(self, progress: PassProgress) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""


class Lines:
    """A display that prints a line every few seconds; short passes print nothing."""

    def __init__(self, say: Callable[[str], None], every: float = LINE_INTERVAL) -> None:
        self.say, self.every, self.next = say, every, every

    def show(self, progress: PassProgress) -> None:
        """Print a line if it is time."""
        if progress.seconds >= self.next:
            self.next = progress.seconds + self.every
            self.say(f"reading: {progress.text()}")

    def stop(self) -> None:
        """Prepare for the next pass."""
        self.next = self.every


class Bar:
    """A bar that is removed at the end of the pass."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bar: RichProgress | None = None
        self.task = TaskID(0)

    def show(self, progress: PassProgress) -> None:
        """Draw the bar; it only moves back and forth where the end is unknown."""
        # Made at the first batch, so that a run which fails at once draws nothing.
        if self.bar is None:
            columns = (BarColumn(bar_width=BAR_WIDTH), TextColumn("{task.description}"))
            self.bar = RichProgress(*columns, console=self.console, transient=True)
            self.task = self.bar.add_task("", total=None)
            self.bar.start()
        fraction, text = progress.fraction, progress.text(self.console.width - BAR_WIDTH - 1)
        self.bar.update(self.task, description=text, total=None if fraction is None else 1.0, completed=fraction or 0.0)

    def stop(self) -> None:
        """Remove the bar."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


class Watch:
    """Receives the progress of a run from any thread; after `interrupt` it raises in each of them, which ends them."""

    def __init__(self, display: Display, now: Callable[[], float] = monotonic) -> None:
        self.display, self.now = display, now
        self.lock, self.progress, self.began = Lock(), PassProgress(), 0.0
        self.interrupted, self.number = False, 0

    def start(self, rows: int | None, size: int | None) -> None:
        """Begin a pass over so many rows and bytes, None where unknown."""
        self.number += 1
        self.progress, self.began = PassProgress(rows, size, number=self.number), self.now()

    def advance(self, rows: int, size: int) -> None:
        """Count rows and bytes that were read. Raises KeyboardInterrupt after `interrupt`."""
        # Read without the lock: one batch more does no harm.
        if self.interrupted:
            raise KeyboardInterrupt
        with self.lock:
            self.progress.rows += rows
            self.progress.size += size
            self.progress.seconds = self.now() - self.began
            self.display.show(self.progress)

    def stop(self) -> None:
        """End the pass."""
        with self.lock:
            self.display.stop()

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """Signal handler: end this thread now, and reading threads at their next batch."""
        self.interrupted = True
        raise KeyboardInterrupt


@contextmanager
def watching(progress: bool, *, stoppable: bool = False) -> Iterator[Watch]:
    """Context with a watch for a run, which Ctrl-C ends without waiting for files that are being read.

    stoppable : whether SIGTERM ends the run as well, because a checkpoint makes it possible to continue.
    """
    watch = Watch(_display(progress))
    # Batch systems send SIGTERM before they kill a job: time enough to write the checkpoint.
    signals = (signal.SIGINT, signal.SIGTERM) if stoppable else (signal.SIGINT,)
    previous = {number: signal.signal(number, watch.interrupt) for number in signals}
    try:
        yield watch
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _display(progress: bool) -> Display:
    """The display for this stderr: a bar on a terminal, lines otherwise, nothing without `progress`."""
    if not progress:
        return Hidden()
    console = Console(stderr=True)
    if console.is_terminal and not console.is_dumb_terminal:
        return Bar(console)
    return Lines(lambda text: print(text, file=sys.stderr, flush=True))


def _of_total(part: str, total: str | int | None) -> str:
    """A part with its total, where that is known."""
    return f"{part} of {total}" if total else part


def _short_number(number: float) -> str:
    """A number in four digits or fewer, with a letter: 9,999, then 10.0k, 2.5M, 7.1G."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= max(size, 1e4):
            return f"{number / size:.1f}{letter}"
    return f"{number:,.0f}"


def _format_seconds(seconds: float) -> str:
    """Seconds as minutes:seconds or hours:minutes:seconds."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
