"""From the columns that were solved for to the model's own: coefficients, inverse, and what is not determined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from gramian.errors import NotIdentifiedError
from gramian.fit.absorbed import explained_by
from gramian.formula.coordinates import Frame
from gramian.linalg import maps
from gramian.linalg.aliasing import basic, basic_covariance, explain, identified, last_columns, minimum_norm
from gramian.linalg.dependence import simple, vanishes
from gramian.linalg.doubledouble import Pair, nearest_pair, pair
from gramian.linalg.maps import Map
from gramian.linalg.monomials import ONE
from gramian.linalg.solve import Solution
from gramian.typing import Codes, Mask, Matrix, Vector


@dataclass(frozen=True, slots=True)
class Told:
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
    before: Vector
    roots: Vector
    map: Map | None
    empty: Mask
    shortest: bool = False


def tell(
    frame: Frame,
    solution: Solution,
    products: Pair,
    names: tuple[str, ...],
    collinear: str,
    low: Vector | None = None,
    absorbed: tuple[str, ...] = (),
) -> Told:
    """Tell a solution in the model's columns; low : (p,) what float64 left of the solved coefficients.

    absorbed : factors whose levels may be part of what an aliased column equals.

    Raises NotIdentifiedError for dependent columns under collinear="raise".
    """
    T = None if frame.told is None else maps.map_of(frame.told)
    b, V, null = _coefficients(frame, T, solution, low), solution.inverse, solution.null
    if T is not None:
        with np.errstate(over="ignore", invalid="ignore"):  # what float64 cannot hold is infinite, and certified so
            V, null = maps.congruence(T, V), maps.multiply(T, null)
    if not null.shape[1]:
        everything, own = np.ones(len(V), bool), maps.roots(T, solution.inverse)
        return Told(b.hi, b.lo, V, everything, {}, np.zeros(0, np.int64), null, np.zeros(0), own, T, ~everything)
    norms = lengths(frame, products)
    positions, null = last_columns(null, norms)
    aliased = {names[p]: explain(null[:, k], norms, names, int(p)) for k, p in enumerate(positions)}
    if absorbed:
        aliased = {name: explained_by(what, absorbed) for name, what in aliased.items()}
    if collinear == "raise":
        raise NotIdentifiedError(dependent(aliased), aliased)
    before = b.hi[positions]
    moved = basic(b.hi, positions, null)
    lo = np.where((moved == b.hi) & ~before.any(), b.lo, 0.0)
    V = basic_covariance(V, positions, null)
    if collinear == "min-norm":
        known = identified(null, norms)
        moved, lo = np.where(norms > 0, minimum_norm(moved, null), 0.0), np.zeros(len(lo))
    else:
        known = np.ones(len(V), bool)
        known[positions] = False
        moved[positions], lo[positions] = np.nan, np.nan
    V[~known], V[:, ~known] = np.nan, np.nan
    own = np.sqrt(np.maximum(V.diagonal(), 0.0))
    return Told(moved, lo, V, known, aliased, positions, null, before, own, T, norms == 0, collinear == "min-norm")


def lengths(frame: Frame, products: Pair) -> Vector:
    """Lengths of the model's columns, (p,)."""
    S = products.hi[:-1, :-1]
    return np.sqrt(S.diagonal()) if frame.made is None else maps.norms(frame.made, S)


def _coefficients(frame: Frame, T: Map | None, solution: Solution, low: Vector | None) -> Pair:
    """T b in the outcome's units, with what its shift adds, each as hi + lo from exact sums."""
    hi = solution.coefficients * frame.scale
    b = pair(hi) if low is None else Pair(hi, low * frame.scale)
    if T is None and not frame.response:
        return b
    T = T or maps.map_of([{j: ONE} for j in range(len(hi))])
    if low is None:
        return maps.apply_adding(T, hi, frame.response)
    sums = maps.exactly(T.exact, b)
    for i, c in frame.response.items():
        sums[i] += c
    pairs = [nearest_pair(v) for v in sums]
    return Pair(np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs]))


def dependent(aliased: Mapping[str, str]) -> str:
    """What is said of dependent columns that nobody wants dropped."""
    lines = "".join(f"\n  {name} = {what}" for name, what in list(aliased.items())[:10])
    more = f"\n  ... {len(aliased) - 10} more" if len(aliased) > 10 else ""
    return (
        f"{_counted(len(aliased))}, so not every coefficient is determined:{lines}{more}\n"
        'leave them out, use collinear="drop" or "min-norm", or a ridge penalty'
    )


def _counted(columns: int) -> str:
    return "1 column is a combination of others" if columns == 1 else f"{columns} columns are combinations of others"


def doubtful(told: Told, frame: Frame, stored: Matrix, names: tuple[str, ...]) -> tuple[str, ...]:
    """Columns called dependent whose combination does not vanish to the last bit of the sums `stored` : (q, q)."""
    return tuple(names[p] for p, n in zip(told.positions, told.null.T, strict=True) if not _proved(n, frame, stored))


def _proved(null: Vector, frame: Frame, stored: Matrix) -> bool:
    free = frame.constant if frame.subspace is None else None
    v = simple(np.where(np.arange(len(null)) == free, 0.0, null))
    if v is None:
        return False
    for columns in (frame.made, None if frame.subspace is None else frame.subspace[:-1]):
        if columns is not None:
            v = _combined(columns, v)
    return vanishes(stored, v, free)


def _combined(columns: Sequence[Mapping[int, Fraction]], v: Mapping[int, Fraction]) -> dict[int, Fraction]:
    out: dict[int, Fraction] = {}
    for j, share in v.items():
        for i, c in columns[j].items():
            out[i] = out.get(i, Fraction(0)) + share * c
    return {i: c for i, c in out.items() if c}
