"""Calls of the compiled sums over the cells of factors: the bits of NumPy's `bincount`, in one trip over the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from gramian.kernels.library import Library
from gramian.kernels.sums import address, addresses, contiguous
from gramian.typing import AnyCodes, Codes, Matrix, Vector

# cells of two tables from which on memory that was freed before goes back to the system before they are added: freed
# tables would else stay beside the sum, at little gain in time
MIN_RELEASED = 1 << 18
Table: TypeAlias = tuple[AnyCodes, Codes, Matrix]  # cells, rows and sums


def add_by_code(
    library: Library,
    columns: Sequence[Vector],
    codes: Codes,
    factors: Vector | None,
    counts: Vector | None,
    sums: Matrix,
    rows: Codes,
) -> None:
    """Add values to the rows of a table, in the order in which they stand.

    Parameters
    ----------
    library : Library
        The compiled functions.
    columns : k vectors (n,)
        Float64, of any stride.
    codes : (n,) int64
        The row of the table to which each value is added.
    factors : (n,) or None
        What the values of each row are multiplied by.
    counts : (n,) or None
        How often each row counts in `rows`; a whole number.
    sums : (L, k)
        The table, contiguous.
    rows : (L,) int64
        Number of rows of each code, to which is added.
    """
    described = np.array([(address(values), values.strides[0]) for values in columns], np.int64).reshape(-1, 2)
    codes, factors, counts = np.ascontiguousarray(codes), contiguous(factors), contiguous(counts)
    library.functions.gramian_add_by_code(
        address(described), len(columns), len(codes), address(codes), address(factors), address(counts),
        address(sums), address(rows)
    )  # fmt: skip


def add_cells(library: Library, one: Table, other: Table) -> Table:
    """The sum of two tables, each of cells (f, n) in order, rows (n,) and sums (n, k)."""
    parts = [
        (np.ascontiguousarray(cells, np.int32), np.ascontiguousarray(rows), np.ascontiguousarray(sums))
        for cells, rows, sums in (one, other)
    ]
    described = np.array([(*addresses(*table), len(table[1])) for table in parts], np.int64)
    (factors, _), (_, width) = parts[0][0].shape, parts[0][2].shape
    size = sum(len(table[1]) for table in parts)
    if size >= MIN_RELEASED:
        library.functions.gramian_release()
    cells, rows, sums = np.empty(factors * size, np.int32), np.empty(size, np.int64), np.empty((size, width))
    count = library.functions.gramian_add_cells(
        address(described), factors, width, address(cells), address(rows), address(sums)
    )  # fmt: skip
    for f in range(1, factors):
        cells[f * count : (f + 1) * count] = cells[f * size : f * size + count]
    # the memory of cells that both tables have goes back; nothing else refers to these arrays
    for array, shape in ((cells, (factors * count,)), (rows, (count,)), (sums, (count, width))):
        array.resize(shape, refcheck=False)
    return cells.reshape(factors, count), rows, sums


def cells_of_keys(library: Library, keys: Codes, sizes: Sequence[int], maps: Sequence[Codes]) -> Table:
    """How often each of some sorted keys occurs: cells (f, c), rows (c,), and these as sums (c, 1).

    sizes : bound of the codes of each factor, a power of two. maps : for each factor old code -> new code.
    """
    count = library.functions.gramian_different_keys(address(keys), len(keys))
    cells, rows, sums = np.empty((len(sizes), count), np.int32), np.empty(count, np.int64), np.empty((count, 1))
    contiguous_maps = [np.ascontiguousarray(m) for m in maps]
    bits = np.array([size.bit_length() - 1 for size in sizes], np.int64)
    described = np.array([address(m) for m in contiguous_maps], np.int64)
    library.functions.gramian_cells_of_keys(
        address(keys), len(keys), len(sizes), address(bits), address(described), count,
        address(cells), address(rows), address(sums)
    )  # fmt: skip
    return cells, rows, sums
