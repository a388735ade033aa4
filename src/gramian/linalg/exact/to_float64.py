"""Conversion of exact moments to float64 moments about the shifts of a design: each sum is rounded once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import inf, isqrt, lcm, ldexp

import numpy as np

from gramian.errors import NumericalError
from gramian.linalg.exact.moments import LOG_WEIGHT, ExactMoments
from gramian.linalg.exact.planes import PLANE, Integers, Planes
from gramian.linalg.factors.cells import CellSums
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import Coordinate, Monomial, raw_monomial
from gramian.typing import Matrix, Vector

Share = tuple[Mapping[int, int], int]  # place -> integer coefficient, and the common denominator


def to_float64(moments: ExactMoments, coordinates: Mapping[str, Coordinate]) -> Moments:
    """The moments that one pass in float64 would compute without its rounding errors.

    coordinates : variable -> shift and scale, for every variable of the layout. Shifting is exact, so nothing cancels.

    Raises
    ------
    NumericalError
        Where a sum is beyond the largest float64.
    """
    layout = moments.layout
    shares = _shares(layout.rows, coordinates, moments.scale)
    half = _combined(_integers(moments.dense), shares)
    denominators = np.array([denominator for _, denominator in shares], object)
    dense = _floats(_combined(half.T, shares), denominators[:, None] * denominators, moments.dense.low)
    tables = {f: _table(moments, f, m, coordinates) for f, m in layout.tables}
    power_sums = {v: _powers(moments, v, coordinates[v]) for v in _variables(moments.singles)}
    levels = {name: tuple(values) for name, values in moments.levels.items()}
    return Moments(layout, dict(coordinates), moments.rows, moments.log_weight, dense, levels, tables, power_sums)


def _table(
    moments: ExactMoments,
    factors: tuple[str, ...],
    monomials: Sequence[Monomial],
    coordinates: Mapping[str, Coordinate],
) -> CellSums:
    """A table of cell sums in shifted coordinates."""
    table, shares = moments.tables[factors], _shares(monomials, coordinates, moments.scale)
    denominators = np.array([denominator for _, denominator in shares], object)
    sums = _floats(_combined(_integers(table.sums).T, shares).T, denominators, table.sums.low)
    return CellSums(table.cells.astype(np.int32), table.rows, sums)


def _variables(singles: Sequence[Monomial]) -> list[str]:
    """The variables of the power sums."""
    return list(dict.fromkeys(v for m in singles if m != LOG_WEIGHT for v, _ in m))


def _powers(moments: ExactMoments, variable: str, coordinate: Coordinate) -> Vector:
    """Sums of u^0, u^1, ... from those of x, (top + 1,)."""
    top = max(p for m in moments.singles for v, p in m if v == variable)
    sums = moments.power_sums(variable, top)
    polynomials = [raw_monomial(((variable, k),) if k else (), {variable: coordinate.inverse}) for k in range(top + 1)]
    return np.array([float(sum(c * sums[sum(p for _, p in m)] for m, c in q.items())) for q in polynomials])


def _shares(
    monomials: Sequence[Monomial], coordinates: Mapping[str, Coordinate], scale: Mapping[str, int]
) -> list[Share]:
    """Monomials in u as integer combinations of the stored monomials in x, over a common denominator."""
    place = {m: i for i, m in enumerate(monomials)}
    out: list[Share] = []
    for m in monomials:
        raw = raw_monomial(m, {v: coordinates[v].inverse for v, _ in m})
        parts = {place[r]: c / 10 ** sum(p * scale.get(v, 0) for v, p in r) for r, c in raw.items() if c}
        denominator = lcm(*(c.denominator for c in parts.values()))
        out.append(({i: int(c * denominator) for i, c in parts.items()}, denominator))
    return out


def _integers(planes: Planes) -> Integers:
    """Values divided by the unit of the lowest plane, as Python integers."""
    return planes.integers(PLANE * planes.low)


def _combined(values: Integers, shares: Sequence[Share]) -> Integers:
    """Integer combinations of rows, one for each share."""
    out = np.zeros((len(shares), values.shape[1]), object)
    for row, (parts, _) in zip(out, shares, strict=True):
        for i, c in parts.items():
            row += c * values[i]
    return out


def _floats(values: Integers, denominators: Integers, low: int) -> Matrix:
    """values 2^(PLANE low) / denominators, each rounded once, as Python's quotients of integers are."""
    above, below = 2 ** max(PLANE * low, 0), 2 ** max(-PLANE * low, 0)
    try:
        return np.asarray((values * above) / (denominators * below), np.float64).reshape(values.shape)
    except OverflowError:
        raise NumericalError("a sum is beyond the largest float64; divide the columns by a power of ten") from None


PRECISION = 128  # bits of the integer under the root


def nearest(value: Fraction) -> float:
    """The nearest float64, infinite outside its range."""
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf


def square_root(value: Fraction) -> float:
    """Square root of a fraction >= 0, with a relative error of at most 2^-62 before it is rounded to float64."""
    size = value.numerator.bit_length() - value.denominator.bit_length()
    # Scaled by a power of four, the integer under the root has about PRECISION bits, the root 64.
    half = (PRECISION - size) // 2
    integer_root = isqrt(int(value * Fraction(4) ** half))
    return (
        nearest(Fraction(integer_root) / Fraction(2) ** half) if abs(half) > 900 else ldexp(float(integer_root), -half)
    )
