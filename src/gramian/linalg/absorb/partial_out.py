"""Absorbed factors: their levels are partialled out of the products of all other columns, from cell sums.

The products of one factor's levels with each other are a diagonal matrix, so the largest factor costs one division a
level and never a matrix of (levels + columns)^2. The Schur complement for the levels of further factors is a small
dense system or, beyond MAX_DIRECT_LEVELS levels, a sparse one for conjugate gradient
(`gramian.linalg.absorb.projection`).

Guimaraes and Portugal (2010), "A simple feasible procedure to fit models with high-dimensional fixed effects"; Gaure
(2013), "OLS with multiple high dimensional category variables".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.sparse import csr_array

from gramian.linalg.absorb.explained import explained
from gramian.linalg.absorb.level_functions import level_functions
from gramian.linalg.absorb.level_graph import LevelGraph, level_graph
from gramian.linalg.absorb.level_sums import (
    AbsorbedFactors,
    LevelSums,
    amplifications,
    amplified,
    function_map,
    function_sums,
    in_functions,
    indicators,
    level_sums,
    products_of_levels,
    sums_of_levels,
)
from gramian.linalg.absorb.pivots import pivoted
from gramian.linalg.absorb.projection import Projected, SchurComplement, project
from gramian.linalg.absorb.rank import rank_of, rank_of_functions
from gramian.linalg.absorb.slopes import NO_SLOPES, Slopes
from gramian.linalg.moments import Moments
from gramian.linalg.products import ColumnGroup, gram_matrix
from gramian.linalg.solve import SAFETY
from gramian.linalg.triangular import solve_triangular
from gramian.typing import Matrix, Vector

MAX_COLUMN_LEVELS = 200  # levels of the third and further factors, up to which they are dense columns
MAX_DIRECT_LEVELS = 1_000  # levels of all factors but the largest, up to which Cholesky eliminates them


@dataclass(frozen=True, slots=True)
class Absorption:
    """Products of stored columns after absorbing factors, and the effects of the levels.

    With slopes, "levels" are the orthogonal functions of the levels, of which each level has several.

    Attributes
    ----------
    products : (q, q)
        Of the parts of the stored columns that are orthogonal to the levels.
    sums : LevelSums
        Over the levels of the largest factor, with the L2 levels of the other factors as further columns.
    others : (L2, q)
        Coefficients of the levels of the other factors in the projection of each stored column.
    rank : int
        Dimension of the span of all levels.
    exact : bool
        False where `rank` is only an upper bound.
    projected : Projected or None
        The projection by which `others` were found, where its error is more than rounding.
    factors : mapping
        The factors in the order of elimination, with the functions of the levels of those that have slopes.
    widths : mapping
        Factor -> number of its levels, or of the functions of all of them.
    amplified : (q,)
        Squares by which rounding errors of orthogonal functions exceed those of what they explain; zeros without any.
    """

    products: Matrix
    sums: LevelSums
    others: Matrix
    rank: int
    exact: bool
    projected: Projected | None = None
    factors: AbsorbedFactors = field(default_factory=dict)
    widths: Mapping[str, int] = field(default_factory=dict)
    amplified: Vector | float = 0.0

    def effects(self, v: Vector, *, careful: bool = False) -> tuple[Vector, Vector]:
        """Effects of the levels of the largest factor (L,) and of the others (L2,) on the combination `v` : (q,).

        careful : whether effects are solved for to rounding; products within levels do not need that.
        """
        other_effects = self.others @ v
        if careful and self.projected is not None and self.projected.correct is not None:
            other_effects = other_effects + self.projected.correct(v)
        return self.sums.combination_sums(np.concatenate([v, -other_effects])) / self.sums.weight, other_effects

    def monomial_effects(self, v: Vector, *, careful: bool) -> dict[str, Matrix]:
        """Factor -> effects (J, levels) on the combination `v` of the indicators, times 1 and each variable."""
        first, others = self.effects(v, careful=careful)
        return {f: own[:, :, 0] for f, own in self._by_factor(first[:, None], others[:, None]).items()}

    def column_effects(self) -> dict[str, Matrix]:
        """Factor -> effects (J, levels, q) on every stored column of the indicators, times 1 and each variable."""
        return self._by_factor(*self.level_effects())

    def _by_factor(self, first: Matrix, others: Matrix) -> dict[str, Matrix]:
        """Effects of functions of levels, of the largest factor (L, q) and of the others (L2, q), by monomial."""
        parts = np.split(others, np.cumsum(list(self.widths.values())[1:])[:-1])
        out = {}
        for (factor, functions), own in zip(self.factors.items(), [first, *parts], strict=False):
            out[factor] = own[None] if functions is None else functions.of_monomials(own)
        return out

    def level_effects(self) -> tuple[Matrix, Matrix]:
        """Effects of the levels on every stored column: of the largest factor (L, q), and of the others (L2, q)."""
        q, sums = len(self.products), self.sums
        own = np.flatnonzero(sums.sparse_at < q)
        of_other_factors = np.flatnonzero(sums.sparse_at >= q)
        first = np.zeros((len(sums.weight), q))
        first[:, sums.dense_at] = sums.dense
        if len(own):
            first[:, sums.sparse_at[own]] = sums.sparse[:, own].toarray()
        if len(of_other_factors):
            # The largest factor's effect is the mean of what the other factors leave of a column.
            first -= sums.sparse[:, of_other_factors] @ self.others[sums.sparse_at[of_other_factors] - q]
        first /= sums.weight[:, None]
        return first, self.others


def absorb(
    moments: Moments,
    groups: Sequence[ColumnGroup],
    factors: Sequence[str],
    rounding_error: float,
    slopes: Mapping[str, Slopes] = NO_SLOPES,
) -> Absorption:
    """Partial factors out of the products of the stored columns in `groups`.

    Parameters
    ----------
    moments : Moments
        With tables of the factors.
    groups : sequence of ColumnGroup
        The q stored columns.
    factors : sequence of str
        The factors, that of most levels first.
    rounding_error : float
        Relative rounding error of a product.
    slopes : mapping
        Factor -> variables with a slope for each of its levels.

    Raises
    ------
    ConvergenceError
        Where the levels of several large factors share too few rows for conjugate gradient.
    """
    q, first = sum(len(g.positions) for g in groups), factors[0]
    of = {f: level_functions(moments, f, slopes[f], rounding_error) if f in slopes else None for f in factors}
    others = {f: of[f] for f in factors[1:]}
    columns = indicators(moments, others, q)
    to_functions = function_map(moments, others)
    sums = in_functions(function_sums(moments, first, [*groups, *columns], of[first]), to_functions, q)
    if sum(len(g.positions) for g in columns) > MAX_DIRECT_LEVELS:
        absorption = _absorb_many(moments, groups, of, sums, q, rounding_error)
    else:
        S = _with_functions(gram_matrix(moments, [*groups, *columns]), to_functions, q)
        own, scale = of[first], amplifications(moments, others)
        levels = len(sums.weight) if own is None else own.rank
        squares = np.maximum(S.diagonal()[q:], 0.0) * scale + amplified(sums, own, len(S))[q:]
        absorption = _absorb_directly(S, sums, q, rounding_error, levels, squares)
    widths = {f: len(moments.levels[f]) if own is None else own.squares.size for f, own in of.items()}
    absorption = replace(absorption, factors=of, widths=widths)
    if any(of.values()):
        extra = [amplified(function_sums(moments, f, groups, own), own, q) for f, own in of.items() if own]
        absorption = replace(absorption, amplified=np.sum(extra, axis=0))
        return absorption if absorption.exact else replace(absorption, rank=rank_of_functions(moments, of))
    if absorption.exact and len(factors) > 2:
        return absorption
    rank, exact = rank_of(moments, factors)
    return replace(absorption, rank=rank, exact=exact)


def _with_functions(S: Matrix, to_functions: csr_array | None, q: int) -> Matrix:
    """Products with the columns after the first q, which are indicators, replaced by functions of them."""
    if to_functions is None:
        return S
    K = to_functions.toarray()
    cross = S[:q, q:] @ K
    return np.block([[S[:q, :q], cross], [cross.T, K.T @ S[q:, q:] @ K]])


def _absorb_directly(
    S: Matrix, sums: LevelSums, q: int, rounding_error: float, levels: int, squares: Vector
) -> Absorption:
    """Eliminate the levels of all factors but the largest by pivoted Cholesky of their Schur complement.

    Pivoting shows the rank, since levels of several factors are always dependent (each factor's sum to the constant).
    levels : rank of the largest factor. squares : (s,) of the levels of the others, to which rounding is relative.
    """
    remainder = S - explained(sums, len(S))
    if len(S) == q:
        return Absorption(remainder, sums, np.zeros((0, q)), levels, True)
    products, others, rank = _eliminate(remainder, squares, q, rounding_error)
    return Absorption(products, sums, others, levels + rank, True)


def _eliminate(remainder: Matrix, squares: Vector, q: int, rounding_error: float) -> tuple[Matrix, Matrix, int]:
    """Eliminate the columns after the first q by pivoted Cholesky.

    remainder : (q + s, q + s) products. squares : (s,) of the eliminated columns, before anything was partialled out.
    Returns the products (q, q) that are left, the coefficients (s, q) of the eliminated columns, and their rank.
    """
    size = np.sqrt(np.where(squares > 0.0, squares, 1.0))
    L, independent = pivoted(remainder[q:, q:], size, SAFETY * rounding_error)
    half = solve_triangular(L, remainder[q:, :q][independent] / size[independent, None], lower=True)
    coefficients = np.zeros((len(remainder) - q, q))
    coefficients[independent] = solve_triangular(L, half, lower=True, trans="T") / size[independent, None]
    return remainder[:q, :q] - half.T @ half, coefficients, len(independent)


def _absorb_many(
    moments: Moments,
    groups: Sequence[ColumnGroup],
    factors: AbsorbedFactors,
    sums: LevelSums,
    q: int,
    rounding_error: float,
) -> Absorption:
    """Eliminate many levels: of all factors but the largest at once, or of the second first.

    Where the levels of the two largest factors make a sparse graph, whose elimination is cheap, the few levels of the
    other factors are columns like all others until then.
    """
    first, *rest = factors
    small: AbsorbedFactors = dict.fromkeys(rest[1:])
    columns = [*groups, *indicators(moments, small, q)]
    width = sum(len(g.positions) for g in columns)
    if any(factors.values()) or not small or width - q > MAX_COLUMN_LEVELS:
        return _absorb_iteratively(moments, groups, factors, sums, q, rounding_error)
    two_largest: AbsorbedFactors = {first: None, rest[0]: None}
    of_second = level_sums(moments, first, [*columns, *indicators(moments, {rest[0]: None}, width)])
    C = of_second.sparse[:, np.flatnonzero(of_second.sparse_at >= width)]
    graph = level_graph(csr_array(C), sums.weight)
    if graph is None:
        return _absorb_iteratively(moments, groups, factors, sums, q, rounding_error)
    two = _absorb_iteratively(moments, columns, two_largest, of_second, width, rounding_error, graph)
    squares = gram_matrix(moments, columns).diagonal()[q:]
    products, coefficients, _ = _eliminate(two.products, squares, q, rounding_error)
    of_second_levels = two.others[:, :q] - two.others[:, q:] @ coefficients
    return Absorption(
        products,
        sums,
        np.concatenate([of_second_levels, coefficients]),
        0,
        False,
        _of_first_columns(two.projected, coefficients),
    )


def _of_first_columns(projected: Projected | None, coefficients: Matrix) -> Projected | None:
    """The projection of the first q columns, after further ones, which come last, have been eliminated from them.

    coefficients : (s, q) of the further columns, which are levels themselves.
    """
    if projected is None or projected.correct is None:
        return None
    q, correct = coefficients.shape[1], projected.correct

    def of_all_levels(v: Vector) -> Vector:
        """As `correct`, with zeros for the further levels."""
        return np.concatenate([correct(np.concatenate([v, -coefficients @ v])), np.zeros(len(coefficients))])

    X, residual = (Y[:, :q] - Y[:, q:] @ coefficients for Y in (projected.X, projected.residual))
    return Projected(X, residual, projected.steps, of_all_levels)


def _absorb_iteratively(
    moments: Moments,
    groups: Sequence[ColumnGroup],
    factors: AbsorbedFactors,
    sums: LevelSums,
    q: int,
    rounding_error: float,
    graph: LevelGraph | None = None,
) -> Absorption:
    """Eliminate the levels of all factors but the largest by conjugate gradient on their sparse products."""
    others = {f: factors[f] for f in list(factors)[1:]}
    inner = sums.sparse_at < q
    own, beyond = np.flatnonzero(inner), np.flatnonzero(~inner)
    columns = LevelSums(sums.weight, sums.dense, sums.dense_at, sums.sparse[:, own], sums.sparse_at[own])
    S = gram_matrix(moments, list(groups))
    remainder = S - explained(columns, q)
    C = sums.sparse[:, beyond]
    M, B = products_of_levels(moments, others), sums_of_levels(moments, others, groups, q)
    share = csr_array(C.multiply(1.0 / sums.weight[:, None]))
    B[:, columns.dense_at] -= share.T @ columns.dense
    if len(own):
        B[:, columns.sparse_at] -= (share.T @ columns.sparse).toarray()
    R = SchurComplement.of(M, C, sums.weight)
    # links of levels are products of two factors; with more, or with slopes, R is not the Laplacian of a graph
    if graph is None and len(others) == 1 and not any(factors.values()):
        graph = level_graph(R.C, sums.weight)
    squares = M.diagonal() * amplifications(moments, others)
    projected = project(R, B, remainder.diagonal(), S.diagonal(), squares, rounding_error, graph)
    # With the residual r = B - R X, B'X + X'r has an error of second order in that of X; B'X alone would be of first
    # order.
    projected_products = B.T @ projected.X + projected.X.T @ projected.residual
    products = remainder - (projected_products + projected_products.T) / 2.0
    return Absorption(products, sums, projected.X, 0, False, projected)
