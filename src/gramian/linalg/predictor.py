"""The linear predictor: stored columns times coefficients, block by block, without writing the columns out."""

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
    """Coefficients (q,) of the stored columns in `groups`, in the order of their positions."""

    layout: Layout
    groups: tuple[ColumnGroup, ...]
    coefficients: Vector

    def prepare(self) -> PreparedPredictor:
        """Ready for the blocks of one unit."""
        return PreparedPredictor(self)


class PreparedPredictor:
    """Tables to look coefficients up in, kept while the number of levels stays the same."""

    def __init__(self, predictor: Predictor) -> None:
        rows, extra = predictor.layout.rows, predictor.layout.extra
        self.place = {m: i for i, m in enumerate((*rows, *extra))}
        self.dense = np.zeros(len(rows))
        self.parts: list[tuple[ColumnGroup, int, Vector]] = []
        for group in predictor.groups:
            for k, m in enumerate(group.monomials):
                b = predictor.coefficients[group.at(k)]
                if group.factors:
                    self.parts.append((group, self.place[m], b))
                else:
                    self.dense[self.place[m]] = b[0]
        self.sizes: dict[str, int] = {}
        self.tables: list[Vector | None] = []

    def __call__(self, columns: Columns, sizes: Mapping[str, int]) -> Vector:
        """Values (n,); a cell that has no coefficient contributes nothing. sizes : levels so far."""
        eta = np.dot(
            self.dense[list(columns.buffer_positions)], columns.buffer
        )  # unlike `@`, it lets other threads run
        if columns.matrix is not None:
            eta += np.dot(columns.matrix, self.dense[list(columns.matrix_positions)])
        if self.parts:
            self._look_up(columns, sizes, eta)
        return np.asarray(eta)

    def _look_up(self, columns: Columns, sizes: Mapping[str, int], eta: Vector) -> None:
        if dict(sizes) != self.sizes:
            self.sizes = dict(sizes)
            self.tables = [self._table(group, b) for group, _, b in self.parts]
        for (group, place, b), table in zip(self.parts, self.tables, strict=True):
            codes = [columns.codes[f] for f in group.factors]
            contribution = _sparse(group, codes, b, self._shape(group)) if table is None else table[tuple(codes)]
            eta += contribution if not group.monomials[0] else contribution * columns.value(place)

    def _shape(self, group: ColumnGroup) -> list[int]:
        return [self.sizes[f] for f in group.factors]

    def _table(self, group: ColumnGroup, b: Vector) -> Vector | None:
        shape = self._shape(group)
        if float(np.prod(shape, dtype=float)) > MAX_DENSE_CELLS:
            return None
        table = np.zeros(shape)
        table[tuple(group.cells.T)] = b
        return table


def _sparse(group: ColumnGroup, codes: Sequence[Codes], b: Vector, shape: list[int]) -> Vector:
    cell = cell_index(group.cells, np.column_stack(codes), shape)
    return np.where(cell >= 0, b[cell], 0.0)
