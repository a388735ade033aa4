"""Linear predictor: stored columns times coefficients, block by block, without writing the columns out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gramian.linalg.columns import Columns, Layout
from gramian.linalg.factors.cells import MAX_DENSE_CELLS
from gramian.linalg.products import ColumnGroup, cell_index
from gramian.typing import Codes, Vector


@dataclass(frozen=True, slots=True)
class Predictor:
    """Coefficients of stored columns.

    Attributes
    ----------
    layout : Layout
        Monomials of the blocks.
    groups : tuple of ColumnGroup
        The columns.
    coefficients : (q,)
        In the order of the columns' positions.
    """

    layout: Layout
    groups: tuple[ColumnGroup, ...]
    coefficients: Vector

    def prepare(self) -> PreparedPredictor:
        """A callable for the blocks of one unit."""
        return PreparedPredictor(self)


class PreparedPredictor:
    """Evaluates a predictor; its tables from codes to coefficients are rebuilt when the number of levels changes."""

    def __init__(self, predictor: Predictor) -> None:
        rows, extra = predictor.layout.rows, predictor.layout.extra
        self.place = {m: i for i, m in enumerate((*rows, *extra))}
        self.dense = np.zeros(len(rows))
        self.parts: list[tuple[ColumnGroup, int, Vector]] = []
        for group in predictor.groups:
            for m, positions in group.by_monomial():
                b = predictor.coefficients[positions]
                if group.factors:
                    self.parts.append((group, self.place[m], b))
                else:
                    self.dense[self.place[m]] = b[0]
        self.sizes: dict[str, int] = {}
        self.tables: list[Vector | None] = []

    def __call__(self, columns: Columns, sizes: Mapping[str, int]) -> Vector:
        """X b, (n,); a cell without a coefficient contributes zero. sizes : factor -> number of levels so far."""
        eta = np.dot(
            self.dense[list(columns.buffer_positions)], columns.buffer
        )  # unlike `@`, it releases the interpreter lock
        if columns.matrix is not None:
            eta += np.dot(columns.matrix, self.dense[list(columns.matrix_positions)])
        if self.parts:
            self._look_up(columns, sizes, eta)
        return np.asarray(eta)

    def _look_up(self, columns: Columns, sizes: Mapping[str, int], eta: Vector) -> None:
        """Add the contributions of columns with factors to `eta`, in place."""
        if dict(sizes) != self.sizes:
            self.sizes = dict(sizes)
            self.tables = [self._table(group, b) for group, _, b in self.parts]
        for (group, place, b), table in zip(self.parts, self.tables, strict=True):
            codes = [columns.codes[f] for f in group.factors]
            contribution = _sparse(group, codes, b, self._shape(group)) if table is None else table[tuple(codes)]
            eta += contribution if not group.monomials[0] else contribution * columns.value(place)

    def _shape(self, group: ColumnGroup) -> list[int]:
        """Numbers of levels of the group's factors."""
        return [self.sizes[f] for f in group.factors]

    def _table(self, group: ColumnGroup, b: Vector) -> Vector | None:
        """Coefficients by level codes, dense; None where there would be too many cells."""
        shape = self._shape(group)
        if float(np.prod(shape, dtype=float)) > MAX_DENSE_CELLS:
            return None
        table = np.zeros(shape)
        table[tuple(group.cells.T)] = b
        return table


def _sparse(group: ColumnGroup, codes: Sequence[Codes], b: Vector, shape: list[int]) -> Vector:
    """Coefficients (n,) of each row's cell by binary search, zero where the group does not have the cell."""
    cell = cell_index(group.cells, np.column_stack(codes), shape)
    return np.where(cell >= 0, b[cell], 0.0)
