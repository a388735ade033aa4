"""Demeaned rows beside absorbed factors: stored columns minus the effects of the levels on them.

The effects come from the sums of the first pass (Frisch, Waugh and Lovell: the columns regressed on the levels), so the
pass at the solution sums nothing over levels and takes one look-up for each row and factor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from gramian.errors import DataError, OptionError
from gramian.fit.leastsquares.absorbed import largest_first
from gramian.fit.passes.memory import format_bytes, memory_limit
from gramian.formula.coordinates import Parametrization
from gramian.formula.design import Design
from gramian.linalg.absorb.level_functions import LevelFunctions
from gramian.linalg.absorb.leverage import LevelLeverage, level_leverage
from gramian.linalg.absorb.partial_out import Absorption, absorb
from gramian.linalg.absorb.slopes import Slopes
from gramian.linalg.blocks import ROWS_PER_BLOCK
from gramian.linalg.certificate import sum_rounding_error
from gramian.linalg.columns import Columns, Layout
from gramian.linalg.dense_rows import stored_rows
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import Monomial, highest_degree
from gramian.linalg.products import ColumnGroup, without_last
from gramian.typing import Matrix, Vector

INVERSES = 4  # matrices of the levels of the smaller factors that are alive together


class Fitted(Protocol):
    """The part of a fit that `demeaned` needs."""

    @property
    def design(self) -> Design: ...
    @property
    def parametrization(self) -> Parametrization: ...


@dataclass(frozen=True, slots=True)
class Demeaned:
    """Effects of the levels of absorbed factors on the stored columns but the outcome.

    Attributes
    ----------
    groups : tuple of ColumnGroup
        The q stored columns.
    effects : mapping
        Factor -> (levels, q) of its indicators; a row's fitted value is the sum over factors.
    slopes : tuple of (str, Monomial, Matrix)
        Factor, variable and effects (levels, q) of the indicators times the variable.
    weight : mapping
        Factor -> (levels,) sums of weights.
    functions : mapping
        Factor -> functions of its levels, of those that have slopes.
    joint : LevelLeverage or None
        Leverages by the levels of several factors, where they are needed.
    """

    groups: tuple[ColumnGroup, ...]
    effects: Mapping[str, Matrix]
    slopes: tuple[tuple[str, Monomial, Matrix], ...]
    weight: Mapping[str, Vector]
    functions: Mapping[str, LevelFunctions]
    joint: LevelLeverage | None = None

    @property
    def width(self) -> int:
        """Number of stored columns, q."""
        return sum(len(g.positions) for g in self.groups)

    def rows(self, columns: Columns, layout: Layout, sizes: Mapping[str, int]) -> Matrix:
        """The demeaned rows of a block, (n, q), in the order of the columns' positions. sizes : factor -> levels."""
        Z = stored_rows(columns, layout, self.groups, sizes)
        for factor, effect in self.effects.items():
            Z -= effect[columns.codes[factor]]
        if self.slopes:
            place = {m: i for i, m in enumerate((*layout.rows, *layout.extra))}
            for factor, variable, effect in self.slopes:
                Z -= columns.value(place[variable])[:, None] * effect[columns.codes[factor]]
        return Z

    def leverage(self, columns: Columns, layout: Layout) -> Vector:
        """The leverage of each row (n,) by its levels, per weight; by that of one factor 1 / sum of weights."""
        if self.joint is not None:
            return self.joint.of(columns.codes)
        ((factor, weight),) = self.weight.items()
        codes = columns.codes[factor]
        if factor not in self.functions:
            return np.asarray(1.0 / weight[codes])
        own = self.functions[factor]
        place = {m: i for i, m in enumerate((*layout.rows, *layout.extra))}
        rows = np.column_stack([columns.value(place[m]) for m in own.monomials])
        values = np.einsum("nj,njk->nk", rows, own.used[codes])
        return np.asarray((values**2 / own.squares[codes]).sum(axis=1))


def with_leverages(demeaned: Demeaned, moments: Moments, kind: str) -> Demeaned:
    """With what leverages by the levels of several factors need. kind : the covariance, for messages.

    Raises
    ------
    OptionError
        Beside slopes of levels, with several factors.
    DataError
        Where the inverse for the levels of all factors but the largest does not fit into memory.
    """
    factors = tuple(demeaned.weight)
    if len(factors) == 1:
        return demeaned
    names = " and ".join(factors)
    if demeaned.functions:
        raise OptionError(
            f"{kind} needs leverages, which slopes beside several factors, {names}, do not have here: use HC1"
        )
    levels = sum(len(moments.levels[f]) for f in factors[1:])
    limit = memory_limit()
    if 8 * INVERSES * levels**2 > limit:
        raise DataError(
            f"{kind} needs the leverages of the levels of {names}, and with them the inverse of a matrix of {levels:,} "
            f"levels, all but those of '{factors[0]}': {format_bytes(8 * INVERSES * levels**2)}, more than the "
            f"{format_bytes(limit)} that are free for it; use HC1"
        )
    rounding_error = sum_rounding_error(moments.rows, levels, ROWS_PER_BLOCK + moments.rows // ROWS_PER_BLOCK)
    return replace(demeaned, joint=level_leverage(moments, factors, rounding_error))


def demeaned(solved: Fitted, moments: Moments, absorption: Absorption | None = None) -> Demeaned:
    """The effects of the levels on every stored column, from moments with sums over levels. Raises ConvergenceError.

    absorption : of these moments, where the fit has made it already.
    """
    groups = solved.parametrization.groups
    slopes = solved.design.terms.slopes
    order = largest_first(moments, solved.design.terms.absorbed, slopes)
    absorption = absorption or _absorption(moments, groups, order, slopes)
    effects = absorption.column_effects()
    return Demeaned(
        tuple(without_last(groups)),
        {f: np.ascontiguousarray(own[0, :, :-1]) for f, own in effects.items()},
        tuple(
            (f, m, np.ascontiguousarray(own[:, :-1]))
            for f, by in slopes.items()
            for m, own in zip(by.monomials[1:], effects[f][1:], strict=True)
        ),
        {name: moments.tables[(name,)].sums[:, _constant(moments, name)] for name in order},
        {name: own for name, own in absorption.factors.items() if own is not None},
    )


def _absorption(
    moments: Moments, groups: Sequence[ColumnGroup], order: Sequence[str], slopes: Mapping[str, Slopes]
) -> Absorption:
    """The factors partialled out of the products of the stored columns."""
    q, rows = sum(len(g.positions) for g in groups), moments.rows
    rounding_error = sum_rounding_error(
        rows, q, ROWS_PER_BLOCK + rows // ROWS_PER_BLOCK, highest_degree([m for g in groups for m in g.monomials])
    )
    return absorb(moments, groups, order, rounding_error, slopes)


def _constant(moments: Moments, factor: str) -> int:
    """Position of the constant, whose sums are sums of weights, in the table of a factor."""
    return dict(moments.layout.tables)[(factor,)].index(())
