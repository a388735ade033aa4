"""Sums of stored columns over the rows of a block, with several weights at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from gramian.fit.effects.model import EffectModel
from gramian.linalg.columns import Columns, Factors
from gramian.linalg.factors.cells import MAX_DENSE_CELLS
from gramian.linalg.products import cell_index
from gramian.typing import Codes, Matrix, Vector


@dataclass(slots=True)
class WeightedSums:
    """The stored columns of a block, and the weights with which they are to be summed.

    Attributes
    ----------
    model : EffectModel
        The stored columns.
    columns : Columns
        Their monomials in the block.
    cells : mapping
        Factors -> position of the cell of each row (n,), -1 where no row of the fit has it.
    sizes : mapping
        Factor -> number of levels.
    weights : list of Vector
        The weights so far, (n,) each.
    """

    model: EffectModel
    columns: Columns
    cells: Mapping[Factors, Codes]
    sizes: Mapping[str, int]
    weights: list[Vector] = field(default_factory=list)

    @property
    def has_unseen_cells(self) -> bool:
        """Whether a row lies in a combination of levels that no row of the fit has."""
        return any(len(cells) > 0 and cells.min() < 0 for cells in self.cells.values())

    def add(self, weight: Vector) -> int:
        """Ask for sums with a weight; returns its row in `sums`."""
        self.weights.append(weight)
        return len(self.weights) - 1

    def sums(self) -> Matrix:
        """The sums (w, q) of all stored columns with each of the w weights."""
        W = np.array(self.weights)
        out = np.zeros((len(W), self.model.width))
        place = {m: i for i, m in enumerate((*self.model.layout.rows, *self.model.layout.extra))}
        for group in self.model.groups:
            if not group.factors:
                out[:, group.positions] = np.dot(W, self.columns.buffer[: len(group.monomials)].T)
                continue
            (m,), cells = group.monomials, self.cells[group.factors] + 1
            values = W if not m else W * self.columns.value(place[m])
            for row, weight in zip(out, values, strict=True):
                row[group.positions] = np.bincount(cells, weight, len(group.cells) + 1)[1:]
        return out


class StoredSums:
    """Looks up the cells of the rows of blocks; its tables are made once.

    Parameters
    ----------
    model : EffectModel
        Whose stored columns are summed.
    sizes : mapping
        Factor -> number of levels.
    """

    def __init__(self, model: EffectModel, sizes: Mapping[str, int]) -> None:
        self.model, self.sizes = model, dict(sizes)
        self.cells = {group.factors: group.cells for group in model.groups if group.factors}
        self.tables = {factors: self._table(factors, cells) for factors, cells in self.cells.items()}

    def of(self, columns: Columns) -> WeightedSums:
        """The sums of a block, to which weights are added."""
        return WeightedSums(self.model, columns, {f: self._look_up(f, columns) for f in self.tables}, self.sizes)

    def _table(self, factors: Factors, cells: Codes) -> Codes | None:
        """Codes of levels -> position of the cell, -1 for none; None where it would be too large."""
        shape = [self.sizes[f] for f in factors]
        if float(np.prod(shape, dtype=float)) > MAX_DENSE_CELLS:
            return None
        table = np.full(shape, -1, np.int64)
        table[tuple(cells.T)] = np.arange(len(cells))
        return table

    def _look_up(self, factors: Factors, columns: Columns) -> Codes:
        """Position of the cell of each row, -1 for none."""
        codes, table = [columns.codes[f] for f in factors], self.tables[factors]
        if table is not None:
            return np.asarray(table[tuple(codes)])
        return cell_index(self.cells[factors], np.column_stack(codes), [self.sizes[f] for f in factors])
