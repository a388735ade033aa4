"""Verified solution of an integer symmetric system that is too large for exact elimination.

With an approximate inverse R and a bound of |I - R S| below one, every residual gives a bound of the error (Rump,
"Verification methods: rigorous results using floating-point arithmetic", Acta Numerica 2010). Residuals are exact, in
integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ldexp

import numpy as np

from gramian.linalg.exact.inverse import integer_digits, inverse, series
from gramian.linalg.exact.limbs import Limbs, limbs_of
from gramian.linalg.exact.planes import Integers
from gramian.typing import Codes, Mask, Matrix

BITS = 320  # fractional bits of a solution, whose largest elements are near one
TOLERANCE = 2.0**-150  # relative error bound at which refinement stops
DEFECT_LIMIT = 2.0**-20  # row sum of |I - R S|, so that each step gains six digits
STEPS, PATIENCE = 200, 6  # steps of refinement at most, and in a row without a smaller bound
MAX_FLOAT_BITS = 1000  # bits of an integer that surely is a float64
TWO = Fraction(2)
FIXED, GUARD = 200, 64  # fractional bits of an inverse, and of a scaled residual


@dataclass(frozen=True, slots=True, eq=False)
class VerifiedInverse:
    """An integer matrix C, scaled to S with a diagonal below 1/4, and an approximate inverse R of S with a bound.

    Attributes
    ----------
    exponents : (k,) int
        e with C_ij = S_ij 2^(e_i + e_j).
    inverse : (k, k)
        Inverse of S, corrected by the series of I - R S, in float64.
    approximate : (k, k)
        R in float64.
    defect : float
        Bound of the largest row sum of |I - R S|.
    limbs : Limbs (k, k)
        C.
    steps : Limbs (k, k)
        Corrected inverse times 2^FIXED, which turns residuals into corrections.
    """

    exponents: Codes
    inverse: Matrix
    approximate: Matrix
    defect: float
    limbs: Limbs
    steps: Limbs


@dataclass(frozen=True, slots=True, eq=False)
class Approximation:
    """Approximate solutions X : (k, m) with error bounds, in fixed point, one solution a column.

    Attributes
    ----------
    integers : (k, m)
        X_ij = integers_ij 2^(shifts_j - e_i).
    bounds : (k, m)
        Bounds of the errors, in units of 2^(tops_j - e_i).
    residuals : (k, m)
        Exact residuals, in units of 2^residual_shifts_j.
    shifts, tops, residual_shifts : (m,) int
        Binary exponents of each column.
    exponents : (k,) int
        e of the system.
    """

    integers: Integers
    bounds: Matrix
    residuals: Integers
    shifts: Codes
    tops: Codes
    residual_shifts: Codes
    exponents: Codes

    def value(self, i: int, j: int) -> Fraction:
        """One element."""
        return int(self.integers[i, j]) * TWO ** int(self.shifts[j] - self.exponents[i])

    def error(self, i: int, j: int) -> Fraction:
        """Error bound of one element."""
        return Fraction(float(self.bounds[i, j])) * TWO ** int(self.tops[j] - self.exponents[i])

    def column(self, j: int) -> tuple[list[Fraction], list[Fraction], list[Fraction]]:
        """One solution, bounds of its errors, and the exact residual."""
        rows = range(len(self.integers))
        scale = TWO ** int(self.residual_shifts[j])
        residual = [int(v) * scale for v in self.residuals[:, j]]
        return [self.value(i, j) for i in rows], [self.error(i, j) for i in rows], residual


def verified_inverse(C: Integers) -> VerifiedInverse:
    """An approximate inverse with a proved bound.

    Raises
    ------
    NumericalError
        Where C is too near to singular.
    """
    # So that C_ii / 2^(2 e_i) is below 1/4.
    exponents = np.array([(int(v).bit_length() + 3) // 2 for v in C.diagonal()], np.int64)
    R, E, defect = inverse(integer_digits(C, exponents), DEFECT_LIMIT)
    value, step = R.value, R.fixed(FIXED)
    more = series(E) @ value
    if np.abs(value).sum(axis=1).max(initial=0.0) < 2.0**50:  # beyond, its own rounding would be larger than E
        step = step + _fixed(more)
    return VerifiedInverse(exponents, value + (R.remainder + more), value, defect, limbs_of(C), limbs_of(step))


def refined(
    system: VerifiedInverse, c: Integers, tolerance: float = TOLERANCE, needed: Mask | None = None, bits: int = BITS
) -> Approximation:
    """Solve C X = c with error bounds, by refinement in fixed point with exact residuals, all columns at once.

    Refinement ends when the bounds of the needed elements are below `tolerance` relative to them, or do not decrease.

    Parameters
    ----------
    system : VerifiedInverse
        C with its approximate inverse.
    c : (k, m)
        Integer right-hand sides.
    tolerance : float
        Relative error bound.
    needed : (k, m) bool or None
        Elements that have to reach it; None: all.
    bits : int
        Fractional bits of the solution.
    """
    e, most = system.exponents, int(system.exponents.max(initial=0))
    tops = np.array([_top(column, e) for column in c.T], np.int64)
    places = bits + np.maximum(0, tops - most)
    target, X = _shifted(c, places + most - tops), np.zeros(c.shape, object)
    best, stalled = np.inf, 0
    for _ in range(STEPS):
        residual = target - system.limbs.times(_shifted(X, (most - e)[:, None]))
        bound = _bound(system, _floats(residual, -(places + most + e[:, None])))
        unfinished = bound > tolerance * np.abs(_floats(X, -places))
        unfinished = unfinished if needed is None else unfinished & needed
        largest = float(bound[:, unfinished.any(axis=0)].max(initial=0.0))
        # A bound that falls by less than a tenth is no progress: the precision of the fixed point is reached.
        stalled = 0 if largest < 0.9 * best else stalled + 1
        if not unfinished.any() or stalled > PATIENCE:
            break
        best = min(best, largest)
        # The residual in units of the solution with GUARD more bits, so that rounding down does not limit the accuracy.
        step = system.steps.times(_shifted(residual, GUARD - most - e[:, None]))
        X = X + _shifted(step, np.array(-FIXED - GUARD))
    return Approximation(X, bound, residual, tops - places, tops, tops - places - most, e)


def _top(column: Integers, exponents: Codes) -> int:
    """Binary exponent of the largest element of a column, in units of the scaled system."""
    return max((int(v).bit_length() - int(x) for v, x in zip(column, exponents, strict=True) if v), default=0)


def _fixed(values: Matrix) -> Integers:
    """values 2^FIXED as integers."""
    fraction, exponent = np.frexp(values)
    integers: Integers = np.ldexp(fraction, 53).astype(np.int64).astype(object)
    up = exponent.astype(np.int64) - 53 + FIXED
    left, right = (np.maximum(shift, 0).astype(object) for shift in (up, -up))
    return np.asarray((integers << left) >> right)


def _shifted(integers: Integers, shifts: Codes) -> Integers:
    """Elements times 2^shift, rounded down; shifts : broadcast to the shape."""
    pairs = zip(integers.ravel(), np.broadcast_to(shifts, integers.shape).ravel().tolist(), strict=True)
    out = np.empty(integers.size, object)
    out[:] = [v << s if s >= 0 else v >> -s for v, s in pairs]
    return out.reshape(integers.shape)


def _bound(system: VerifiedInverse, r: Matrix) -> Matrix:
    """Error bounds (k, m) from residuals r : (k, m): |x - x'| <= |R r| + d / (1 - d) max |R r|, with d the defect.

    Enlarged for the rounding errors of their own computation and for the digits of R that float64 does not hold.
    """
    size = np.abs(system.approximate)
    cut = 2.0**-80 * size.max(axis=1, initial=0.0)[:, None] * np.abs(r).sum(axis=0)
    residual_bound = (size @ np.abs(r) + cut) * (1.0 + 1e-9) + 2.0**-1000
    return np.asarray(
        residual_bound + system.defect / (1.0 - system.defect) * residual_bound.max(axis=0, initial=0.0)
    ) * (1.0 + 1e-9)


def _floats(integers: Integers, exponents: Codes) -> Matrix:
    """integers 2^exponent in float64, not correctly rounded; exponents : broadcast to the shape."""
    if max(map(int.bit_length, integers.ravel().tolist()), default=0) <= MAX_FLOAT_BITS:
        return np.asarray(np.ldexp(integers.astype(np.float64), exponents))
    pairs = zip(integers.ravel(), np.broadcast_to(exponents, integers.shape).ravel().tolist(), strict=True)
    return np.array([_float(v, s) for v, s in pairs]).reshape(integers.shape)


def _float(number: int, exponent: int) -> float:
    """integer 2^exponent in float64, with a relative error of at most about 2^-52."""
    over = max(number.bit_length() - 64, 0)
    return ldexp(float(number >> over), exponent + over)
