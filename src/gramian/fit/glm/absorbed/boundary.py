"""Levels of absorbed factors whose outcomes all lie at one end of the family's range: their effects are infinite.

Their rows say nothing about the other coefficients, and are left out, as in fixest; further levels may then lie at an
end, so rows are read until there are none.

References
----------
Correia, S., Guimaraes, P. and Zylkin, T. (2019). Verifying the existence of maximum likelihood estimates for
generalized linear models. arXiv:1903.01633.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gramian.batch import Batch, Source
from gramian.errors import SeparationError
from gramian.fit.passes.accumulate import Accumulated, UnitAccumulator, take_rows
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.keys import RowKeys
from gramian.fit.passes.row_filter import Subset
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.levels import LevelIndex
from gramian.formula.row_reader import Observed, with_columns
from gramian.formula.syntax import Name, Node, names
from gramian.linalg.columns import Columns, Factors, Layout
from gramian.linalg.factors.levels import array_of, select_levels
from gramian.linalg.keyed.moments import Key
from gramian.linalg.moments import Accumulator, Moments, combined_weight
from gramian.linalg.monomials import CONSTANT, Monomial
from gramian.typing import Codes, Level, Mask, Vector

SEPARATED = "separated"  # the cause under which their rows are counted
KEPT: Key = ("kept",)
NEARBY = 1 << 20  # width of ranges of integers that are looked up in a mask, beyond the levels to leave out


@dataclass(frozen=True, slots=True)
class LevelOutcomes:
    """The pass that sums the outcome itself, without offset, over the levels of absorbed factors.

    Attributes
    ----------
    design : Design
        All terms, so that the same rows enter as in the fit.
    drop : bool
        Whether incomplete rows are dropped; if False, they raise DataError.
    """

    design: Design
    drop: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.design.columns

    @property
    def long_runs(self) -> bool:
        """Whether rows are accumulated in long runs: always, for sums are over many levels."""
        return True

    @property
    def empty(self) -> Accumulated:
        """The sums of no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> Accumulated:
        """The sums of one unit."""
        accumulator = _OutcomeAccumulator(self.design, drop=self.drop)
        with np.errstate(all="ignore"):
            for batch in batches:
                accumulator.add(accumulator.reader.read(batch))
        return accumulator.finish()


class _OutcomeAccumulator(UnitAccumulator):
    """Sums of the constant and of the outcome over the levels of each absorbed factor; all columns say which rows."""

    def __init__(self, design: Design, *, drop: bool) -> None:
        super().__init__(design, drop=drop)
        (response,) = self.responses
        monomials: tuple[Monomial, ...] = (CONSTANT, ((response, 1),))
        tables: tuple[tuple[Factors, tuple[Monomial, ...]], ...] = tuple(
            ((f,), monomials) for f in design.terms.absorbed_intercepts
        )
        self.places = [self.layout.rows.index(m) for m in monomials]
        self.sums = Accumulator(Layout((CONSTANT,), self.responses, tables), design.coordinates, {})

    def residual(self, observed: Observed, response: str) -> Vector:
        """The outcome, (n,)."""
        return observed.values[response]

    def block(self, columns: Columns, observed: Observed, rows: slice | Mask) -> bool:
        """Add the rows of a block; as of `UnitAccumulator`."""
        if not (columns.surely_finite() or columns.finite().all()):
            return False
        values = np.array([columns.value(place) for place in self.places])
        none = np.zeros((0, columns.rows))
        both = Columns(columns.rows, values, (0, 1), None, (), none, columns.codes)
        weight, count = take_rows(observed.weight, rows), take_rows(observed.count, rows)
        return self.sums.add(both, combined_weight(weight, count), count, self.reader.sizes)

    def moments(self) -> Moments:
        """The unit's sums, with the levels of absorbed factors alone."""
        factors = self.design.terms.absorbed_intercepts
        return self.sums.finish({name: self.reader.levels[name].levels for name in factors})


@dataclass(frozen=True, slots=True)
class ExcludedLevels:
    """Groups rows into those to keep, and those in any of some levels.

    Attributes
    ----------
    levels : mapping
        Column -> its levels to leave out.
    nodes : mapping
        Column that is computed from others -> its expression.
    """

    levels: Mapping[str, Sequence[Level]]
    nodes: Mapping[str, Node]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that decide."""
        return names(*self.nodes.values(), *(Name(column) for column in self.levels if column not in self.nodes))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts of a key."""
        return ("rows",)

    def start(self) -> RowKeys:
        """Begin a unit."""
        excluded = {column: _Excluded.of(column, levels) for column, levels in self.levels.items()}
        return _KeptRows(excluded, self.nodes)


