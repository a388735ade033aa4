"""Checksums of columns that are the same in whatever order the rows are read, and however they are cut."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from gramian.column import present, raw
from gramian.errors import DataError

SALT, MULTIPLIER = np.uint64(0xD1B54A32D192ED03), np.uint64(0x9E3779B97F4A7C15)
NULL, NAN = 0x2545F4914F6CDD1D, np.uint64(0x7FF8000000000000)
MODULUS = 1 << 64


@dataclass(frozen=True, slots=True)
class RowsRead:
    """What was read of some rows: their number, and the checksum of each column. `+` is of all rows of both.

    Attributes
    ----------
    rows : int
        Number of rows.
    checksums : Mapping[str, int]
        Column -> sum of the hashes of its values, modulo 2^64.
    """

    rows: int = 0
    checksums: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: RowsRead, /) -> RowsRead:
        names = dict.fromkeys((*self.checksums, *other.checksums))
        sums = {name: (self.checksums.get(name, 0) + other.checksums.get(name, 0)) % MODULUS for name in names}
        return RowsRead(self.rows + other.rows, sums)


def rows_read(piece: Any) -> RowsRead:
    """Number and checksums of the rows of a record batch or table."""
    sums = {}
    for name, column in zip(piece.schema.names, piece.columns, strict=True):
        chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        sums[name] = sum(map(checksum, chunks)) % MODULUS
    return RowsRead(piece.num_rows, sums)


def checksum(column: Any) -> int:
    """Sum of the hashes of the values of an Arrow array, modulo 2^64."""
    known = present(column)
    hashes = _hashes(column)
    nulls = column.null_count * NULL
    kept = hashes if known is None else hashes[known]
    return int(kept.sum(dtype=np.uint64)) + int(nulls)


def check_same_rows(earlier: RowsRead, now: RowsRead, where: str, advice: str) -> None:
    """Raise DataError unless a pass has read the rows of the passes before it.

    earlier, now : what was read; the columns of both are compared. advice : what to do.
    """
    differing = [f"'{n}'" for n in now.checksums if earlier.checksums.get(n, now.checksums[n]) != now.checksums[n]]
    if earlier.rows == now.rows and not differing:
        return
    counts = f"{now.rows:,} rows after {earlier.rows:,}"
    found = f"other values in {differing[0]}" if earlier.rows == now.rows else counts
    raise DataError(f"found {found}, though every pass has to read the same rows: {advice}", where)


class Earlier:
    """What the passes over a table have read so far. read : None before the first."""

    __slots__ = ("read",)

    def __init__(self) -> None:
        self.read: RowsRead | None = None

    def check(self, read: RowsRead, where: str, advice: str) -> None:
        """Raise DataError unless a whole pass has read the rows of the passes before it."""
        if self.read is not None:
            check_same_rows(self.read, read, where, advice)
            read = replace(read, checksums={**self.read.checksums, **read.checksums})
        self.read = read


def _hashes(column: Any) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """A hash of every value; what stands for a null has no meaning."""
    words = _words(column)
    if words is None:
        encoded = column.dictionary_encode() if not pa.types.is_dictionary(column.type) else column
        levels = [zlib.crc32(str(level).encode()) for level in encoded.dictionary.to_pylist()]
        words = np.array([*levels, 0], np.uint64)[raw(encoded.indices.fill_null(0))]
    hashes = (words ^ SALT) * MULTIPLIER
    hashes ^= hashes >> np.uint64(32)  # not linear, so that changes of two values do not cancel
    return hashes


def _words(column: Any) -> np.ndarray[Any, np.dtype[np.uint64]] | None:
    """The bits of numbers, dates and times as integers; None for other types."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_temporal(column.type)):
        return None
    width, buffer = column.type.bit_width // 8, column.buffers()[1] or b""
    bits = np.frombuffer(buffer, f"u{width}", len(column), column.offset * width)
    words = bits.astype(np.uint64)
    if pa.types.is_floating(column.type):
        words[np.isnan(bits.view(f"f{width}"))] = NAN  # which has many forms
    return words
