"""Absorbed factors: their levels are partialled out of the products of all other columns, from cell sums.

The products of one factor's levels with each other are a diagonal matrix, so the largest factor costs one division a
level and never a matrix of (levels + columns)^2. The Schur complement for the levels of further factors is a small
dense system or, beyond MAX_DIRECT_LEVELS levels, a sparse one for conjugate gradient
(`gramian.linalg.absorb.projection`).

Guimaraes and Portugal (2010), "A simple feasible procedure to fit models with high-dimensional fixed effects"; Gaure
(2013), "OLS with multiple high dimensional category variables".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import lapack, solve_triangular
from scipy.sparse import csr_array, vstack

from gramian.kernels.graphs import components as count_components
from gramian.kernels.library import library
from gramian.linalg.absorb.level_graph import LevelGraph, level_graph
from gramian.linalg.absorb.projection import Projected, project
from gramian.linalg.factors.unique_codes import unique_codes
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import CONSTANT
from gramian.linalg.products import ColumnGroup, cell_index, gram_matrix
from gramian.linalg.self_products import self_products
from gramian.linalg.solve import SAFETY
from gramian.typing import Codes, Matrix, Vector

LEVELS_PER_BLOCK = 16_384  # levels in one matrix product, so that their sums stay in the cache
MAX_SPARSE = 4  # entries of a table of sums, zeros included, for each that is not zero, from which on it stays sparse
MAX_COLUMN_LEVELS = 200  # levels of the third and further factors, up to which they are dense columns
MAX_DIRECT_LEVELS = 1_000  # levels of all factors but the largest, up to which Cholesky eliminates them


@dataclass(frozen=True, slots=True)
class LevelSums:
    """Weighted sums of stored columns over the L levels of one factor.

    Attributes
    ----------
    weight : (L,)
        Sum of weights of each level.
    dense : (L, d)
        Sums of the columns at `dense_at`.
    dense_at : (d,) int
        Positions of these columns.
    sparse : (L, s)
        Sums of the columns at `sparse_at`, which are zero outside a cell of other factors.
    sparse_at : (s,) int
        Positions of these columns.
    """

    weight: Vector
    dense: Matrix
    dense_at: Codes
    sparse: csr_array
    sparse_at: Codes

    def combination_sums(self, v: Vector) -> Vector:
        """Sums over levels of the linear combination `v` of the columns, (L,)."""
        return np.asarray(self.dense @ v[self.dense_at] + self.sparse @ v[self.sparse_at])


@dataclass(frozen=True, slots=True)
class Absorption:
    """Products of stored columns after absorbing factors, and the effects of the levels.

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
    """

    products: Matrix
    sums: LevelSums
    others: Matrix
    rank: int
    exact: bool
    projected: Projected | None = None

    def effects(self, v: Vector, *, careful: bool = False) -> tuple[Vector, Vector]:
        """Effects of the levels of the largest factor (L,) and of the others (L2,) on the combination `v` : (q,).

        careful : whether effects are solved for to rounding; products within levels do not need that.
        """
        other_effects = self.others @ v
        if careful and self.projected is not None and self.projected.correct is not None:
            other_effects = other_effects + self.projected.correct(v)
        return self.sums.combination_sums(np.concatenate([v, -other_effects])) / self.sums.weight, other_effects

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
    moments: Moments, groups: Sequence[ColumnGroup], factors: Sequence[str], rounding_error: float
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

    Raises
    ------
    ConvergenceError
        Where the levels of several large factors share too few rows for conjugate gradient.
    """
    q = sum(len(g.positions) for g in groups)
    indicators = _indicators(moments, factors[1:], q)
    sums = level_sums(moments, factors[0], [*groups, *indicators])
    if sum(len(g.positions) for g in indicators) > MAX_DIRECT_LEVELS:
        absorption = _absorb_many(moments, groups, factors, sums, q, rounding_error)
    else:
        absorption = _absorb_directly(
            gram_matrix(moments, [*groups, *indicators]), sums, q, rounding_error, len(sums.weight)
        )
    if absorption.exact and len(factors) > 2:
        return absorption
    rank, exact = rank_of(moments, factors)
    return replace(absorption, rank=rank, exact=exact)


