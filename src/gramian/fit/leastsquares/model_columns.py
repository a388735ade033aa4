"""From the columns that were solved for to the model's own: coefficients, inverse, aliased columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from gramian.errors import NotIdentifiedError, NumericalError
from gramian.fit.leastsquares.absorbed import explained_by
from gramian.formula.coordinates import Parametrization
from gramian.linalg import maps
from gramian.linalg.aliasing import (
    basic_coefficients,
    basic_covariance,
    dependent_columns,
    explain,
    identified,
    minimum_norm,
)
from gramian.linalg.dependence import simple_fractions, vanishes
from gramian.linalg.doubledouble import Pair, nearest_pair, pair
from gramian.linalg.maps import ExactMap
from gramian.linalg.monomials import ONE
from gramian.linalg.solve import Solution
from gramian.typing import Codes, Mask, Matrix, Vector


@dataclass(frozen=True, slots=True)
class ModelColumns:
    """A solution in the model's p columns, of which r are aliased.

    Attributes
    ----------
    coefficients : ndarray of shape (p,)
        In units of the outcome, NaN where aliased (unless the solution is that of minimum norm).
    low : ndarray of shape (p,)
        Low parts of the coefficients in double-double.
    inverse : ndarray of shape (p, p)
        (X'WX)^-1, NaN where not identified.
    identified : ndarray of bool, shape (p,)
        Whether the data determine the coefficient.
    aliased : mapping of str to str
        Name of a dependent column -> the combination of others that it equals.
    positions : integer ndarray of shape (r,)
        Positions of the aliased columns.
    null : ndarray of shape (p, r)
        Null vectors of the design, with the identity in the rows of the aliased columns.
    before_dropping : ndarray of shape (r,)
        Coefficients of the aliased columns before they were set to zero.
    inverse_roots : ndarray of shape (p,)
        Square roots of the diagonal of the inverse, finite even where that overflows.
    map : ExactMap or None
        T of b_model = T b_solved, None where the columns are the same.
    empty : ndarray of bool, shape (p,)
        Columns of zeros.
    minimum_norm : bool
        Whether this is the minimum-norm solution.
    """

    coefficients: Vector
    low: Vector
    inverse: Matrix
    identified: Mask
    aliased: Mapping[str, str]
    positions: Codes
    null: Matrix
    before_dropping: Vector
    inverse_roots: Vector
    map: ExactMap | None
    empty: Mask
    minimum_norm: bool = False


def to_model_columns(
    parametrization: Parametrization,
    solution: Solution,
    products: Pair,
    names: tuple[str, ...],
    collinear: str,
    low: Vector | None = None,
    absorbed: tuple[str, ...] = (),
) -> ModelColumns:
    """Transform a solution to the model's columns, b_model = T b_solved, V_model = T V T'.

    Parameters
    ----------
    parametrization : Parametrization
        Maps between solved columns and model columns.
    solution : Solution
        Solution in the solved columns.
    products : Pair of shape (p + 1, p + 1)
        Products of the solved columns and the response, for the lengths of columns.
    names : tuple of str
        Names of the model's columns.
    collinear : str
        "drop", "min-norm" or "raise".
    low : ndarray of shape (p,), optional
        Low parts of the solved coefficients in double-double.
    absorbed : tuple of str
        Absorbed factors, whose levels may be part of the combination that an aliased column equals.

    Raises
    ------
    NotIdentifiedError
        For dependent columns under collinear="raise".
    """
    T = parametrization.model_map
    b, V, null = _coefficients(parametrization, T, solution, low), solution.inverse, solution.null
    if T is not None:
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow is infinite, and has no certified digits
            V, null = maps.congruence(T, V), maps.multiply(T, null)
    if not null.shape[1]:
        all_columns, inverse_roots = np.ones(len(V), bool), maps.congruence_std(T, solution.inverse)
        return ModelColumns(
            b.hi, b.lo, V, all_columns, {}, np.zeros(0, np.int64), null, np.zeros(0), inverse_roots, T, ~all_columns
        )
    norms = lengths(parametrization, products)
    positions, null = dependent_columns(null, norms)
    aliased = {names[p]: explain(null[:, k], norms, names, int(p)) for k, p in enumerate(positions)}
    if absorbed:
        aliased = {name: explained_by(what, absorbed) for name, what in aliased.items()}
    if collinear == "raise":
        raise NotIdentifiedError(dependent_message(aliased), aliased)
    before_dropping = b.hi[positions]
    values = basic_coefficients(b.hi, positions, null)
    # low parts hold only for coefficients that the removal of aliased columns has not changed
    lo = np.where((values == b.hi) & ~before_dropping.any(), b.lo, 0.0)
    V = basic_covariance(V, positions, null)
    if collinear == "min-norm":
        determined = identified(null, norms)
        values, lo = np.where(norms > 0, minimum_norm(values, null), 0.0), np.zeros(len(lo))
    else:
        determined = np.ones(len(V), bool)
        determined[positions] = False
        values[positions], lo[positions] = np.nan, np.nan
    V[~determined], V[:, ~determined] = np.nan, np.nan
    inverse_roots = np.sqrt(np.maximum(V.diagonal(), 0.0))
    return ModelColumns(
        values,
        lo,
        V,
        determined,
        aliased,
        positions,
        null,
        before_dropping,
        inverse_roots,
        T,
        norms == 0,
        collinear == "min-norm",
    )


def lengths(parametrization: Parametrization, products: Pair) -> Vector:
    """Euclidean lengths of the model's columns, (p,), from products of the solved ones."""
    S = products.hi[:-1, :-1]
    return (
        np.sqrt(S.diagonal())
        if parametrization.to_solved is None
        else maps.combination_norms(parametrization.to_solved, S)
    )


def _coefficients(parametrization: Parametrization, T: ExactMap | None, solution: Solution, low: Vector | None) -> Pair:
    """Model coefficients (p,) in double-double: T b times the outcome's scale, plus its shift, summed exactly.

    The terms of a polynomial far from zero cancel here: rounded sums would lose the digits that the shift has saved.
    Raises NumericalError where a coefficient overflows before it is mapped.
    """
    with np.errstate(over="ignore"):
        hi = solution.coefficients * parametrization.scale
    b = pair(hi) if low is None else Pair(hi, low * parametrization.scale)
    if T is None and not parametrization.response_shift:
        return b
    if not np.isfinite(hi).all():
        raise NumericalError("a coefficient is beyond the largest float64: rescale the outcome, or the columns")
    T = T or maps.map_of([{j: ONE} for j in range(len(hi))])
    if low is None:
        return maps.apply_adding(T, hi, parametrization.response_shift)
    sums = maps.apply_exactly(T.columns, b)
    for i, c in parametrization.response_shift.items():
        sums[i] += c
    pairs = [nearest_pair(v) for v in sums]
    return Pair(np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs]))


