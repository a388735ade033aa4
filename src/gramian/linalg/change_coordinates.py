"""Moments in other coordinates: another shift and scale of the variables, by the exact triangular map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import comb

import numpy as np

from gramian.errors import NumericalError
from gramian.linalg.doubledouble import pair
from gramian.linalg.factors.cells import CellSums
from gramian.linalg.maps import Combination, sparse
from gramian.linalg.moments import Moments, add_optional
from gramian.linalg.monomials import CONSTANT, Coordinate, Monomial, Polynomial, monomial, multiply
from gramian.linalg.products import cell_index
from gramian.linalg.subspace import combine, sandwich
from gramian.typing import Matrix, Vector

Changes = Mapping[str, tuple[Fraction, Fraction]]  # variable -> a and c of v = a u + c


def change_coordinates(moments: Moments, coordinates: Mapping[str, Coordinate]) -> Moments:
    """The same sums in other coordinates, computed in double-double and rounded once each.

    A new variable is v = a u + c with exact a and c, so a monomial in v is a combination of monomials in u of no higher
    degree, all of them stored: with the map K of these combinations the dense products become K'SK. Rounding errors in
    the old sums remain; `removed` grows where the squares of the new coordinates would understate them.

    Raises
    ------
    NumericalError
        Where the scales are too far apart for float64.
    """
    changes = changes_between(moments.coordinates, coordinates)
    if not changes:
        return moments
    with np.errstate(all="ignore"):
        # Overflow is reported below, from the values, with the names of the variables.
        transformed = replace(_transform(replace(moments, removed=None), changes), coordinates=dict(coordinates))
        removed = (
            None if moments.removed is None else replace(_transform(moments.removed, changes), coordinates=coordinates)
        )
        transformed = replace(
            transformed,
            removed=add_optional(removed, _removed_shortfall(moments, replace(transformed, removed=removed), changes)),
        )
    if not all(np.isfinite(s).all() for s in (transformed.dense, *(t.sums for t in transformed.tables.values()))):
        raise _scale_error(changes)
    return transformed


def changes_between(old: Mapping[str, Coordinate], new: Mapping[str, Coordinate]) -> Changes:
    """Exact (a, c) of v = a u + c for each variable whose coordinate differs."""
    return {v: _change(c, new[v]) for v, c in old.items() if c != new[v]}


def _change(old: Coordinate, new: Coordinate) -> tuple[Fraction, Fraction]:
    """a and c of v = a u + c: a = 2^(old - new exponent), c = (old shift - new shift) / 2^(new exponent)."""
    scale = Fraction(2) ** new.exponent
    return Fraction(2) ** old.exponent / scale, (Fraction(old.shift) - Fraction(new.shift)) / scale


def _scale_error(changes: Changes) -> NumericalError:
    """Error message for sums whose coordinates are too far apart."""
    names = ", ".join(f"'{v.removeprefix('~')}'" for v in changes)
    return NumericalError(f"the magnitudes of {names} differ too much between the sums to be added in float64")


def combinations(monomials: Sequence[Monomial], changes: Changes) -> list[Combination]:
    """Each monomial in the new variables as a combination of the monomials in the old ones, by position."""
    place = {m: i for i, m in enumerate(monomials)}
    return [{place[low]: c for low, c in _expanded(m, changes).items()} for m in monomials]


def _expanded(m: Monomial, changes: Changes) -> Polynomial:
    """A monomial in the new variables as a polynomial in the old ones, by the binomial theorem."""
    out: Polynomial = {CONSTANT: Fraction(1)}
    for variable, power in m:
        a, c = changes.get(variable, (Fraction(1), Fraction(0)))
        terms = {monomial({variable: q}): comb(power, q) * a**q * c ** (power - q) for q in range(power + 1)}
        out = multiply(out, {low: share for low, share in terms.items() if share})
    return out


def _transform(moments: Moments, changes: Changes) -> Moments:
    """All sums of moments in new coordinates; coordinates, levels and `removed` are left to the caller."""
    try:
        K = [sparse(c) for c in combinations(moments.layout.rows, changes)]
        dense = sandwich(K, moments.dense).value
        tables = {f: _transform_table(moments.tables[f], monomials, changes) for f, monomials in moments.layout.tables}
        powers = {v: _transform_powers(v, sums, changes) for v, sums in moments.powers.items()}
    except OverflowError:
        raise _scale_error(changes) from None
    # K'SK is symmetric but for rounding, and later code reads either triangle.
    return replace(moments, dense=(dense + dense.T) / 2, tables=tables, powers=powers)


def _transform_table(table: CellSums, monomials: Sequence[Monomial], changes: Changes) -> CellSums:
    """The sums of a cell table in new coordinates."""
    K = [sparse(c) for c in combinations(monomials, changes)]
    sums = combine(K, pair(np.ascontiguousarray(table.sums.T))).value.T
    return replace(table, sums=np.ascontiguousarray(sums))


def _transform_powers(variable: str, sums: Vector, changes: Changes) -> Vector:
    """The power sums of a variable in new coordinates, in rational arithmetic."""
    K = combinations([monomial({variable: p}) for p in range(len(sums))], changes)
    return np.array([float(sum(c * Fraction(float(sums[i])) for i, c in row.items())) for row in K])


def _removed_shortfall(old: Moments, new: Moments, changes: Changes) -> Moments:
    """What `removed` lacks for the squares that ever entered a column to bound the column's rounding error.

    A column v = sum c_i u_i carries rounding errors of size (sum |c_i| ||u_i||)^2, where ||u_i||^2 is the sum of all
    squares that ever entered u_i. After a shift to the mean, the squares of v itself would be far smaller.
    """
    squares_bound = _combined_squares(combinations(old.layout.rows, changes), _ever_summed(old))
    shortfall = np.maximum(squares_bound - _ever_summed(new), 0.0) / 2
    tables = {f: _table_shortfall(old, new, f, monomials, changes) for f, monomials in new.layout.tables}
    powers = {v: np.zeros_like(sums) for v, sums in new.powers.items()}
    return replace(new, rows=0, log_weight=0.0, dense=np.diag(shortfall), tables=tables, powers=powers, removed=None)


def _ever_summed(moments: Moments) -> Vector:
    """Sums of all squares that ever entered the rows of the dense block, (m,): diag(S) + 2 diag(removed)."""
    own = moments.dense.diagonal()
    return own if moments.removed is None else own + 2 * moments.removed.dense.diagonal()


def _combined_squares(K: Sequence[Combination], squares: Vector) -> Vector:
    """Bounds (sum |c_i| ||u_i||)^2 for each combination, from the squares ||u_i||^2."""
    sizes = np.sqrt(np.maximum(squares, 0.0))
    return np.array([sum(abs(float(c)) * sizes[i] for i, c in row.items()) ** 2 for row in K])


def _table_shortfall(
    old: Moments, new: Moments, factors: tuple[str, ...], monomials: Sequence[Monomial], changes: Changes
) -> CellSums:
    """As `_removed_shortfall`, for the monomials of a table that are squares, in every cell."""
    place = {m: i for i, m in enumerate(monomials)}
    before, after = _ever_summed_table(old, factors), _ever_summed_table(new, factors)
    shortfall = np.zeros_like(before)
    for m, at in place.items():
        if all(p % 2 == 0 for _, p in m):
            half = tuple((v, p // 2) for v, p in m)
            parts = {
                place[tuple((v, 2 * p) for v, p in low)]: abs(float(c)) for low, c in _expanded(half, changes).items()
            }
            norm_bound = sum(c * np.sqrt(np.maximum(before[:, i], 0.0)) for i, c in parts.items())
            shortfall[:, at] = np.maximum(norm_bound**2 - after[:, at], 0.0) / 2
    return replace(new.tables[factors], sums=shortfall)


def _ever_summed_table(moments: Moments, factors: tuple[str, ...]) -> Matrix:
    """Sums of all entries that ever entered a table, (c, k), in the order of its present cells."""
    own = moments.tables[factors]
    if moments.removed is None:
        return own.sums
    removed = moments.removed.tables[factors]
    at = cell_index(own.cells, removed.cells, [len(moments.levels[f]) for f in factors])
    out = own.sums.copy()
    out[at[at >= 0]] += 2 * removed.sums[at >= 0]
    return out