@dataclass(frozen=True, slots=True)
class _Excluded:
    """Levels of a column to leave out. index : of them. integers : the same, if they are integers.

    nearby : a range with the integers, whose values need no search; None for other levels.
    """

    index: LevelIndex
    integers: Codes | None
    nearby: range | None

    @classmethod
    def of(cls, column: str, levels: Sequence[Level]) -> _Excluded:
        """Prepare to find levels in batches."""
        values = array_of(levels)
        index = LevelIndex(column, levels, frozen=True)
        if values is None or values.dtype.kind != "i":
            return cls(index, None, None)
        return cls(index, values, range(int(values.min()) - NEARBY, int(values.max()) + NEARBY))

    def among(self, levels: Sequence[Level]) -> Mask:
        """Which levels of a batch are to be left out, (levels,)."""
        if not isinstance(levels, range) or self.integers is None:
            return ~self.index.is_unknown(np.arange(len(levels)), levels)
        # a range may be much longer than the list of those that are looked for
        places = self.integers - levels.start
        out = np.zeros(len(levels), np.bool_)
        out[places[(places >= 0) & (places < len(levels))]] = True
        return out


@dataclass(frozen=True, slots=True)
class _KeptRows:
    """Code 0 for rows to keep, -1 for others. excluded : column -> its levels to leave out; nodes : as above."""

    excluded: Mapping[str, _Excluded]
    nodes: Mapping[str, Node]
    size: int = 1
    keys: Sequence[Key] = (KEPT,)

    def parts(self, batch: Batch) -> Mapping[str, Codes]:
        """No column has codes of its own."""
        return {}

    def codes(self, batch: Batch, parts: Mapping[str, Codes]) -> Codes:
        """Codes (n,) of the rows of a batch."""
        out, batch = np.zeros(batch.rows, np.int64), with_columns(batch, self.nodes)
        for column, excluded in self.excluded.items():
            codes, levels = batch.factor(column, excluded.nearby)
            out[(codes >= 0) & excluded.among(levels)[codes]] = -1
        return out


def without_separated_levels(
    design: Design, runner: PassRunner, top: float | None, *, drop: bool
) -> tuple[Source, DroppedRows]:
    """The rows outside the levels whose outcomes are all 0, or all at the top of the range; and how many are left out.

    Parameters
    ----------
    design : Design
        With absorbed factors.
    runner : PassRunner
        The rows; each look at them is one of its passes.
    top : float or None
        Upper end of the outcome's range; None for families that cannot separate, for which nothing is read.
    drop : bool
        Whether incomplete rows are dropped.

    Raises
    ------
    SeparationError
        Where no level is left.
    """
    source, before, rows = runner.source, 0, 0
    while top is not None:
        moments = runner.fold(LevelOutcomes(design, drop), source).moments
        rows, before = moments.rows, before or moments.rows
        found = _separated(moments, design, top)
        if not found:
            break
        if any(len(found.get(f, ())) == len(moments.levels[f]) for f in design.terms.absorbed_intercepts):
            raise SeparationError(
                f"every level of '{next(iter(found))}' has outcomes of one kind only, all at an end of the family's "
                "range, so no row says anything about the coefficients; absorb another factor, or none",
                tuple(found),
            )
        factors = [design.terms.factors[f] for f in found]
        excluded = {factor.column: found[factor.label] for factor in factors}
        nodes = {factor.column: factor.node for factor in factors if factor.node is not None}
        source = Subset(source, ExcludedLevels(excluded, nodes), KEPT)
    return source, DroppedRows({SEPARATED: before - rows}) if before > rows else DroppedRows()


def _separated(moments: Moments, design: Design, top: float) -> dict[str, Sequence[Level]]:
    """Absorbed factor -> its levels whose outcomes all lie at one end, for those that have any."""
    (response,), found = design.outcome, {}
    for factor in design.terms.absorbed_intercepts:
        monomials, table = dict(moments.layout.tables)[(factor,)], moments.tables[(factor,)]
        outcome, weight = (table.sums[:, monomials.index(m)] for m in (((response, 1),), CONSTANT))
        # a sum of zeros is zero, and one of ones the same sum as the weights, without any rounding
        separated = (outcome == 0.0) | (outcome == top * weight)
        if separated.any():
            found[factor] = select_levels(moments.levels[factor], separated)
    return found
