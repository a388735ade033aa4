"""Pass for the residual of a fit, row by row, and its products with the columns, in double-double."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gramian.batch import Batch
from gramian.errors import DataError
from gramian.fit.passes.accumulate import take_rows
from gramian.formula.design import Design
from gramian.formula.row_reader import Observed, Reader
from gramian.kernels.library import library
from gramian.linalg.doubledouble import Pair, pair, two_product, two_sum
from gramian.linalg.products import ColumnGroup
from gramian.linalg.residuals.double_double import LinearCombination, ResidualProducts, ResidualRows
from gramian.linalg.residuals.products import SlicedResidualProducts
from gramian.typing import Vector


@dataclass(frozen=True, slots=True)
class ResidualSums:
    """Partial result: sums of the residual r = Z v over rows; partial results add.

    Attributes
    ----------
    products : Pair of shape (q,)
        Z'Wr, with the stored columns Z and the response as the last one.
    square : Pair of shape (1,)
        r'Wr.
    rows : int
        Number of rows, the sum of frequency weights.
    grid : ndarray of shape (q,)
        For each column of Z a bound of the part of its values whose products were rounded to float64.
    """

    products: Pair
    square: Pair
    rows: int
    grid: Vector

    def __add__(self, other: ResidualSums, /) -> ResidualSums:
        return ResidualSums(
            self.products + other.products,
            self.square + other.square,
            self.rows + other.rows,
            np.maximum(self.grid, other.grid),
        )


@dataclass(frozen=True, slots=True)
class Residuals:
    """The task of a pass that sums the residual r = Z v.

    Attributes
    ----------
    design : Design
        With the levels of the first pass.
    groups : tuple of ColumnGroup
        The stored columns Z, with the response as the last one.
    v : Pair of shape (q,)
        Minus the coefficients, and 1 for the response.
    drop : bool
        Whether incomplete rows are dropped, as in the first pass.
    sliced : bool
        Whether products of slices suffice, 75 bits instead of 106.
    """

    design: Design
    groups: tuple[ColumnGroup, ...]
    v: Pair
    drop: bool = True
    sliced: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.design.columns

    @property
    def empty(self) -> ResidualSums:
        """The sums of no rows."""
        width = len(self.v.hi)
        return ResidualSums(pair(np.zeros(width)), pair(np.zeros(1)), 0, np.zeros(width))

    def accumulate(self, batches: Iterable[Batch], /) -> ResidualSums:
        """The sums of one unit."""
        reader = Reader(self.design, drop=self.drop)
        sums, rows = self._products(reader), 0
        with np.errstate(all="ignore"):
            for batch in batches:
                rows += self._add(sums, reader, batch)
        return ResidualSums(sums.sums, sums.square, rows, sums.grid)

    def _products(self, reader: Reader) -> ResidualProducts | SlicedResidualProducts:
        """What sums the products, in the precision that is wanted."""
        design = self.design
        # compiled products have twice the precision, whatever is wanted
        if not self.sliced and library() is None:
            return ResidualProducts(LinearCombination(self.groups, self.v, reader.sizes, design.coordinates))
        return SlicedResidualProducts(self.groups, self.v, reader.sizes, design.coordinates, design.matrix_variables)

    def _add(self, sums: ResidualProducts | SlicedResidualProducts, reader: Reader, batch: Batch) -> int:
        """Add the rows of a batch; return their number. Raises DataError for levels that the first pass did not see."""
        observed = reader.read(batch)
        has_new = has_new_levels(self.design, observed)
        if not has_new and isinstance(sums, SlicedResidualProducts):
            # one look at what came out, in place of one at every value
            before = sums.sums, sums.square
            sums.add(_precise_rows(self.design, observed.values, observed))
            if np.isfinite(sums.square.hi).all():
                return _count(observed)
            sums.sums, sums.square = before
        rows, count = rows_to_sum(self.design, observed, batch.where, has_new=has_new)
        sums.add(rows)
        return count


def rows_to_sum(
    design: Design, observed: Observed, where: str, *, has_new: bool | None = None
) -> tuple[ResidualRows, int]:
    """The rows of a batch that enter a pass in double-double, as they entered the first, and their number.

    has_new : whether there are levels that the design does not know, where that is known. Raises DataError for such.
    """
    values, observed = _finite(values_of(design, observed), observed)
    if has_new is not False and has_new_levels(design, observed):  # levels of dropped rows alone do not matter
        raise DataError("the data have changed since the first pass: there are new levels", where)
    return _precise_rows(design, values, observed), _count(observed)


def has_new_levels(design: Design, observed: Observed) -> bool:
    """Whether a row has a level that the design does not know."""
    counts = {name: len(levels) for name, levels in (design.levels or {}).items()}
    return any(bool((codes >= counts[name]).any()) for name, codes in observed.codes.items())


def _precise_rows(design: Design, values: Mapping[str, Vector], observed: Observed) -> ResidualRows:
    """Rows as a residual needs them. values : those of a matrix need not be among them for products of slices."""
    (response,) = design.outcome
    y = pair(values[response])
    if observed.offset is not None:  # the error of the difference belongs to the residual: keep it
        y = Pair(*two_sum(values[response], -observed.offset))
    return ResidualRows(observed.rows, values, observed.matrix, observed.codes, response, y, _weight(observed))


def _count(observed: Observed) -> int:
    """The number of rows, by their frequency weights."""
    return observed.rows if observed.count is None else int(observed.count.sum())


def values_of(design: Design, observed: Observed) -> dict[str, Vector]:
    """Values (n,) of all variables, those of a matrix column included, by name."""
    values = dict(observed.values)
    if observed.matrix is not None:
        values |= dict(zip(design.matrix_variables, observed.matrix.T, strict=True))
    return values


def _finite(values: Mapping[str, Vector], observed: Observed) -> tuple[Mapping[str, Vector], Observed]:
    """Values and rows in which every value is finite, as in the first pass."""
    vectors = [*values.values(), *([] if observed.offset is None else [observed.offset])]
    matrices = [observed.matrix] if observed.matrix is not None else []
    # a sum is finite if all values are (and none overflows): one look at each vector in the usual case
    if all(np.isfinite(v.sum()) for v in (*matrices, *observed.values.values(), *vectors[len(values) :])):
        return values, observed
    good = np.logical_and.reduce([np.isfinite(v) for v in vectors])
    if good.all():
        return values, observed
    finite_rows = replace(
        observed,
        rows=int(good.sum()),
        matrix=None if observed.matrix is None else observed.matrix[good],
        codes={name: c[good] for name, c in observed.codes.items()},
        offset=take_rows(observed.offset, good),
        weight=take_rows(observed.weight, good),
        count=take_rows(observed.count, good),
    )
    return {name: v[good] for name, v in values.items()}, finite_rows


def _weight(observed: Observed) -> Pair | None:
    """Weights (n,) of rows in double-double: precision weight times frequency weight; None without any."""
    weight, count = observed.weight, observed.count
    if weight is None or count is None:
        one = count if weight is None else weight
        return None if one is None else pair(one)
    return Pair(*two_product(weight, count))
