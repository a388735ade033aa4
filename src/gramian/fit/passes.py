"""The passes: frozen, picklable tasks that turn a unit's batches into a partial result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from gramian.batch import Batch
from gramian.errors import DataError, NumericalError
from gramian.formula.design import Design
from gramian.formula.reading import Observed, Reader
from gramian.formula.tally import Tally
from gramian.linalg.columns import Columns
from gramian.linalg.gather import BLOCK, Gather
from gramian.linalg.moments import Accumulator, Moments
from gramian.models.linear import Linear
from gramian.typing import Mask, Vector

LINEAR = Linear()


@dataclass(frozen=True, slots=True)
class Accumulated:
    """Moments, and the rows that did not enter them."""

    moments: Moments
    tally: Tally

    def __add__(self, other: Accumulated, /) -> Accumulated:
        return Accumulated(self.moments + other.moments, self.tally + other.tally)


@dataclass(frozen=True, slots=True)
class Accumulate:
    """The one pass: batches to moments. `drop` False refuses rows with something missing."""

    design: Design
    drop: bool = True
    model: Linear = LINEAR

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.design.columns

    @property
    def empty(self) -> Accumulated:
        """The moments of no rows."""
        return self.lift(())

    def lift(self, batches: Iterable[Batch], /) -> Accumulated:
        """The moments of one unit."""
        lift = _Lift(self)
        with np.errstate(all="ignore"):  # what is not finite is found afterwards, by row and column
            for batch in batches:
                lift.add(batch)
        return lift.finish()


class _Lift:
    """One unit under way."""

    def __init__(self, task: Accumulate) -> None:
        design = task.design
        self.task, self.layout = task, design.layout
        self.reader = Reader(design, drop=task.drop)
        self.gather = Gather(self.layout, design.coordinates, design.placed)
        self.sums = Accumulator(self.layout, design.coordinates, design.terms.power_sums())

    def add(self, batch: Batch) -> None:
        observed = self.reader.read(batch)
        (response,) = self.layout.responses
        residual = self.task.model.residual(observed.values[response], observed.offset)
        values = {**observed.values, response: residual}
        sizes = self.reader.sizes
        for rows, columns in self.gather.blocks(observed.rows, values, observed.codes, observed.matrix):
            weight, count = _part(observed.weight, rows), _part(observed.count, rows)
            if not self.sums.add(columns, weight, count, sizes):
                again = self.gather.block(rows, values, observed.codes, observed.matrix)
                self._add_finite(again, weight, count, observed, rows)

    def _add_finite(
        self, columns: Columns, weight: Vector | None, count: Vector | None, observed: Observed, rows: slice
    ) -> None:
        """Leave out the rows that are not finite, then add the rest."""
        good = columns.finite()
        if good.all():
            raise NumericalError(self._overflow(columns, observed.where))
        self._tally(columns, good, observed, rows)
        weight, count = _part(weight, good), _part(count, good)
        if good.any() and not self.sums.add(columns.take(good), weight, count, self.reader.sizes):
            raise NumericalError(self._overflow(columns, observed.where))

    def _tally(self, columns: Columns, good: Mask, observed: Observed, rows: slice) -> None:
        missing, undefined = {}, np.zeros(columns.rows, bool)
        for position, m in enumerate((*self.layout.rows, *self.layout.extra)):
            values = columns.value(position)
            if len(m) == 1 and m[0][1] == 1 and not np.isfinite(values).all():
                missing[m[0][0].lstrip("~")] = int((~np.isfinite(values)).sum())
                undefined |= np.isnan(values)
        if not self.task.drop:
            row = observed.row_number(rows.start + int(np.argmin(good)))
            name = next(iter(missing))
            raise DataError(f"row {row}: '{name}' is not finite (na=\"drop\" leaves such rows out)", observed.where)
        nan, out = int(undefined.sum()), int((~good).sum())
        causes = {"nan": nan, "infinite": out - nan}
        self.reader.tally += Tally({k: n for k, n in causes.items() if n}, missing)

    def _overflow(self, columns: Columns, where: str) -> str:
        sizes = {}
        for position, m in enumerate((*self.layout.rows, *self.layout.extra)):
            sizes[m] = float(np.abs(columns.value(position)).max())
        worst = max(sizes, key=lambda m: sizes[m])
        name = " * ".join(f"{v.lstrip('~')}^{p}" if p > 1 else v.lstrip("~") for v, p in worst)
        return (
            f"{where}: squares of '{name}' overflow (values up to {sizes[worst]:.3g} after scaling); rescale the column"
        )

    def finish(self) -> Accumulated:
        levels = {name: list(index.known) for name, index in self.reader.levels.items()}
        return Accumulated(self.sums.finish(levels), self.reader.tally)


def _part(values: Vector | None, rows: slice | Mask) -> Vector | None:
    return None if values is None else values[rows]


def first_rows(design: Design, batches: Iterable[Batch]) -> Design:
    """Fix the coordinates from the first batch that has complete rows."""
    with np.errstate(all="ignore"):
        for batch in batches:
            observed = Reader(replace(design, matrix=None)).read(batch)
            if observed.rows:
                (response,) = design.outcome
                residual = LINEAR.residual(observed.values[response], observed.offset)
                values = {**observed.values, response: residual}
                return design.choose_coordinates({name: v[:BLOCK] for name, v in values.items()})
    return design.choose_coordinates(dict.fromkeys((*design.terms.variables, *design.outcome), np.zeros(0)))
