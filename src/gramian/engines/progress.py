"""Progress of a pass: what an engine reports while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """What is informed of the progress of a pass. `advance` is called from several threads and must be thread-safe."""

    def start(self, rows: int | None, size: int | None) -> None:
        """A pass begins; rows and bytes in all, where they are known."""
        ...

    def advance(self, rows: int, size: int) -> None:
        """More rows, and about so many more bytes, have been read."""
        ...

    def stop(self) -> None:
        """The pass has ended, with a result or an error."""
        ...


class Silent:
    """Progress that is not reported."""

    def start(self, rows: int | None, size: int | None) -> None:
        """Does nothing."""

    def advance(self, rows: int, size: int) -> None:
        """Does nothing."""

    def stop(self) -> None:
        """Does nothing."""


@contextmanager
def watched(progress: Progress | None, rows: int | None, size: int | None) -> Iterator[None]:
    """A context that reports the beginning and the end of a pass."""
    watch = progress or Silent()
    watch.start(rows, size)
    try:
        yield
    finally:
        watch.stop()
