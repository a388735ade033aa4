"""Demeaned rows beside absorbed factors: stored columns minus the effects of the levels on them.

The effects come from the sums of the first pass (Frisch, Waugh and Lovell: the columns regressed on the levels), so the
pass at the solution sums nothing over levels and takes one look-up for each row and factor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gramian.fit.leastsquares.absorbed import largest_first
from gramian.formula.coordinates import Parametrization
from gramian.formula.design import Design
from gramian.linalg.absorb.partial_out import Absorption, absorb
from gramian.linalg.blocks import ROWS_PER_BLOCK
from gramian.linalg.certificate import sum_rounding_error
from gramian.linalg.columns import Columns, Layout
from gramian.linalg.dense_rows import stored_rows
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import degree
from gramian.linalg.products import ColumnGroup, without_last
from gramian.typing import Matrix, Vector


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
        Factor -> (levels, q); a row's fitted value is the sum over factors.
    weight : mapping
        Factor -> (levels,) sums of weights.
    """

    groups: tuple[ColumnGroup, ...]
    effects: Mapping[str, Matrix]
    weight: Mapping[str, Vector]

    @property
    def width(self) -> int:
        """Number of stored columns, q."""
        return sum(len(g.positions) for g in self.groups)

    def rows(self, columns: Columns, layout: Layout, sizes: Mapping[str, int]) -> Matrix:
        """The demeaned rows of a block, (n, q), in the order of the columns' positions. sizes : factor -> levels."""
        Z = stored_rows(columns, layout, self.groups, sizes)
        for factor, effect in self.effects.items():
            Z -= effect[columns.codes[factor]]
        return Z

    def leverage(self, columns: Columns) -> Vector:
        """1 / sum of weights of each row's level, (n,): its leverage by its level, per weight. For one factor only."""
        ((factor, weight),) = self.weight.items()
        return np.asarray(1.0 / weight[columns.codes[factor]])


def demeaned(solved: Fitted, moments: Moments, absorption: Absorption | None = None) -> Demeaned:
    """The effects of the levels on every stored column, from moments with sums over levels. Raises ConvergenceError.

    absorption : of these moments, where the fit has made it already.
    """
    groups = solved.parametrization.groups
    order = largest_first(moments, solved.design.terms.absorbed)
    first, others = (absorption or _absorption(moments, groups, order)).level_effects()
    effects, start = {order[0]: first[:, :-1]}, 0
    for name in order[1:]:
        size = len(moments.levels[name])
        effects[name] = others[start : start + size, :-1]
        start += size
    weight = {name: moments.tables[(name,)].sums[:, _constant(moments, name)] for name in order}
    return Demeaned(tuple(without_last(groups)), {f: np.ascontiguousarray(s) for f, s in effects.items()}, weight)


def _absorption(moments: Moments, groups: Sequence[ColumnGroup], order: Sequence[str]) -> Absorption:
    """The factors partialled out of the products of the stored columns."""
    q, rows = sum(len(g.positions) for g in groups), moments.rows
    rounding_error = sum_rounding_error(
        rows, q, ROWS_PER_BLOCK + rows // ROWS_PER_BLOCK, max(degree(m) for g in groups for m in g.monomials)
    )
    return absorb(moments, groups, order, rounding_error)


def _constant(moments: Moments, factor: str) -> int:
    """Position of the constant, whose sums are sums of weights, in the table of a factor."""
    return dict(moments.layout.tables)[(factor,)].index(())
