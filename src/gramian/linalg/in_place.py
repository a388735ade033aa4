"""Products of stored columns read where they are: no block is written, shifts and weights are applied in the kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.kernels.dense_cells import RowsOfCells, add_products_and_cells
from gramian.kernels.library import library
from gramian.kernels.sums import Part, group_products, readable, self_products
from gramian.linalg.columns import Layout, grid
from gramian.linalg.moments import Accumulator
from gramian.linalg.monomials import Coordinate
from gramian.linalg.self_products import MAX_COMPILED_WIDTH
from gramian.typing import Codes, Matrix, Vector

MAX_EXPONENT = 1000  # up to which a power of two and its inverse are normal numbers
ONE = np.ones(1)


@dataclass(frozen=True)  # no slots: cached properties need a __dict__
class InPlace:
    """How a kernel reads the columns of a dense block.

    Attributes
    ----------
    has_matrix : bool
        Whether columns of the caller's matrix are read, before the constant.
    variables : tuple of (str, Coordinate)
        Name, and shift and scale of every other column, after the constant.
    order : tuple of m int
        Position of each column that is read, in the order of reading.
    """

    has_matrix: bool
    variables: tuple[tuple[str, Coordinate], ...]
    order: tuple[int, ...]

    def parts(self, values: Mapping[str, Vector], matrix: Matrix | None, rows: int) -> list[Part] | None:
        """The columns for a kernel; None where one of them cannot be read in place.

        values : variable -> (n,). matrix : (n, k), or None. rows : n.
        """
        parts = [Part(matrix)] if self.has_matrix and matrix is not None else []
        parts.append(Part(np.ndarray((rows,), np.float64, ONE, strides=(0,))))
        parts += [Part(values[name], c.shift, 2.0**-c.exponent) for name, c in self.variables]
        return parts if readable(*(part.values for part in parts)) else None

    @cached_property
    def places(self) -> Any:
        """Index of the columns that are read among the stored ones."""
        return grid(self.order, self.order)

    def products(self, parts: Sequence[Part], root_weight: Vector | None, selected: Codes | None = None) -> Matrix:
        """Products (m, m) of the stored columns over some rows.

        root_weight : (n,) by which each row is multiplied, or None. selected : (n,) numbers of the rows, None for all.
        Needs a library of kernels.
        """
        compiled = library()
        assert compiled is not None
        read = self_products(compiled, parts, numbers=selected, factors=root_weight)
        out = np.empty_like(read)
        out[self.places] = read
        return out

    def lanes(self, positions: Sequence[int]) -> Codes:
        """Numbers in the order of reading of stored columns, given by their positions."""
        return np.argsort(self.order)[list(positions)]

    def group_products(
        self, parts: Sequence[Part], starts: Codes, order: Codes | None, root_weight: Vector | None
    ) -> Matrix:
        """Products (g, m, m) over each of g groups of rows. starts : (g + 1,) where each begins, and the last ends.

        order : (n,) of the rows that puts groups one after another, None where they are so. root_weight : (n,) by which
        each row is multiplied. Needs a library of kernels.
        """
        compiled = library()
        assert compiled is not None
        if order is not None:
            # column by column, each of which stays in the cache; a kernel that looks up rows would read all at once
            parts = [part._replace(values=_in_order(part.values, order)) for part in parts]
            root_weight = None if root_weight is None else root_weight[order]
        read = group_products(compiled, parts, starts, root_weight)
        place = np.argsort(self.order)
        return read[:, place[:, None], place]


def _in_order(values: NDArray[Any], order: Codes) -> NDArray[Any]:
    """Rows of a column or matrix in another order; equal ones, without a stride, stay as they are."""
    return values.take(order, axis=0) if values.strides[0] else values


def add_with_cells(
    sums: Accumulator,
    columns: InPlace,
    parts: Sequence[Part],
    rows: RowsOfCells,
    factors: tuple[Mapping[str, Codes], Mapping[str, int]],
) -> int:
    """Add rows beside factors by a kernel that reads them where they are; return how many were added.

    The next ones have a value that is not finite, or a table that is not added to at once. columns, parts : how the
    columns are read. factors : codes (n,) of each factor, and its number of levels seen so far. Needs a library.
    """
    assert sums.tables is not None
    kernel, (codes, sizes) = library(), factors
    cells = sums.tables.dense(codes, sizes, (rows.length - 1) % rows.height + 1, columns.lanes)
    if cells is None or kernel is None:
        return 0
    products = sums.in_order(columns.places)
    added = add_products_and_cells(kernel, parts, rows, cells, products)
    sums.dense[columns.places] = products
    sums.count_rows(added, None if rows.counts is None else rows.counts[:added])
    return added


def in_place(
    layout: Layout,
    coordinates: Mapping[str, Coordinate],
    matrix_variables: tuple[str, ...],
    *,
    response: bool = True,
    cells: bool = False,
) -> InPlace | None:
    """How to read the columns of a layout in place; None where they are too many, or some is a product of others.

    response : whether the response rows are read; else they are the last in the order of reading. cells : whether the
    layout may have sums over cells.
    """
    if (layout.tables and not cells) or layout.extra or len(layout.rows) > MAX_COMPILED_WIDTH:
        return None
    place = {m: i for i, m in enumerate(layout.rows)}
    if () not in place or any(m and (len(m) > 1 or m[0][1] > 1) for m in place):
        return None
    names = {m[0][0]: i for m, i in place.items() if m}
    matrix_positions = tuple(names.pop(name) for name in matrix_variables)
    read = tuple(name for name in names if response or name not in layout.responses)
    if any(abs(coordinates[name].exponent) > MAX_EXPONENT for name in read):
        return None
    order = (*matrix_positions, place[()], *names.values())
    return InPlace(bool(matrix_positions), tuple((name, coordinates[name]) for name in read), order)
