"""Progress as a bar: of rich, or in a notebook of tqdm where it is installed."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from threading import Lock
from typing import Any, Protocol

from gramian.engines.progress import Progress
from gramian.errors import OptionError


class Bar(Protocol):
    """A bar of one pass."""

    def update(self, rows: int) -> None:
        """More rows have been read."""
        ...

    def close(self) -> None:
        """The pass has ended."""
        ...


@dataclass(slots=True)
class BarProgress:
    """What `progress=True` stands for: a bar for each pass, which counts rows.

    Attributes
    ----------
    passes : int
        Number of passes so far.
    bar : Bar or None
        That of the pass under way.
    lock : Lock
        Held while the bar moves, as several threads read.
    """

    passes: int = 0
    bar: Bar | None = None
    lock: Any = field(default_factory=Lock)

    def start(self, rows: int | None, size: int | None) -> None:
        """As of `Progress`."""
        self.passes += 1
        self.bar = (TqdmBar if in_notebook() and find_spec("tqdm") else RichBar)(f"pass {self.passes}", rows)

    def advance(self, rows: int, size: int) -> None:
        """As of `Progress`."""
        with self.lock:
            if self.bar is not None:
                self.bar.update(rows)

    def stop(self) -> None:
        """As of `Progress`."""
        with self.lock:
            if self.bar is not None:
                self.bar.close()
            self.bar = None


class RichBar:
    """A bar of rich on stderr; nothing where that is no terminal."""

    def __init__(self, title: str, rows: int | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        counts = TextColumn("{task.completed:,.0f} rows")
        columns = TextColumn("{task.description}"), BarColumn(), counts, TimeRemainingColumn()
        self.progress = RichProgress(*columns, console=Console(stderr=True), transient=True)
        self.task = self.progress.add_task(title, total=rows)
        self.progress.start()

    def update(self, rows: int) -> None:
        """As of `Bar`."""
        self.progress.advance(self.task, rows)

    def close(self) -> None:
        """As of `Bar`."""
        self.progress.stop()


class TqdmBar:
    """A bar of tqdm, as notebooks show it."""

    def __init__(self, title: str, rows: int | None) -> None:
        from tqdm.auto import tqdm

        self.bar = tqdm(desc=title, total=rows, unit=" rows", unit_scale=True, leave=False)

    def update(self, rows: int) -> None:
        """As of `Bar`."""
        self.bar.update(rows)

    def close(self) -> None:
        """As of `Bar`."""
        self.bar.close()


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    return "ipykernel" in sys.modules


def progress_of(value: object) -> Progress | None:
    """What the option `progress` stands for: True is a bar, False and None are nothing.

    Raises OptionError for what cannot be informed of progress.
    """
    if value is None or value is False:
        return None
    if value is True:
        return BarProgress()
    if all(callable(getattr(value, name, None)) for name in ("start", "advance", "stop")):
        return value  # type: ignore[return-value]  # it has the methods
    raise OptionError(f"progress is True, False, or has start, advance and stop; found {type(value).__name__}")
