"""Which bytes of a remote Parquet file are asked for together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gramian.data.dataset import Scan
from gramian.data.parquet import places
from gramian.errors import DataError

HOLE = 2**16  # bytes between two columns that are read along rather than asked for around


@dataclass(frozen=True, slots=True)
class Stretch:
    """Row groups of a file, one after another, that are asked for together.

    Attributes
    ----------
    units : range
        Their numbers.
    path : str
        Path of the file.
    ranges : tuple of range
        Places of the bytes, in order.
    """

    units: range
    path: str
    ranges: tuple[range, ...]

    @property
    def size(self) -> int:
        """Number of bytes."""
        return sum(map(len, self.ranges))


def chunks_of(scan: Scan, columns: frozenset[str], size: int) -> list[range]:
    """Places of the bytes of columns of a row group. Raises DataError where a file of this size cannot have them."""
    group, where = scan.footer.row_group(scan.part.row_groups[0].id), places(scan.footer)
    chunks = {name: _place(group.column(where[name])) for name in columns if name in where}
    for name, chunk in chunks.items():
        if not 0 <= chunk.start <= chunk.stop <= size:
            message = f"its footer says that column '{name}' is at bytes {chunk.start} to {chunk.stop} of {size}"
            raise DataError(f"{message}: it is damaged", scan.name)
    return list(chunks.values())


def _place(chunk: Any) -> range:
    """Places of the bytes of a column: its dictionary, where it has one, and its pages."""
    start = chunk.data_page_offset
    if chunk.has_dictionary_page and chunk.dictionary_page_offset is not None:
        start = min(start, chunk.dictionary_page_offset)
    return range(start, start + chunk.total_compressed_size)


def joined(chunks: Sequence[range]) -> tuple[range, ...]:
    """Ranges in order, those that are near each other in one."""
    out: list[range] = []
    for chunk in sorted(chunks, key=lambda chunk: chunk.start):
        if out and chunk.start - out[-1].stop <= HOLE:
            out[-1] = range(out[-1].start, max(out[-1].stop, chunk.stop))
        else:
            out.append(chunk)
    return tuple(out)
