"""Elimination of a factor without Cholesky, since the products of its levels with each other are diagonal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gramian.linalg.certificate import Bounds
from gramian.linalg.doubledouble import Pair, pair
from gramian.linalg.solve import SAFETY, Solution, solve
from gramian.typing import Codes, Matrix, Vector


def solve_eliminating(
    products: Pair,
    constant: int | None,
    rounding_error: float,
    block: Codes,
    summed_squares: Vector | None = None,
    max_rank: int | None = None,
) -> Solution:
    """As `solve`, with the columns in `block`, whose products are diagonal and positive, eliminated first.

    With the block D and its products B with the other columns, the others are solved with S - B'D^-1 B, which costs L
    q^2 operations instead of (L + q)^3 / 3.

    Parameters
    ----------
    products : Pair (p + 1, p + 1)
        The response last; only high parts are used.
    constant : int or None
        Position of the constant column.
    rounding_error : float
        Relative rounding error of a product.
    block : (L,) int
        Positions of the columns to eliminate, at least one.
    summed_squares : (p + 1,) or None
        Squares before anything was eliminated.
    max_rank : int or None
        Most columns that can be independent, the constant included.
    """
    S = products.hi
    squares = S.diagonal() if summed_squares is None else summed_squares
    rest = np.setdiff1d(np.arange(len(S)), block)
    d, B = S[block, block], S[np.ix_(block, rest)]
    share = B / d[:, None]
    inner = S[np.ix_(rest, rest)] - B.T @ share
    where = None if constant is None else int(np.searchsorted(rest, constant))
    # The cells add up to the constant, which would be aliased after them; in the usual order it stays.
    if where is not None and inner[where, where] <= SAFETY * rounding_error * S[constant, constant]:
        return solve(products, constant, rounding_error, summed_squares=summed_squares, max_rank=max_rank)
    most = None if max_rank is None else max(max_rank - len(block), 0)
    part = solve(pair(inner), where, rounding_error, summed_squares=squares[rest], max_rank=most)
    return _back_substitute(part, block, rest[:-1], share, d)


def _back_substitute(part: Solution, block: Codes, rest: Codes, share: Matrix, d: Vector) -> Solution:
    """Coefficients, inverse and null vectors of all columns, from those of the columns outside the block.

    Parameters
    ----------
    part : Solution
        Of the q columns `rest`.
    block, rest : (L,), (q,) int
        Positions of the block and of the other columns.
    share : (L, q + 1)
        D^-1 B: means of the other columns and the response over the levels.
    d : (L,)
        Diagonal D of the block.
    """
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
    """Bounds with the block, whose coefficients are D^-1 B (-b, 1): errors of b times means, and of the means."""
    p = len(block) + len(rest)
    sensitivity, summed_norms, centred_norms = np.zeros(p), np.zeros(p), np.zeros(p)
    sensitivity[rest], summed_norms[rest], centred_norms[rest] = (
        inner_bounds.sensitivity,
        inner_bounds.summed_norms,
        inner_bounds.centred_norms,
    )
    sensitivity[block] = share @ inner_bounds.sensitivity + d**-0.5
    return replace(inner_bounds, sensitivity=sensitivity, summed_norms=summed_norms, centred_norms=centred_norms)