def _indicators(moments: Moments, factors: Sequence[str], start: int) -> list[ColumnGroup]:
    """The indicators of the levels of factors as stored columns, from position `start` on."""
    out = []
    for factor in factors:
        codes = np.arange(len(moments.levels[factor]))
        out.append(ColumnGroup((factor,), codes[:, None], (CONSTANT,), start + codes))
        start += len(codes)
    return out


def level_sums(moments: Moments, factor: str, groups: Sequence[ColumnGroup]) -> LevelSums:
    """Sums of the columns in `groups` over the levels of a factor, read from the tables."""
    tables = dict(moments.layout.tables)
    factor_table = moments.tables[(factor,)]
    place = {m: i for i, m in enumerate(tables[(factor,)])}
    dense_at, columns = list[int](), list[int]()
    rows, at, values = list[Codes](), list[Codes](), list[Vector]()
    for group in groups:
        if not group.factors:
            dense_at += group.positions.tolist()
            columns += [place[m] for m in group.monomials]
            continue
        union = tuple(sorted({factor, *group.factors}))
        table, where = moments.tables[union], [union.index(f) for f in group.factors]
        sizes = [len(moments.levels[f]) for f in group.factors]
        cell = cell_index(group.cells, table.cells[:, where], sizes)
        stored = cell >= 0
        for i, m in enumerate(group.monomials):
            rows.append(table.cells[stored, union.index(factor)])
            at.append(group.at(i)[cell[stored]])
            values.append(table.sums[stored, tables[union].index(m)])
    return LevelSums(
        factor_table.sums[:, place[CONSTANT]],
        factor_table.sums[:, columns],
        np.array(dense_at, np.int64),
        *_compressed(len(factor_table.rows), rows, at, values),
    )


def _compressed(levels: int, rows: list[Codes], at: list[Codes], values: list[Vector]) -> tuple[csr_array, Codes]:
    """Sparse matrix (levels, s) of the columns that occur, and their positions (s,). at : positions; values : sums."""
    if not rows:
        return csr_array((levels, 0)), np.zeros(0, np.int64)
    all_positions = np.concatenate(at)
    used, column = unique_codes(all_positions)
    cells = (np.concatenate(values), (np.concatenate(rows), column))
    return csr_array(cells, shape=(levels, len(used))), used


def explained(sums: LevelSums, size: int) -> Matrix:
    """C'D^-1 C, (size, size): products of the columns' projections on the levels, from sums C and weights D."""
    if sums.sparse.nnz * MAX_SPARSE > sums.sparse.shape[0] * sums.sparse.shape[1]:
        sums = _densified(sums)
    out = np.zeros((size, size))
    dense = np.zeros((len(sums.dense_at),) * 2)
    cross = np.zeros((len(sums.sparse_at), len(sums.dense_at)))
    # Columns scaled by the root give a symmetric product, which needs half of the operations and is symmetric to the
    # last bit.
    inverse_root = 1.0 / np.sqrt(sums.weight)
    for start in range(0, len(inverse_root), LEVELS_PER_BLOCK):
        rows = slice(start, start + LEVELS_PER_BLOCK)
        part = sums.dense[rows] * inverse_root[rows, None]
        dense += self_products(part)
        if len(sums.sparse_at):
            cross += sums.sparse[rows].T @ (part * inverse_root[rows, None])
    out[np.ix_(sums.dense_at, sums.dense_at)] = dense
    if len(sums.sparse_at):
        out[np.ix_(sums.sparse_at, sums.dense_at)] = cross
        out[np.ix_(sums.dense_at, sums.sparse_at)] = cross.T
        scaled = sums.sparse.multiply(inverse_root[:, None]).tocsr()
        out[np.ix_(sums.sparse_at, sums.sparse_at)] = (scaled.T @ scaled).toarray()
    return out


