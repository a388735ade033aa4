"""Calls of compiled sums of products and of the cells of factors, made in one trip over the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gramian.kernels.library import Library
from gramian.kernels.sums import Part, address, contiguous, described
from gramian.typing import Codes, Matrix, Vector


class Cells(NamedTuple):
    """A dense table of L cells, to which the columns of some rows are added.

    Attributes
    ----------
    codes : (n,) int64
        The cell of each row.
    lanes : (k,) int64
        The columns that are summed, by their numbers among all.
    sums : (L, k)
        Contiguous.
    rows : (L,) int64
        Number of rows of each cell.
    """

    codes: Codes
    lanes: Codes
    sums: Matrix
    rows: Codes


class RowsOfCells(NamedTuple):
    """Which rows are added, and how.

    Attributes
    ----------
    length : int
        Number n of rows.
    height : int
        Rows whose sums are rounded before they are added.
    selected : (n,) int64 or None
        Numbers of the rows among those of the columns.
    factors : (n,) or None
        By which each row is multiplied in products, twice in cells.
    counts : (n,) or None
        How often each row counts; a whole number.
    """

    length: int
    height: int
    selected: Codes | None
    factors: Vector | None
    counts: Vector | None


def add_products_and_cells(
    library: Library, parts: Sequence[Part], rows: RowsOfCells, tables: Sequence[Cells], products: Matrix
) -> int:
    """Add the products of the columns of all parts to products : (p, p), contiguous; and the columns to tables.

    Returns how many rows were added, a multiple of the height where not all: the next ones have a sum that is not
    finite.
    """
    columns, width = described(parts)
    selected, factors, counts = (contiguous(array) for array in rows[2:])
    own = [np.ascontiguousarray(table.codes, np.int64) for table in tables]
    ordered = [np.array_equal(table.lanes, np.arange(len(table.lanes))) for table in tables]
    new = [(np.zeros_like(table.sums), np.zeros_like(table.rows)) for table in tables]
    facts = [
        (address(codes), *table.sums.shape, 0 if plain else address(table.lanes), address(table.sums),
         address(table.rows), *map(address, zeros))
        for table, codes, plain, zeros in zip(tables, own, ordered, new, strict=True)
    ]  # fmt: skip
    structures, memory = np.array(facts, np.int64), np.empty(library.functions.gramian_memory(width))
    return int(
        library.functions.gramian_products_and_cells(
            *columns.arguments, rows.length, rows.height, address(selected), address(factors), address(counts),
            address(structures), len(facts), address(products), address(memory)
        )
    )  # fmt: skip
