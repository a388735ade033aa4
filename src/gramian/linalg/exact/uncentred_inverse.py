"""The inverse of all products, from that of the centred ones: with the intercept, in the columns themselves."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from gramian.linalg.exact.planes import Integers
from gramian.linalg.exact.refine import Approximation, VerifiedInverse, refined
from gramian.linalg.exact.to_float64 import nearest
from gramian.typing import Codes, Matrix, Vector

DIAGONAL_TOLERANCE = 2.0**-64  # relative bound of the inverse's diagonal, of which only a root is told
PLACES = 192  # bits of it below the point: enough for bounds of 2^-64 up to a condition of 2^100


def uncentred_inverse(
    inverse: Integers | VerifiedInverse, sums: Integers | None, weight: int, multipliers: Integers, exponent: int
) -> tuple[Matrix, list[Fraction], list[Fraction]]:
    """(k, k), or (k + 1, k + 1) with the intercept last, as float64; its diagonal, and bounds of the errors of that.

    inverse : of weight times the centred products of whole columns. sums : of these, None without an intercept.
    units : what the columns were multiplied by, that of the intercept last. exponent : of two, of all products.
    """
    if isinstance(inverse, VerifiedInverse):
        return _from_verified(inverse, sums, weight, multipliers, exponent)
    return _exact(inverse, sums, weight, multipliers, exponent)


def _exact(
    inverse: Integers, sums: Integers | None, weight: int, multipliers: Integers, exponent: int
) -> tuple[Matrix, list[Fraction], list[Fraction]]:
    """Every element rounded once."""
    V = inverse * weight
    if sums is not None:
        edge = inverse.dot(sums) if len(sums) else sums
        corner = Fraction(1, weight) + (Fraction(edge.dot(sums)) / weight if len(sums) else 0)
        last = np.append(-edge, np.array([corner], object))
        V = np.concatenate([np.concatenate([V, -edge[:, None]], axis=1), last[None, :]])
    values = V * multipliers[:, None] * multipliers * Fraction(2) ** -exponent
    rounded = np.array([nearest(v) for v in values.ravel()]).reshape(values.shape)
    return rounded, values.diagonal().tolist(), [Fraction(0)] * len(values)


def _from_verified(
    system: VerifiedInverse, sums: Integers | None, weight: int, multipliers: Integers, exponent: int
) -> tuple[Matrix, list[Fraction], list[Fraction]]:
    """Rounded a few times; powers of two are kept apart, so that nothing overflows on the way."""
    factors, powers = _mantissas_and_exponents(multipliers)
    (factor,), (power,) = _mantissas_and_exponents(np.array([weight], object))
    k = len(system.exponents)
    own = powers[:k] - system.exponents
    shift = own[:, None] + own + int(power) - exponent
    near = system.inverse * float(factor) * factors[:k, None] * factors[:k]
    scales = [weight * int(u) ** 2 * Fraction(2) ** -exponent for u in multipliers[:k]]
    approximation = _verified_diagonal(system)
    diagonal = [
        max(approximation.value(i, i), Fraction(0)) * s for i, s in enumerate(scales)
    ]  # zero is no further away
    diagonal_errors = [approximation.error(i, i) * s for i, s in enumerate(scales)]
    with np.errstate(over="ignore", under="ignore"):
        inner = np.ldexp(near, shift)
    inner[np.diag_indices(k)] = [nearest(v) for v in diagonal]
    if sums is None:
        return inner, diagonal, diagonal_errors
    edge, errors, _ = refined(system, sums[:, None]).column(0)
    corner = Fraction(1, weight) + sum((v * int(s) for v, s in zip(edge, sums, strict=True)), Fraction(0)) / weight
    corner_error = sum((e * abs(int(s)) for e, s in zip(errors, sums, strict=True)), Fraction(0)) / weight
    last = int(multipliers[-1]) * Fraction(2) ** -exponent
    border = [
        *(-v * int(u) * last for v, u in zip(edge, multipliers[:k], strict=True)),
        corner * last * int(multipliers[-1]),
    ]
    column = np.array([nearest(v) for v in border])
    inner = np.concatenate([np.concatenate([inner, column[:-1, None]], axis=1), column[None, :]])
    return (
        inner,
        [*diagonal, max(border[-1], Fraction(0))],
        [*diagonal_errors, corner_error * last * int(multipliers[-1])],
    )


def _verified_diagonal(system: VerifiedInverse) -> Approximation:
    """The inverse, its diagonal near enough for the roots of it."""
    identity = np.zeros((len(system.exponents),) * 2, object)
    np.fill_diagonal(identity, 1)
    return refined(system, identity, DIAGONAL_TOLERANCE, identity == 1, PLACES)


def _mantissas_and_exponents(values: Integers) -> tuple[Vector, Codes]:
    """Whole positive numbers as f 2^s with f near one."""
    sizes = [int(v).bit_length() for v in values]
    return np.array([float(Fraction(int(v), 1 << s)) for v, s in zip(values, sizes, strict=True)]), np.array(sizes)
