"""Weights of the cells of sunab(), by which effects of cohorts are averaged: from the sums of a fit, or in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from gramian.batch import Batch
from gramian.errors import DataError
from gramian.fit.effects.accumulate import average_over
from gramian.fit.effects.averages import RowsToAverage
from gramian.fit.effects.model import EffectModel
from gramian.fit.effects.rows import RowsReader
from gramian.formula.design import Design
from gramian.formula.known_levels import NULL, with_unseen
from gramian.linalg.monomials import CONSTANT
from gramian.typing import Matrix

Cells: TypeAlias = Mapping[tuple[int, int], float]  # codes of period and cohort -> sum of weights


def cell_weights(model: EffectModel, over: RowsToAverage) -> Cells:
    """Rows of each period and cohort, or the sums of their weights.

    Raises OptionError where the rows have to be read and cannot be, DataError where they are not those of the fit.
    """
    names = model.design.terms.cohort_terms[0].written_factors
    sums = model.solved.first_moments if over.data is None else None
    if sums is not None:
        own = tuple(sorted(names))
        cells = [dict(zip(own, codes, strict=True)) for codes in sorted(model.solved.levels.cells[own])]
        return {
            (cell[names[0]], cell[names[1]]): float(sums[model.places[tuple(cell.items()), CONSTANT]]) for cell in cells
        }
    source = with_unseen(over.rows("event studies of sunab()"), model.solved.design, NULL)
    outcome = average_over(model, (), source.schema, None).outcome
    shape = tuple(model.sizes[name] for name in names)
    found = over.engine.fold(source, SumByCell(model.design, outcome, (names[0], names[1]), (shape[0], shape[1])))
    if found.rows != model.solved.rows:
        raise DataError(
            f"the fit has {model.solved.rows:,} rows, and of those that are read {found.rows:,} are complete: give the "
            "rows that entered it, without those that were left out as separated, as event_study(data=...)"
        )
    return {(int(p), int(c)): float(found.sums[p, c]) for p, c in zip(*np.nonzero(found.sums), strict=True)}


@dataclass(frozen=True, slots=True)
class CellSums:
    """Number of rows, and weights (periods, cohorts) over them."""

    rows: int
    sums: Matrix

    def __add__(self, other: CellSums, /) -> CellSums:
        return CellSums(self.rows + other.rows, self.sums + other.sums)


@dataclass(frozen=True, slots=True)
class SumByCell:
    """The pass that sums weights by period and cohort over complete rows.

    Attributes
    ----------
    design : Design
        The predictors.
    outcome : Design
        Outcome, weights and frequencies.
    factors : tuple of str
        Period and cohort.
    shape : tuple of int
        Numbers of their levels.
    """

    design: Design
    outcome: Design
    factors: tuple[str, str]
    shape: tuple[int, int]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return tuple(dict.fromkeys((*self.design.columns, *self.outcome.columns)))

    @property
    def empty(self) -> CellSums:
        """The sums of no rows."""
        return CellSums(0, np.zeros(self.shape))

    def accumulate(self, batches: Iterable[Batch], /) -> CellSums:
        """The sums of one unit."""
        reader, total = RowsReader(self.design, self.outcome, None), self.empty
        for batch in batches:
            for _, rows in reader.read(batch):
                counts = rows.weights(slice(0, rows.count))
                weights = counts if rows.weight is None else counts * rows.weight
                cell = rows.codes[self.factors[0]] * self.shape[1] + rows.codes[self.factors[1]]
                sums = np.bincount(cell, weights, self.shape[0] * self.shape[1]).astype(float).reshape(self.shape)
                total = total + CellSums(int(counts[weights > 0.0].sum()), sums)
        return total