def dependent_message(aliased: Mapping[str, str]) -> str:
    """Error message for dependent columns under collinear="raise"."""
    lines = "".join(f"\n  {name} = {what}" for name, what in list(aliased.items())[:10])
    more = f"\n  ... {len(aliased) - 10} more" if len(aliased) > 10 else ""
    return (
        f"{_counted_columns(len(aliased))}, so not every coefficient is determined:{lines}{more}\n"
        'leave them out, use collinear="drop" or "min-norm", or a ridge penalty'
    )


def _counted_columns(columns: int) -> str:
    return "1 column is a combination of others" if columns == 1 else f"{columns} columns are combinations of others"


def doubtful(
    model_columns: ModelColumns, parametrization: Parametrization, stored: Matrix, names: tuple[str, ...]
) -> tuple[str, ...]:
    """Names of aliased columns for which the sums do not prove that they are dependent exactly, not only nearly.

    stored : (q, q) products of the stored columns and the response.
    """
    return tuple(
        names[p]
        for p, n in zip(model_columns.positions, model_columns.null.T, strict=True)
        if not _is_proved(n, parametrization, stored)
    )


def _is_proved(null: Vector, parametrization: Parametrization, stored: Matrix) -> bool:
    """Whether a null vector (p,), as simple fractions, vanishes exactly in the products of stored columns."""
    # where stored columns are solved for, the constant is centred out and its coefficient in v does not matter
    constant = parametrization.constant if parametrization.subspace is None else None
    v = simple_fractions(np.where(np.arange(len(null)) == constant, 0.0, null))
    if v is None:
        return False
    for columns in (
        parametrization.to_solved,
        None if parametrization.subspace is None else parametrization.subspace[:-1],
    ):
        if columns is not None:
            v = _composed(columns, v)
    return vanishes(stored, v, constant)


def _composed(columns: Sequence[Mapping[int, Fraction]], v: Mapping[int, Fraction]) -> dict[int, Fraction]:
    """The combination v of columns that are combinations themselves, without zeros."""
    out: dict[int, Fraction] = {}
    for j, share in v.items():
        for i, c in columns[j].items():
            out[i] = out.get(i, Fraction(0)) + share * c
    return {i: c for i, c in out.items() if c}
