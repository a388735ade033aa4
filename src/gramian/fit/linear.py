"""Linear fits from moments: code the columns, solve, tell the answer in the model's columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np

from gramian.errors import NotIdentifiedError, NumericalError
from gramian.fit.options import Options
from gramian.fit.passes import Accumulated
from gramian.fit.solved import Solved
from gramian.formula.coding import empty_cells, levels_of, model_columns
from gramian.formula.coordinates import Frame, frame_of
from gramian.formula.design import Design
from gramian.linalg import maps
from gramian.linalg.aliasing import basic, basic_covariance, explain, identified, last_columns, minimum_norm
from gramian.linalg.doubledouble import Pair, pair
from gramian.linalg.eliminate import largest_diagonal, solve_eliminating
from gramian.linalg.gather import BLOCK
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import Coordinate
from gramian.linalg.products import gram
from gramian.linalg.solve import Solution, error_unit, solve
from gramian.linalg.subspace import sandwich
from gramian.typing import Mask, Matrix, Vector


def solve_linear(design: Design, done: Accumulated, options: Options, passes: int = 1) -> Solved:
    """Coefficients of a design from its moments.

    Raises NumericalError where there are no rows, NotIdentifiedError for dependent columns under collinear="raise".
    """
    moments = done.moments
    if not moments.rows:
        raise NumericalError(f"no rows are left to fit '{design.formula}'{_why(done)}")
    levels = levels_of(moments, design.terms)
    sums = moments.powers
    columns = model_columns(design.terms, levels, design.coordinates, sums, every_level=options.every_level)
    (response,) = design.outcome
    frame = frame_of(columns, levels, response, design.coordinates, told_as_written=options.alpha is not None)
    products = solved_products(moments, frame)
    unit = error_unit(moments.rows, len(columns), BLOCK + moments.rows // BLOCK)
    solution = _solve(products, frame, unit, options.alpha)
    names = tuple(c.name for c in columns)
    b, V, known, aliased = tell(frame, solution, products, names, options.collinear)
    mean, centred, square = outcome_sums(moments, response, design.coordinates[response])
    return Solved(
        formula=design.formula,
        design=replace(design, levels=dict(levels.names)),
        levels=levels,
        frame=frame,
        solution=solution,
        names=names,
        terms=tuple(c.term for c in columns),
        coefficients=b,
        inverse=V,
        identified=known,
        aliased=aliased,
        empty_cells=empty_cells(design.terms, levels),
        intercept=frame.constant is not None,
        rows=moments.rows,
        weight=moments.weight,
        log_weight=moments.log_weight,
        rss=solution.rss * frame.scale**2,
        tss=centred if frame.constant is not None else square,
        mean=mean,
        rank=int(solution.kept.sum()),
        leverage=solution.leverage,
        condition=solution.condition,
        passes=passes,
        tally=done.tally,
        alpha=options.alpha,
    )


def solved_products(moments: Moments, frame: Frame) -> Pair:
    """Products of the columns that are solved for and the response."""
    stored = gram(moments, frame.groups)
    if frame.subspace is None:
        return pair(stored)
    return sandwich([maps.sparse(c) for c in frame.subspace], stored)


def _solve(products: Pair, frame: Frame, unit: float, alpha: float | None) -> Solution:
    if alpha is not None:
        return solve(products, frame.constant, unit, penalty_matrix(alpha, frame, len(products.hi) - 1))
    return solved_system(products, frame, unit)


def solved_system(products: Pair, frame: Frame, unit: float) -> Solution:
    """Solve without a penalty, the largest factor eliminated first."""
    block = largest_diagonal(frame.groups) if frame.subspace is None else largest_diagonal([])
    return solve_eliminating(products, frame.constant, unit, block)


def outcome_sums(moments: Moments, response: str, coordinate: Coordinate) -> tuple[float, float, float]:
    """Mean of the outcome, its sum of squares about the mean, and about zero; rounded once."""
    at = moments.layout.rows.index(((response, 1),))
    weight, first, second = (Fraction(float(moments.dense[i, j])) for i, j in ((0, 0), (0, at), (at, at)))
    shift, scale = Fraction(coordinate.shift), Fraction(2) ** coordinate.exponent
    centred = max(second - first * first / weight, Fraction(0)) * scale**2
    square = second * scale**2 + 2 * shift * scale * first + shift**2 * weight
    return float(scale * first / weight + shift), float(centred), float(square)


def _why(done: Accumulated) -> str:
    causes = ", ".join(f"{n:,} {cause}" for cause, n in done.tally.causes.items())
    return f": {done.tally.total:,} left out ({causes})" if causes else ": the data are empty"


def penalty_matrix(alpha: float, frame: Frame, width: int) -> Matrix:
    """alpha T'PT: the penalty on the told slopes, in the columns that are solved for."""
    P = np.eye(width) * alpha
    if frame.constant is not None:
        P[frame.constant, frame.constant] = 0.0
    if frame.told is None:
        return P
    T = maps.multiply(frame.told, np.eye(width))
    return np.asarray(T.T @ P @ T)


def tell(
    frame: Frame, solution: Solution, products: Pair, names: tuple[str, ...], collinear: str
) -> tuple[Vector, Matrix, Mask, dict[str, str]]:
    """Coefficients, inverse, which are identified, and what the aliased ones equal, in the model's columns."""
    b, V, null = solution.coefficients * frame.scale, solution.inverse, solution.null
    S = products.hi[:-1, :-1]
    norms = np.sqrt(S.diagonal()) if frame.made is None else maps.norms(frame.made, S)
    if frame.told is not None:
        b, V, null = maps.apply(frame.told, b), maps.congruence(frame.told, V), maps.multiply(frame.told, null)
    for i, c in frame.response.items():
        b[i] = float(Fraction(float(b[i])) + c)
    if not null.shape[1]:
        return b, V, np.ones(len(b), bool), {}
    positions, null = last_columns(null, norms)
    aliased = {names[p]: explain(null[:, k], norms, names, int(p)) for k, p in enumerate(positions)}
    if collinear == "raise":
        raise NotIdentifiedError(_dependent(aliased), aliased)
    b, V = basic(b, positions, null), basic_covariance(V, positions, null)
    if collinear == "min-norm":
        known = identified(null, norms)
        b = minimum_norm(b, null)
    else:
        known = np.ones(len(b), bool)
        known[positions] = False
        b[positions] = np.nan
    V[~known], V[:, ~known] = np.nan, np.nan
    return b, V, known, aliased


def _dependent(aliased: Mapping[str, str]) -> str:
    lines = "".join(f"\n  {name} = {what}" for name, what in list(aliased.items())[:10])
    more = f"\n  ... {len(aliased) - 10} more" if len(aliased) > 10 else ""
    return (
        f"{_counted(len(aliased))}, so not every coefficient is determined:{lines}{more}\n"
        'leave them out, use collinear="drop" or "min-norm", or a ridge penalty'
    )


def _counted(columns: int) -> str:
    return "1 column is a combination of others" if columns == 1 else f"{columns} columns are combinations of others"
