"""From the columns that were solved for to the model's own: coefficients, inverse, and what is not determined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from gramian.errors import NotIdentifiedError
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
    """A solution told in the model's columns.

    coefficients : (p,), NaN where aliased; low : (p,) what float64 leaves of them. inverse : (p, p), NaN where not
    identified. aliased : name -> the combination it equals. positions : (r,) of the aliased columns, null : (p, r)
    null vectors with an identity there. before : (r,) coefficients there before they were made zero. roots : (p,) of
    the inverse's diagonal, also where float64 does not hold that. map : solved columns to these, None where they are
    the same. shortest : whether this is the minimum-norm solution. empty : (p,) columns of zeros, whose coefficients in
    it are zero.
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
    """Tell a solution in the model's columns; low : (p,) what float64 left of the solved coefficients.

    absorbed : factors whose levels may be part of what an aliased column equals.

    Raises NotIdentifiedError for dependent columns under collinear="raise".
    """
    T = None if parametrization.to_model is None else maps.map_of(parametrization.to_model)
    b, V, null = _coefficients(parametrization, T, solution, low), solution.inverse, solution.null
    if T is not None:
        with np.errstate(over="ignore", invalid="ignore"):  # what float64 cannot hold is infinite, and certified so
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
    """Lengths of the model's columns, (p,)."""
    S = products.hi[:-1, :-1]
    return (
        np.sqrt(S.diagonal())
        if parametrization.to_solved is None
        else maps.combination_norms(parametrization.to_solved, S)
    )


def _coefficients(parametrization: Parametrization, T: ExactMap | None, solution: Solution, low: Vector | None) -> Pair:
    """T b in the outcome's units, with what its shift adds, each as hi + lo from exact sums."""
    hi = solution.coefficients * parametrization.scale
    b = pair(hi) if low is None else Pair(hi, low * parametrization.scale)
    if T is None and not parametrization.response_shift:
        return b
    T = T or maps.map_of([{j: ONE} for j in range(len(hi))])
    if low is None:
        return maps.apply_adding(T, hi, parametrization.response_shift)
    sums = maps.apply_exactly(T.columns, b)
    for i, c in parametrization.response_shift.items():
        sums[i] += c
    pairs = [nearest_pair(v) for v in sums]
    return Pair(np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs]))


def dependent_message(aliased: Mapping[str, str]) -> str:
    """What is said of dependent columns that nobody wants dropped."""
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
    """Columns called dependent whose combination does not vanish to the last bit of the sums `stored` : (q, q)."""
    return tuple(
        names[p]
        for p, n in zip(model_columns.positions, model_columns.null.T, strict=True)
        if not _is_proved(n, parametrization, stored)
    )


def _is_proved(null: Vector, parametrization: Parametrization, stored: Matrix) -> bool:
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
    out: dict[int, Fraction] = {}
    for j, share in v.items():
        for i, c in columns[j].items():
            out[i] = out.get(i, Fraction(0)) + share * c
    return {i: c for i, c in out.items() if c}
