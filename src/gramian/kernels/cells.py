"""Calls of the compiled sums over the cells of factors: the bits of NumPy's `bincount`, in one trip over the rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gramian.kernels.library import Library
from gramian.kernels.sums import address, contiguous
from gramian.typing import Codes, Matrix, Vector


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


def add_cells(
    library: Library, one: tuple[Codes, Codes, Matrix], other: tuple[Codes, Codes, Matrix]
) -> tuple[Codes, Codes, Matrix]:
    """The sum of two tables, each of cells (f, n) in order, rows (n,) and sums (n, k)."""
    parts = [[np.ascontiguousarray(array) for array in table] for table in (one, other)]
    described = np.array([(*map(address, table), len(table[1])) for table in parts], np.int64)
    (factors, _), (_, width) = parts[0][0].shape, parts[0][2].shape
    size = sum(len(table[1]) for table in parts)
    cells, rows, sums = np.empty((factors, size), np.int64), np.empty(size, np.int64), np.empty((size, width))
    count = library.functions.gramian_add_cells(
        address(described), factors, width, address(cells), address(rows), address(sums)
    )  # fmt: skip
    return cells[:, :count], rows[:count], sums[:count]


def cells_of_keys(
    library: Library, keys: Codes, sizes: Sequence[int], maps: Sequence[Codes]
) -> tuple[Codes, Codes, Matrix]:
    """How often each of some sorted keys occurs: cells (f, c), rows (c,), and these as sums (c, 1).

    sizes : bound of the codes of each factor, a power of two. maps : for each factor old code -> new code.
    """
    count = library.functions.gramian_different_keys(address(keys), len(keys))
    cells, rows, sums = np.empty((len(sizes), count), np.int64), np.empty(count, np.int64), np.empty((count, 1))
    contiguous_maps = [np.ascontiguousarray(m) for m in maps]
    bits = np.array([size.bit_length() - 1 for size in sizes], np.int64)
    described = np.array([address(m) for m in contiguous_maps], np.int64)
    library.functions.gramian_cells_of_keys(
        address(keys), len(keys), len(sizes), address(bits), address(described), count,
        address(cells), address(rows), address(sums)
    )  # fmt: skip
    return cells, rows, sums
