"""Verified solution of a whole symmetric system that is too large to eliminate exactly.

An approximate inverse R with a bound of |I - R S| below one makes every residual a bound of the error (Rump,
"Verification methods", Acta Numerica 2010). Residuals are exact, in integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ldexp

import numpy as np

from gramian.linalg.exact.inverse import inverse, series, whole_digits
from gramian.linalg.exact.planes import Integers
from gramian.typing import Codes, Matrix, Vector

BITS = 320  # of a solution in fixed point
SURE = 2.0**-150  # relative bound at which a solution is refined no more
ENOUGH = 2.0**-20  # row sum of |I - R S|, so that each step gains six digits
STEPS, PATIENCE = 200, 6  # at most so many, so many without a smaller bound
FIXED, GUARD = 200, 64  # bits below the point of an inverse, and of a scaled residual


@dataclass(frozen=True, slots=True, eq=False)
class Verified:
    """C, scaled by powers of two to a diagonal below one, and an inverse with a bound.

    whole : (k, k), C_ij = S_ij 2^(e_i + e_j) with exponents e : (k,). inverse : of S, rounded. approximate : R as
    float64. defect : bound of the largest row sum of |I - R S|. step : what corrects a solution, whole, times 2^FIXED.
    """

    whole: Integers
    exponents: Codes
    inverse: Matrix
    approximate: Matrix
    defect: float
    step: Integers


def verified(C: Integers) -> Verified:
    """Find an approximate inverse that proves itself. Raises NumericalError where none is found."""
    exponents = np.array([(int(v).bit_length() + 2) // 2 for v in C.diagonal()], np.int64)
    R, E, defect = inverse(whole_digits(C, exponents), ENOUGH)
    value, step = R.value, R.fixed(FIXED)
    more = series(E) @ value
    if np.abs(value).sum(axis=1).max(initial=0.0) < 2.0**50:  # beyond, its own rounding would be larger than E
        step = step + _fixed(more)
    return Verified(C, exponents, value + (R.rest + more), value, defect, step)


def refined(system: Verified, c: Integers) -> tuple[list[Fraction], list[Fraction], list[Fraction]]:
    """b with C b = c : (k,) whole numbers, bounds of its errors, and the exact residual c - C b.

    Refinement in fixed point, with exact residuals, until the bounds are small or shrink no more.
    """
    e = system.exponents.tolist()
    top = max((int(v).bit_length() - x for v, x in zip(c, e, strict=True)), default=0)
    most = max(e, default=0)
    bits = BITS + max(0, top - most)
    target, X = _shifted(c, [bits + most - top] * len(e)), np.zeros(len(e), object)
    best, stalled = np.inf, 0
    for _ in range(STEPS):
        residual = target - system.whole.dot(_shifted(X, [most - k for k in e]))
        r = np.array([_float(int(v), -(bits + most + k)) for v, k in zip(residual, e, strict=True)])
        bound = _bound(system, r)
        size = np.array([abs(_float(int(x), -bits)) for x in X])
        largest = float(bound.max(initial=0.0))
        stalled = 0 if largest < 0.9 * best else stalled + 1
        if not (bound > SURE * size).any() or stalled > PATIENCE:
            break
        best = min(best, largest)
        step = system.step.dot(_shifted(residual, [GUARD - most - k for k in e]))
        X = X + _shifted(step, [-FIXED - GUARD] * len(e))
    two = Fraction(2)
    b = [int(x) * two ** (top - k - bits) for x, k in zip(X, e, strict=True)]
    errors = [Fraction(v) * two ** (top - k) for v, k in zip(bound.tolist(), e, strict=True)]
    return b, errors, [int(v) * two ** (top - bits - most) for v in residual]


def _fixed(values: Matrix) -> Integers:
    """values 2^FIXED as integers."""
    fraction, exponent = np.frexp(values)
    whole: Integers = np.ldexp(fraction, 53).astype(np.int64).astype(object)
    up = exponent.astype(np.int64) - 53 + FIXED
    left, right = (np.maximum(shift, 0).astype(object) for shift in (up, -up))
    return np.asarray((whole << left) >> right)


def _shifted(whole: Integers, shifts: Sequence[int]) -> Integers:
    """Element by element times 2^shift, rounded down."""
    pairs = zip(whole, shifts, strict=True)
    out = np.zeros(len(whole), object)
    out[:] = [int(v) << s if s >= 0 else int(v) >> -s for v, s in pairs]
    return out


def _bound(system: Verified, r: Vector) -> Vector:
    """|x - x'| <= |R r| + d / (1 - d) max |R r|, with room for rounding and for what the digits of R left out."""
    size = np.abs(system.approximate)
    cut = 2.0**-80 * size.max(axis=1, initial=0.0) * np.abs(r).sum()
    reach = (size @ np.abs(r) + cut) * (1.0 + 1e-9) + 2.0**-1000
    return np.asarray(reach + system.defect / (1.0 - system.defect) * reach.max(initial=0.0)) * (1.0 + 1e-9)


def _float(number: int, exponent: int) -> float:
    """number 2^exponent, nearly."""
    over = max(number.bit_length() - 64, 0)
    return ldexp(float(number >> over), exponent + over)