def _densified(sums: LevelSums) -> LevelSums:
    """The same sums as dense columns."""
    both = np.hstack([sums.dense, sums.sparse.toarray()])
    at, none = np.concatenate([sums.dense_at, sums.sparse_at]), np.zeros(0, np.int64)
    return LevelSums(sums.weight, both, at, csr_array((len(both), 0)), none)


def _absorb_directly(S: Matrix, sums: LevelSums, q: int, rounding_error: float, levels: int) -> Absorption:
    """Eliminate the levels of all factors but the largest by pivoted Cholesky of their Schur complement.

    Pivoting shows the rank, since levels of several factors are always dependent (each factor's sum to the constant).
    """
    remainder = S - explained(sums, len(S))
    if len(S) == q:
        return Absorption(remainder, sums, np.zeros((0, q)), levels, True)
    products, others, rank = _eliminate(remainder, S.diagonal()[q:], q, rounding_error)
    return Absorption(products, sums, others, levels + rank, True)


def _eliminate(remainder: Matrix, squares: Vector, q: int, rounding_error: float) -> tuple[Matrix, Matrix, int]:
    """Eliminate the columns after the first q by pivoted Cholesky.

    remainder : (q + s, q + s) products. squares : (s,) of the eliminated columns, before anything was partialled out.
    Returns the products (q, q) that are left, the coefficients (s, q) of the eliminated columns, and their rank.
    """
    size = np.sqrt(squares)
    L, pivots, rank, _ = lapack.dpstrf(remainder[q:, q:] / size[:, None] / size, tol=SAFETY * rounding_error, lower=1)
    independent = pivots[:rank] - 1
    L = L[:rank, :rank]
    half = solve_triangular(L, remainder[q:, :q][independent] / size[independent, None], lower=True)
    coefficients = np.zeros((len(remainder) - q, q))
    coefficients[independent] = solve_triangular(L, half, lower=True, trans="T") / size[independent, None]
    return remainder[:q, :q] - half.T @ half, coefficients, int(rank)


def _absorb_many(
    moments: Moments,
    groups: Sequence[ColumnGroup],
    factors: Sequence[str],
    sums: LevelSums,
    q: int,
    rounding_error: float,
) -> Absorption:
    """Eliminate many levels: of all factors but the largest at once, or of the second first.

    Where the levels of the two largest factors make a sparse graph, whose elimination is cheap, the few levels of the
    other factors are columns like all others until then.
    """
    second, small = factors[1], factors[2:]
    indicators = _indicators(moments, small, q)
    width = q + sum(len(g.positions) for g in indicators)
    if not small or width - q > MAX_COLUMN_LEVELS:
        return _absorb_iteratively(moments, groups, factors[1:], sums, q, rounding_error)
    columns = [*groups, *indicators]
    of_second = level_sums(moments, factors[0], [*columns, *_indicators(moments, [second], width)])
    C = of_second.sparse[:, np.flatnonzero(of_second.sparse_at >= width)]
    graph = level_graph(csr_array(C), sums.weight)
    if graph is None:
        return _absorb_iteratively(moments, groups, factors[1:], sums, q, rounding_error)
    two = _absorb_iteratively(moments, columns, [second], of_second, width, rounding_error, graph)
    squares = gram_matrix(moments, columns).diagonal()[q:]
    products, coefficients, _ = _eliminate(two.products, squares, q, rounding_error)
    of_second_levels = two.others[:, :q] - two.others[:, q:] @ coefficients
    others = np.concatenate([of_second_levels, coefficients])
    return Absorption(products, sums, others, 0, False, _of_first_columns(two.projected, coefficients))


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
    factors: Sequence[str],
    sums: LevelSums,
    q: int,
    rounding_error: float,
    graph: LevelGraph | None = None,
) -> Absorption:
    """Eliminate the levels of all factors but the largest by conjugate gradient on their sparse products."""
    inner = sums.sparse_at < q
    own, beyond = np.flatnonzero(inner), np.flatnonzero(~inner)
    columns = LevelSums(sums.weight, sums.dense, sums.dense_at, sums.sparse[:, own], sums.sparse_at[own])
    S = gram_matrix(moments, list(groups))
    remainder = S - explained(columns, q)
    C = sums.sparse[:, beyond]
    M, B = _products_of_levels(moments, factors), _sums_of_levels(moments, factors, groups, q)
    share = csr_array(C.multiply(1.0 / sums.weight[:, None]))
    B[:, columns.dense_at] -= share.T @ columns.dense
    if len(own):
        B[:, columns.sparse_at] -= (share.T @ columns.sparse).toarray()
    projected = project(M, C, sums.weight, B, remainder.diagonal(), S.diagonal(), rounding_error, graph)
    # With the residual r = B - R X, B'X + X'r has an error of second order in that of X; B'X alone would be of first
    # order.
    projected_products = B.T @ projected.X + projected.X.T @ projected.residual
    products = remainder - (projected_products + projected_products.T) / 2.0
    return Absorption(products, sums, projected.X, 0, False, projected)


