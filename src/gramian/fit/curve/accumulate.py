"""The pass of a curve: rows at given parameters to a triangular factor of derivatives, residual and outcome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from gramian.batch import Batch
from gramian.formula.curves.curve import Curve
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.row_reader import Observed, Reader
from gramian.models.curve import compressed, triangular_factor
from gramian.typing import Mask, Matrix, Vector

BLOCK = 16384  # rows whose columns fit into the cache of one core, and that are worth a round of small calls


@dataclass(frozen=True, slots=True)
class Undefined:
    """Rows where the curve or a derivative is not finite.

    Attributes
    ----------
    rows : int
        Number of them.
    where : str
        File and row group of the first one.
    row : int
        Number of its row.
    inputs : mapping of str to float
        Inputs of the curve in that row.
    """

    rows: int = 0
    where: str = ""
    row: int = 0
    inputs: Mapping[str, float] = field(default_factory=dict)

    def __add__(self, other: Undefined, /) -> Undefined:
        """The sum of the counts; the first row of the left operand, if it has one."""
        first = self if self.rows else other
        return Undefined(self.rows + other.rows, first.where, first.row, first.inputs)


@dataclass(frozen=True, slots=True)
class CurveSums:
    """Sums over rows at one point.

    Attributes
    ----------
    factor : ndarray
        (width, width) triangular R with R'R the weighted products of the columns of `models.curve.triangular_factor`.
    rows : int
        Rows that entered.
    log_weight : float
        Sum of the logarithms of their weights.
    undefined : Undefined
        Rows where the curve is not finite.
    dropped_rows : DroppedRows
        Counts of rows that did not enter.
    """

    factor: Matrix
    rows: int
    log_weight: float
    undefined: Undefined
    dropped_rows: DroppedRows

    def __add__(self, other: CurveSums, /) -> CurveSums:
        """The sums of both sets of rows."""
        return CurveSums(
            _stacked(self, other),
            self.rows + other.rows,
            self.log_weight + other.log_weight,
            self.undefined + other.undefined,
            self.dropped_rows + other.dropped_rows,
        )


def _stacked(a: CurveSums, b: CurveSums) -> Matrix:
    """The triangular factor of both sets of rows: a QR factorisation of one factor on top of the other."""
    # the factor of no rows is zero; a QR factorisation would only change signs and rounding of the other
    if not (a.rows and b.rows):
        return a.factor if a.rows else b.factor
    return compressed(np.concatenate([a.factor, b.factor]))


@dataclass(frozen=True, slots=True)
class CurvePass:
    """The pass: the sums of a curve at given parameters.

    Attributes
    ----------
    curve : Curve
        The curve.
    beta : tuple of float
        All p parameters; a tuple, so that the pass can be compared and pickled.
    """

    curve: Curve
    beta: tuple[float, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that are read."""
        return self.curve.design.columns

    @property
    def empty(self) -> CurveSums:
        """The sums of no rows."""
        width = self.curve.shape.width
        return CurveSums(np.zeros((width, width)), 0, 0.0, Undefined(), DroppedRows())

    def accumulate(self, batches: Iterable[Batch], /) -> CurveSums:
        """The sums of one unit."""
        reader, sums = Reader(self.curve.design), self.empty
        beta = np.array(self.beta)
        for batch in batches:
            with np.errstate(all="ignore"):
                observed, dropped_rows = complete_rows(self.curve, reader.read(batch))
            for start in range(0, observed.rows, BLOCK):
                rows = slice(start, min(start + BLOCK, observed.rows))
                sums += self._block(observed, rows, beta)
            sums = replace(sums, dropped_rows=sums.dropped_rows + dropped_rows)
        return replace(sums, dropped_rows=sums.dropped_rows + reader.dropped_rows)

    def _block(self, observed: Observed, rows: slice, beta: Vector) -> CurveSums:
        """The sums of a block. beta : (p,)."""
        inputs = [observed.values[name][rows] for name in self.curve.variables]
        (response,) = self.curve.design.outcome
        weight = None if observed.weight is None else observed.weight[rows]
        R, bad = triangular_factor(self.curve.shape, inputs, observed.values[response][rows], weight, beta)
        undefined, count = Undefined(), rows.stop - rows.start
        if bad is not None:
            # the first such row, for the message
            at = int(np.argmax(bad))
            values = {name: float(x[at]) for name, x in zip(self.curve.variables, inputs, strict=True)}
            row = observed.row_number(rows.start + at)
            undefined = Undefined(int(bad.sum()), observed.where, row, values)
        log_weight = 0.0 if weight is None else float(np.log(weight).sum())
        return CurveSums(R, count, log_weight, undefined, DroppedRows())


def complete_rows(curve: Curve, observed: Observed) -> tuple[Observed, DroppedRows]:
    """The rows whose outcome and inputs are finite, and the counts of the others."""
    good: Mask = np.ones(observed.rows, bool)
    undefined = np.zeros(observed.rows, bool)
    by_column: dict[str, int] = {}
    for name, column in observed.values.items():
        if not (finite := np.isfinite(column)).all():
            good &= finite
            undefined |= np.isnan(column)
            by_column[name.lstrip("~")] = int((~finite).sum())
    if not by_column:
        return observed, DroppedRows()
    nan, dropped = int(undefined.sum()), int((~good).sum())
    dropped_rows = DroppedRows({k: n for k, n in {"nan": nan, "infinite": dropped - nan}.items() if n}, by_column)
    values = {name: v[good] for name, v in observed.values.items()}
    weight = None if observed.weight is None else observed.weight[good]
    read_rows = np.ones(observed.rows, bool) if observed.row_mask is None else observed.row_mask
    complete_mask = read_rows.copy()
    complete_mask[read_rows] = good
    remaining = replace(observed, rows=int(good.sum()), values=values, weight=weight, row_mask=complete_mask)
    return remaining, dropped_rows
