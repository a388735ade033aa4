"""Exact elimination of a factor: its own products are a diagonal matrix, so its Schur complement costs no Cholesky."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gramian.linalg.certificate import Bounds
from gramian.linalg.doubledouble import Pair, pair
from gramian.linalg.products import ColumnGroup
from gramian.linalg.solve import SAFETY, Solution, solve
from gramian.typing import Codes, Matrix, Vector

MIN_BLOCK = 32  # a smaller block is as quick with the rest


def largest_diagonal(groups: list[ColumnGroup]) -> Codes:
    """Positions of the largest group of cells (of one or more factors, without numbers), which never overlap."""
    cells = [g.positions for g in groups if g.factors and g.monomials == ((),)]
    best = max(cells, key=len, default=np.zeros(0, np.int64))
    return best if len(best) >= MIN_BLOCK else np.zeros(0, np.int64)


def solve_eliminating(
    products: Pair, constant: int | None, rounding_error: float, block: Codes, summed_squares: Vector | None = None
) -> Solution:
    """As `solve`, with the columns in `block`, whose products are diagonal and positive, eliminated first."""
    if not len(block):
        return solve(products, constant, rounding_error, summed_squares=summed_squares)
    S = products.hi
    squares = S.diagonal() if summed_squares is None else summed_squares
    rest = np.setdiff1d(np.arange(len(S)), block)
    d, B = S[block, block], S[np.ix_(block, rest)]
    share = B / d[:, None]
    inner = S[np.ix_(rest, rest)] - B.T @ share
    where = None if constant is None else int(np.searchsorted(rest, constant))
    if where is not None and inner[where, where] <= SAFETY * rounding_error * S[constant, constant]:
        return solve(
            products, constant, rounding_error, summed_squares=summed_squares
        )  # the cells make up the constant, which must stay
    part = solve(pair(inner), where, rounding_error, summed_squares=squares[rest])
    return _back_substitute(part, block, rest[:-1], share, d)


def _back_substitute(part: Solution, block: Codes, rest: Codes, share: Matrix, d: Vector) -> Solution:
    """Back substitution: coefficients, inverse and null vectors of all columns."""
    p, inner, outcome = len(block) + len(rest), share[:, :-1], share[:, -1]
    b, V, null = np.zeros(p), np.zeros((p, p)), np.zeros((p, part.null.shape[1]))
    b[rest], b[block] = part.coefficients, outcome - inner @ part.coefficients
    half = -inner @ part.inverse
    V[np.ix_(rest, rest)] = part.inverse
    V[np.ix_(block, rest)], V[np.ix_(rest, block)] = half, half.T
    corner = -half @ inner.T
    corner[np.diag_indices(len(block))] += 1.0 / d
    V[np.ix_(block, block)] = corner
    null[rest], null[block] = part.null, -inner @ part.null
    independent = np.ones(p, bool)
    independent[rest] = part.independent
    error_bounds = part.bounds and _bounds_with_block(part.bounds, block, rest, np.abs(inner), d)
    return replace(
        part,
        coefficients=b,
        inverse=V,
        independent=independent,
        null=null,
        leverage=part.leverage + len(block),
        bounds=error_bounds,
    )


def _bounds_with_block(inner_bounds: Bounds, block: Codes, rest: Codes, share: Matrix, d: Vector) -> Bounds:
    """A coefficient of the block is a mean of the outcome less those of the columns: their errors, and the means'."""
    p = len(block) + len(rest)
    sensitivity, summed_norms, centred_norms = np.zeros(p), np.zeros(p), np.zeros(p)
    sensitivity[rest], summed_norms[rest], centred_norms[rest] = (
        inner_bounds.sensitivity,
        inner_bounds.summed_norms,
        inner_bounds.centred_norms,
    )
    sensitivity[block] = share @ inner_bounds.sensitivity + d**-0.5
    return replace(inner_bounds, sensitivity=sensitivity, summed_norms=summed_norms, centred_norms=centred_norms)
