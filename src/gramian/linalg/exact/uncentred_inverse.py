"""The inverse of all products from that of the centred ones: with the intercept, in the columns themselves."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from gramian.linalg.exact.planes import Integers
from gramian.linalg.exact.refine import Approximation, VerifiedInverse, refined
from gramian.linalg.exact.to_float64 import nearest
from gramian.typing import Codes, Matrix, Vector

DIAGONAL_TOLERANCE = 2.0**-64  # relative error bound of the diagonal, of which standard errors are square roots
PLACES = 192  # fractional bits of the diagonal: enough for that bound up to a condition number of 2^100


def uncentred_inverse(
    inverse: Integers | VerifiedInverse, sums: Integers | None, weight: int, multipliers: Integers, exponent: int
) -> tuple[Matrix, list[Fraction], list[Fraction]]:
    """The inverse in float64, its diagonal, and bounds of the diagonal's errors.

    Parameters
    ----------
    inverse : (k, k) of Fraction, or VerifiedInverse
        Inverse of weight times the centred products of integer columns.
    sums : (k,) or None
        Products of these columns with the constant; None without an intercept.
    weight : int
        Square of the constant.
    multipliers : (k,) or (k + 1,)
        What the columns were multiplied by to be integer, that of the intercept last.
    exponent : int
        Binary exponent of all products.

    Returns
    -------
    inverse : (k, k), or (k + 1, k + 1) with the intercept last
        In float64.
    diagonal : list of Fraction
        Its diagonal.
    errors : list of Fraction
        Bounds of the errors of the diagonal.
    """
    if isinstance(inverse, VerifiedInverse):
        return _from_verified(inverse, sums, weight, multipliers, exponent)
    return _exact(inverse, sums, weight, multipliers, exponent)


def _exact(
    inverse: Integers, sums: Integers | None, weight: int, multipliers: Integers, exponent: int
) -> tuple[Matrix, list[Fraction], list[Fraction]]:
    """From an exact inverse: every element is rounded once."""
    V = inverse * weight
    if sums is not None:
        # With V the inverse of the centred products: the intercept's row is -V mean, its corner 1/weight + mean'V mean.
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
    """From a verified inverse: elements are rounded a few times, but the diagonal has proved bounds."""
    # Powers of two are applied last, so that no intermediate result overflows.
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
    ]  # a diagonal is not negative, so zero is at least as near
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
    """The inverse of C by refinement, accurate on its diagonal."""
    identity = np.zeros((len(system.exponents),) * 2, object)
    np.fill_diagonal(identity, 1)
    return refined(system, identity, DIAGONAL_TOLERANCE, identity == 1, PLACES)


def _mantissas_and_exponents(values: Integers) -> tuple[Vector, Codes]:
    """Positive integers as f 2^s with f in [1/2, 1)."""
    sizes = [int(v).bit_length() for v in values]
    return np.array([float(Fraction(int(v), 1 << s)) for v, s in zip(values, sizes, strict=True)]), np.array(sizes)
