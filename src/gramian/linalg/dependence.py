"""Exact proof that a combination of columns vanishes, in integer arithmetic on the sums as they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import lcm

import numpy as np

from gramian.typing import Matrix, Vector

MAX_COLUMNS = 2000  # columns of a combination up to which the proof is tried
MAX_DENOMINATOR = 10_000  # largest denominator of an intended coefficient, such as 1/3 or 0.01
MAX_DISTANCE = 1e-6  # relative distance up to which a number is taken for a simple fraction


def simple_fractions(null: Vector) -> dict[int, Fraction] | None:
    """The nonzero elements of a null vector as simple fractions, by position; None where one is not near to any."""
    out = {}
    if not np.isfinite(null).all():
        return None
    for i in np.flatnonzero(null):
        value = float(null[i])
        fraction = Fraction(value).limit_denominator(MAX_DENOMINATOR)
        if not fraction or abs(float(fraction) - value) > MAX_DISTANCE * abs(value):
            return None
        out[int(i)] = fraction
    return out


def vanishes(S: Matrix, v: Mapping[int, Fraction], constant: int | None) -> bool:
    """Whether min over a of ||X v - a 1||^2 is exactly zero, from the products S = X'X.

    Parameters
    ----------
    S : (q, q)
        Products. Where they are exact they are positive semidefinite, so v'Sv = 0 means X v = 0.
    v : mapping
        Position -> coefficient of the combination; that of the constant is ignored.
    constant : int or None
        Position of the constant column 1. With it the minimum is v'Sv - (v's)^2 / n, where s are the products with the
        constant and n its square.
    """
    at = [i for i in v if i != constant]
    if len(at) > MAX_COLUMNS:
        return False
    used = at if constant is None else [*at, constant]
    integers = _as_integers(S[np.ix_(used, used)])
    denominator = lcm(*(v[i].denominator for i in at))
    coefficients = np.array([int(v[i] * denominator) for i in at], object)
    inner = integers[: len(at), : len(at)]
    square = coefficients.dot(inner.dot(coefficients)) if at else 0
    if constant is None:
        return bool(square == 0)
    first = coefficients.dot(integers[: len(at), -1]) if at else 0
    return bool(integers[-1, -1] * square == first * first)


def _as_integers(S: Matrix) -> np.ndarray:
    """S times a power of two as Python integers, which is exact: object array (q, q)."""
    fraction, exponent = np.frexp(S)
    digits = np.ldexp(fraction, 53).astype(np.int64).astype(object)
    low = int(exponent[fraction != 0.0].min(initial=10_000))
    # All elements become multiples of one power of two, so that integer arithmetic on them is exact.
    shift = np.where(fraction != 0.0, exponent - low, 0).astype(object)
    return np.asarray(digits << shift)
