"""A fit as effects need it: the stored columns closed under derivatives, their coefficients and covariance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from gramian.errors import OptionError
from gramian.fit.leastsquares.identified import reported_solution
from gramian.fit.leastsquares.solution import Solved, stored_coefficients
from gramian.formula.coding import Stored
from gramian.formula.design import Design
from gramian.formula.syntax import names
from gramian.formula.terms import Terms
from gramian.linalg import maps
from gramian.linalg.columns import Factors, Layout
from gramian.linalg.monomials import Monomial, monomial
from gramian.linalg.products import ColumnGroup, without_last
from gramian.linalg.subspace import dense
from gramian.models.glm import GLM
from gramian.typing import Codes, Level, Mask, Matrix, Vector

NOT_ESTIMABLE = 1e-7  # relative size of a null vector's part in a gradient, above which rounding does not explain it


class MeanWithDerivatives(NamedTuple):
    """Means mu, and the derivatives of mu by the linear predictor, once and twice."""

    mu: Vector
    first: Vector | float
    second: Vector | float
    is_linear: bool


@dataclass(frozen=True)  # no slots: cached properties need a __dict__
class EffectModel:
    """A fit whose predictions and their derivatives are linear functions of stored columns.

    Attributes
    ----------
    solved : Solved
        The fit; of a generalized linear one the last weighted least-squares step.
    df : float
        Degrees of freedom of t; infinite for z.
    model : GLM or None
        Family and link; None where the prediction is the linear predictor itself.
    dispersion : float
        What the inverse of X'WX is multiplied by, unless a robust covariance is in force.
    """

    solved: Solved
    df: float
    model: GLM | None = None
    dispersion: float = math.nan

    @cached_property
    def design(self) -> Design:
        """The predictors, without outcome and weights."""
        return replace(self.solved.design, outcome={}, weight=None, count=None, matrix=None, present=())

    @cached_property
    def blocks(self) -> Mapping[Factors, Sequence[Monomial]]:
        """Factors -> monomials in their cells, closed downwards, so that derivatives are among them."""
        return self.design.terms.coefficient_blocks

    @cached_property
    def layout(self) -> Layout:
        """The monomials that are written for a block of rows."""
        cells = tuple((f, tuple(m)) for f, m in self.blocks.items() if f)
        return Layout(tuple(self.blocks[()]), (), cells)

    @cached_property
    def groups(self) -> tuple[ColumnGroup, ...]:
        """All stored columns: the monomials of the blocks in all cells with rows; with factors a group for each."""
        out, first = [], 0
        for factors, monomials in self.blocks.items():
            cells = sorted(self.solved.levels.cells[factors]) if factors else [()]
            codes = np.array(cells, np.int64).reshape(len(cells), len(factors))
            for part in [(m,) for m in monomials] if factors else [tuple(monomials)]:
                out.append(ColumnGroup(factors, codes, part, first + np.arange(len(cells) * len(part))))
                first += len(out[-1].positions)
        return tuple(out)

    @cached_property
    def stored(self) -> tuple[Stored, ...]:
        """Cell and monomial of each stored column, (q,)."""
        return _stored(self.groups)

    @cached_property
    def places(self) -> Mapping[Stored, int]:
        """Stored column -> its position."""
        return {column: i for i, column in enumerate(self.stored)}

    @cached_property
    def width(self) -> int:
        """Number q of stored columns."""
        return len(self.stored)

    @cached_property
    def means(self) -> Vector | None:
        """Means (q,) of the stored columns over the rows of the fit; None where their sums are not known.

        Sums with weights give no means of rows, each of which counts once.
        """
        sums = self.solved.first_moments
        return None if sums is None or self.solved.design.weight else sums / self.solved.rows

    @cached_property
    def own_columns(self) -> Codes:
        """Positions among the stored columns of those that the solution has coefficients of, in its order."""
        own = _stored(without_last(self.solved.parametrization.groups))
        return np.array([self.places[column] for column in own], np.int64)

    @cached_property
    def coefficients(self) -> Vector:
        """Coefficients (q,) of the stored columns; zero for those that are there for derivatives only."""
        solved = self.solved
        out = np.zeros(self.width)
        out[self.own_columns] = stored_coefficients(
            solved.parametrization, solved.solution, solved.coefficients, solved.aliased
        )
        return out

    @cached_property
    def shift(self) -> float:
        """Shift of the outcome, which is part of every prediction."""
        solved, (response,) = self.solved, self.solved.design.outcome
        return 0.0 if solved.parametrization.subspace is not None else solved.design.coordinates[response].shift

    @cached_property
    def interactions(self) -> Mapping[Factors, frozenset[tuple[int, ...]]]:
        """The several factors of each interaction -> combinations of their codes that have rows."""
        return {factors: self.solved.levels.cells[factors] for factors in self.blocks if len(factors) > 1}

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """Factor -> number of levels."""
        return {name: len(levels) for name, levels in self.solved.levels.names.items()}

    def ordered_levels(self, name: str) -> list[Level]:
        """The levels of a factor's column in the order of the model, the reference level first.

        Raises OptionError where the factor is absorbed.
        """
        levels = self.solved.levels
        label = next(label for label, factor in self.design.terms.factors.items() if factor.column == name)
        if label not in levels.order:
            raise OptionError(f"'{name}' is absorbed: its levels have no coefficients to compare")
        return [levels.names[label][code] for code in levels.order[label]]

    def only(self, columns: Set[str]) -> Design:
        """A design without terms that reads the variables of these columns alone, and their factors."""
        design, terms = self.design, self.design.terms
        variables = {v: node for v, node in terms.variables.items() if set(names(node)) <= columns}
        splines = {label: s for label, s in terms.splines.items() if variables.keys() >= set(s.columns)}
        factors = {label: factor for label, factor in terms.factors.items() if set(factor.columns) <= columns}
        offsets = design.offsets if set(names(*design.offsets)) <= columns else ()
        return replace(design, terms=Terms((), variables, factors, (), splines), offsets=offsets)

    @property
    def is_linear(self) -> bool:
        """Whether predictions are the linear predictor itself."""
        return self.model is None or self.model.link.name == "identity"

    def mean(self, eta: Vector) -> MeanWithDerivatives:
        """Means at the linear predictor, with derivatives."""
        if self.model is None or self.is_linear:
            return MeanWithDerivatives(eta, 1.0, 0.0, True)
        link = self.model.link
        first = link.derivative(eta)
        return MeanWithDerivatives(link.inverse(eta), first, first * link.curvature_ratio(eta), False)

    @property
    def no_terms(self) -> Terms:
        """The terms of a formula without any."""
        return Terms((), {}, {})

    def derivative_entries(self, variable: str) -> list[tuple[int, int, float]]:
        """Derivatives of the stored columns by a variable: position, position of the derivative's column, and factor.

        The derivative of u^k is k u^(k-1) / 2^exponent.
        """
        scale, out = 2.0 ** -self.design.coordinates[variable].exponent, []
        for i, (cell, m) in enumerate(self.stored):
            powers = dict(m)
            if power := powers.get(variable, 0):
                lower = monomial({**powers, variable: power - 1})
                out.append((i, self.places[cell, lower], power * scale))
        return out

    def solved_gradients(self, gradients: Matrix) -> Matrix:
        """Gradients (k, q) by the stored columns as gradients (k, p) by the columns that were solved for."""
        G, subspace = gradients[:, self.own_columns], self.solved.parametrization.subspace
        return G if subspace is None else G @ dense([maps.sparse(c) for c in subspace[:-1]], G.shape[1])

    def covariance(self, gradients: Matrix) -> Matrix:
        """Covariance (k, k) of linear functions of the coefficients, by their gradients (k, q)."""
        solved, robust = self.solved, self.solved.robust
        G, P = self.solved_gradients(gradients), reported_solution(solved)
        G = G if P is None else G @ P
        V, root, scale = solved.solution.inverse, solved.solution.root, self.dispersion
        if robust is not None:
            V, root, scale = robust.solved_covariance, robust.solved_root, 1.0
        with np.errstate(invalid="ignore"):
            if root is None:
                return np.asarray(scale * (G @ V @ G.T))
            parts = math.sqrt(scale) * (G @ root)  # squares do not cancel as G V G' does
            return np.asarray(parts @ parts.T)

    def estimable(self, gradients: Matrix) -> Mask:
        """Which functions (k,) the data determine: those whose gradients are orthogonal to all null vectors."""
        null = self.solved.solution.null
        if not null.shape[1]:
            return np.ones(len(gradients), np.bool_)
        G = self.solved_gradients(gradients)
        sizes = np.abs(G) @ np.abs(null)
        return np.asarray((np.abs(G @ null) <= NOT_ESTIMABLE * np.maximum(sizes, np.finfo(float).tiny)).all(axis=1))


def _stored(groups: Sequence[ColumnGroup]) -> tuple[Stored, ...]:
    """Cell and monomial of each column of the groups, in the order of positions."""
    out: dict[int, Stored] = {}
    for group in groups:
        for k, m in enumerate(group.monomials):
            for position, codes in zip(group.at(k).tolist(), group.cells.tolist(), strict=True):
                out[position] = tuple(zip(group.factors, codes, strict=True)), m
    return tuple(out[i] for i in range(len(out)))
