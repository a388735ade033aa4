"""What an engine tells while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """Somebody who watches. `advance` is told from the reading threads, so it must be safe to call from any."""

    def start(self, rows: int | None, size: int | None) -> None:
        """A run begins; rows and bytes when they are known."""
        ...

    def advance(self, rows: int, size: int) -> None:
        """More rows, and about so many more bytes, have been read."""
        ...

    def stop(self) -> None:
        """The run is over, whether it succeeded or not."""
        ...


class Silent:
    """Says nothing."""

    def start(self, rows: int | None, size: int | None) -> None:
        """Nothing."""

    def advance(self, rows: int, size: int) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""


@contextmanager
def watched(progress: Progress | None, rows: int | None, size: int | None) -> Iterator[None]:
    """Tell a watcher when a run begins and ends."""
    watch = progress or Silent()
    watch.start(rows, size)
    try:
        yield
    finally:
        watch.stop()
