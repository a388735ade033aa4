"""What an engine tells while it runs."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told from the reading threads, so it must be safe to call from any."""

    def advance(self, rows: int, size: int) -> None:
        """More rows, and about so many more bytes, have been read."""
        ...


class Silent:
    """Says nothing."""

    def advance(self, rows: int, size: int) -> None:
        """Nothing."""