def _products_of_levels(moments: Moments, factors: Sequence[str]) -> csr_array:
    """Sparse products of the levels of several factors with each other."""
    indicators = _indicators(moments, factors, 0)
    parts = [level_sums(moments, factor, indicators) for factor in factors]
    return csr_array(vstack([p.sparse for p in parts]))  # every level has rows, so every column occurs


def _sums_of_levels(moments: Moments, factors: Sequence[str], groups: Sequence[ColumnGroup], q: int) -> Matrix:
    """Sums of the stored columns over the levels of several factors, (levels, q)."""
    out = []
    for factor in factors:
        part = level_sums(moments, factor, groups)
        block = np.zeros((len(part.weight), q))
        block[:, part.dense_at] = part.dense
        block[:, part.sparse_at] = part.sparse.toarray()
        out.append(block)
    return np.concatenate(out)


def rank_of(moments: Moments, factors: Sequence[str]) -> tuple[int, bool]:
    """Dimension of the span of the levels of factors, and whether that is exact or an upper bound.

    Each factor after the first repeats one dimension for each connected component of the levels it shares rows with;
    exact for two factors (Abowd, Creecy and Kramarz, 2002). For more factors the largest number of components with any
    earlier factor is counted, which is a lower bound of the repeated dimensions.
    """
    sizes = [len(moments.levels[f]) for f in factors]
    repeated = 0
    for k in range(1, len(factors)):
        # Two factors that are not connected repeat more than the constant: one dimension for each component.
        repeated += max(components(moments, factors[j], factors[k]) for j in range(k))
    return sum(sizes) - repeated, len(factors) <= 2


def components(moments: Moments, one: str, other: str) -> int:
    """Number of connected components of the graph of the levels of two factors, joined where they share a row."""
    union = tuple(sorted((one, other)))
    first, second = moments.tables[union].cells.T
    sizes = [len(moments.levels[f]) for f in union]
    kernel = library()
    if kernel is not None:
        return count_components(kernel, first, second, (sizes[0], sizes[1]))
    from scipy.sparse.csgraph import connected_components  # takes longer to import than most fits last

    graph = csr_array((np.ones(len(first)), (first, sizes[0] + second)), shape=(sum(sizes),) * 2)
    return int(connected_components(graph, directed=False)[0])


def nested(moments: Moments, inner: str, outer: str) -> bool:
    """Whether every level of `inner` shares rows with one level of `outer` only, as a firm does with its country.

    Under clustering by `outer` the levels of such an absorbed factor are not counted as parameters (as in fixest).
    """
    if inner == outer:
        return True
    table = moments.tables[tuple(sorted((inner, outer)))]
    return len(table.cells) == len(moments.levels[inner])
