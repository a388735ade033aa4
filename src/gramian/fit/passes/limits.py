"""Limit on the number of model columns: their dense products have to fit into memory."""

from __future__ import annotations

import os
from collections.abc import Mapping

from gramian.errors import DataError
from gramian.formula.terms import Terms

COPIES = 12  # square matrices in memory at once while a fit is solved (11 were counted)
MAX_UNCHECKED_COLUMNS = 1000  # columns whose products fit into any memory: COPIES of them take 96 MB
DEFAULT = 8 * 2**30  # bytes of memory to assume where the system does not tell


def memory_limit() -> int:
    """Bytes that a fit may use for its matrices: half of the free memory, of all memory where that is not known."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        free = _physical()
    return free // 2  # the other half is for batches under way, the results, and other programs


def _physical() -> int:
    """Bytes of the machine's memory, `DEFAULT` where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return DEFAULT


def width_limit(limit: int | None = None) -> int:
    """The largest number of model columns p, from 8 COPIES p^2 <= limit. limit : bytes, by default `memory_limit()`."""
    return int(((memory_limit() if limit is None else limit) / (8 * COPIES)) ** 0.5)


def checked_width(terms: Terms, sizes: Mapping[str, int], limit: int | None = None) -> int:
    """A lower bound of the number of model columns; sizes : factor -> number of levels.

    Raises DataError if there are more than `limit` (by default, more than fit into memory). The error names the largest
    factor where that has more than half of the columns.
    """
    columns = terms.width(sizes)
    if (limit is None and columns <= MAX_UNCHECKED_COLUMNS) or columns <= (
        allowed := width_limit() if limit is None else limit
    ):
        return columns
    largest = max(sizes, key=lambda f: sizes[f], default="")
    explanation = (
        f"; the factor '{largest}' alone has {sizes[largest]:,} levels"
        if largest and sizes[largest] > columns / 2
        else ""
    )
    raise DataError(
        f"the model has at least {columns:,} columns{explanation}, and products of at most {allowed:,} columns fit "
        "into memory; leave terms out or group rare levels"
    )


def format_bytes(size: int) -> str:
    """A number of bytes as text, in powers of 1000: "1.5 MB"."""
    amount, units = float(size), ("bytes", "kB", "MB", "GB", "TB")
    for unit in units:
        if amount < 1000 or unit == units[-1]:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError
