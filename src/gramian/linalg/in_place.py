"""Products of stored columns read where they are: no block is written, shifts and weights are applied in the kernel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gramian.kernels.library import Library, library
from gramian.kernels.sums import Part, readable, self_products
from gramian.linalg.columns import Layout
from gramian.linalg.monomials import Coordinate
from gramian.linalg.self_products import MAX_COMPILED_WIDTH
from gramian.typing import Codes, Matrix, Vector

MAX_EXPONENT = 1000  # up to which a power of two and its inverse are normal numbers
ONE = np.ones(1)


@dataclass(frozen=True, slots=True)
class InPlace:
    """How a kernel reads the columns of a dense block.

    Attributes
    ----------
    library : Library
        The compiled functions.
    matrix_positions : tuple of int
        Positions of the columns of the caller's matrix, which are read first.
    variables : tuple of (int, str, Coordinate)
        Position, name, and shift and scale of every other column but the constant.
    order : (m,)
        Position of each column that is read, in the order of reading; the constant is the last.
    """

    library: Library
    matrix_positions: tuple[int, ...]
    variables: tuple[tuple[int, str, Coordinate], ...]
    order: Codes

    def products(
        self, values: Mapping[str, Vector], matrix: Matrix | None, rows: int, root_weight: Vector | None
    ) -> Matrix | None:
        """Products (m, m) of the stored columns over some rows; None where a column cannot be read in place.

        values : variable -> (n,). matrix : (n, k), or None. root_weight : (n,) by which each row is multiplied.
        """
        parts = [] if matrix is None or not self.matrix_positions else [Part(matrix)]
        parts += [Part(values[name], c.shift, 2.0**-c.exponent) for _, name, c in self.variables]
        if not all(readable(part.values) for part in parts):
            return None
        parts.append(Part(np.ndarray((rows,), np.float64, ONE, strides=(0,))))
        read = self_products(self.library, parts, factors=root_weight)
        out = np.empty_like(read)
        out[np.ix_(self.order, self.order)] = read
        return out


def in_place(
    layout: Layout, coordinates: Mapping[str, Coordinate], matrix_variables: tuple[str, ...]
) -> InPlace | None:
    """How to read the columns of a layout in place; None where NumPy sums, or some column is a product of others."""
    compiled = library()
    if compiled is None or layout.tables or layout.extra or len(layout.rows) > MAX_COMPILED_WIDTH:
        return None
    place = {m: i for i, m in enumerate(layout.rows)}
    if () not in place or any(m and (len(m) > 1 or m[0][1] > 1) for m in place):
        return None
    names = {m[0][0]: i for m, i in place.items() if m}
    if any(abs(coordinates[name].exponent) > MAX_EXPONENT for name in names if name not in matrix_variables):
        return None
    matrix_positions = tuple(names.pop(name) for name in matrix_variables)
    variables = tuple((i, name, coordinates[name]) for name, i in names.items())
    order = np.array([*matrix_positions, *(i for i, _, _ in variables), place[()]])
    return InPlace(compiled, matrix_positions, variables, order)
