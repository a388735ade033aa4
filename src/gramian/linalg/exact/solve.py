"""Exact solve: from whole products to coefficients that are right in every digit, or with a proof of how near they are.

The constant is swept out in integers. Small systems are eliminated exactly; large ones are refined with exact residuals
until a verified bound proves the rounding. Ranks are decided in integers, never by a tolerance.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite, log10

import numpy as np

from gramian.errors import NumericalError
from gramian.linalg.exact.eliminate import eliminate, estimated_seconds, independent
from gramian.linalg.exact.planes import Integers
from gramian.linalg.exact.products import ExactGram
from gramian.linalg.exact.refine import VerifiedInverse, refined, verified_inverse
from gramian.linalg.exact.to_float64 import nearest
from gramian.linalg.exact.uncentred_inverse import uncentred_inverse
from gramian.typing import Codes, Mask, Matrix, Vector

PATIENCE = 0.1  # seconds for exact elimination; refinement, with its bounds, takes milliseconds
LONGEST = 60.0  # seconds for it where refinement finds no bound
SIMPLE = 2**64  # denominators that a null vector is tried with
ZERO = Fraction(0)


@dataclass(frozen=True, slots=True, eq=False)
class ExactSolution:
    """The exact normal equations' solution, in the columns that were solved for.

    coefficients : (p,) fractions, zero where aliased; errors : bounds of what they are off, zero where they are exact.
    inverse : (p, p) of the products, rounded once where `exact`, zero rows where aliased. diagonal : its diagonal,
    which float64 may not hold; spread : bounds of its errors. rss, rss_error : as coefficients and errors. exact : by
    elimination, not refined. kept : (p,) columns that are not combinations of earlier ones. null : (p, r) fractions,
    X null = 0, with 1 for the aliased column. proved : whether every dependence was verified in integers (independence
    always is).
    """

    coefficients: tuple[Fraction, ...]
    errors: tuple[Fraction, ...]
    inverse: Matrix
    diagonal: tuple[Fraction, ...]
    diagonal_errors: tuple[Fraction, ...]
    rss: Fraction
    rss_error: Fraction
    identified: Mask
    null: Integers
    exact: bool
    proved: bool

    @property
    def rounded(self) -> tuple[Vector, Vector]:
        """Coefficients as hi + lo."""
        hi = [nearest(b) for b in self.coefficients]
        lo = [nearest(b - Fraction(h)) if isfinite(h) else 0.0 for b, h in zip(self.coefficients, hi, strict=True)]
        return np.array(hi), np.array(lo)

    @property
    def digits(self) -> Vector:
        """Decimal digits of each float64 coefficient that are proved."""
        return proved_digits(self.coefficients, self.errors)


def proved_digits(values: tuple[Fraction, ...], errors: tuple[Fraction, ...]) -> Vector:
    """-log10 of the relative error of each value rounded to float64, 16 where the rounding is proved correct."""
    return np.array([_digits(b, e) for b, e in zip(values, errors, strict=True)])


def _digits(value: Fraction, error: Fraction) -> float:
    if not error or nearest(value - error) == nearest(value + error):
        return 16.0
    if not value:
        return 0.0
    return max(0.0, -log10(nearest(error / abs(value)) + 2.0**-53))


def exact_solve(gram: ExactGram, constant: int | None) -> ExactSolution:
    """Solve for the coefficients of all columns but the last, which is the response.

    constant : position of the constant column, swept out first. Raises NumericalError where a large system is so near
    to singular, without being it, that no bound can be proved.
    """
    centred = _centre(gram.integers, constant)
    identified = independent(centred.C[:-1, :-1])
    part = _solve(centred.C, identified)
    return _in_columns(gram, centred, identified, part)


@dataclass(frozen=True, slots=True, eq=False)
class CentredProducts:
    """weight M - s s' for the columns other than the constant, the response last; weight 1 and s 0 without one."""

    C: Integers
    sums: Integers
    weight: int
    others: Codes
    constant: int | None


def _centre(M: Integers, constant: int | None) -> CentredProducts:
    others = np.array([j for j in range(len(M)) if j != constant], np.int64)
    inner = M[np.ix_(others, others)]
    if constant is None:
        return CentredProducts(inner, np.zeros(len(others), object), 1, others, None)
    s, weight = M[others, constant], int(M[constant, constant])
    return CentredProducts(weight * inner - s[:, None] * s, s, weight, others, constant)


@dataclass(frozen=True, slots=True, eq=False)
class SlopeSolution:
    """Solution of the kept columns, of C as it is: combos (k, r) tell the aliased columns."""

    b: list[Fraction]
    errors: list[Fraction]
    rss: Fraction
    rss_error: Fraction
    combinations: Integers
    inverse: Integers | VerifiedInverse
    proved: bool


def _solve(C: Integers, identified: Mask) -> SlopeSolution:
    k, rest = np.flatnonzero(identified), np.flatnonzero(~identified)
    A, c, yy = C[np.ix_(k, k)], C[k, -1], int(C[-1, -1])
    if estimated_seconds(A) < PATIENCE:
        B = np.concatenate([C[np.ix_(k, rest)], c[:, None]], axis=1)
        return _solve_exactly(A, B, yy)
    try:
        system = verified_inverse(A)
    except NumericalError:
        if estimated_seconds(A) > LONGEST:
            raise
        return _solve_exactly(A, np.concatenate([C[np.ix_(k, rest)], c[:, None]], axis=1), yy)
    approximation = refined(system, np.concatenate([c[:, None], C[np.ix_(k, rest)]], axis=1))
    b, errors, r = approximation.column(0)
    rss = yy - _dot(b, c) - _dot(b, r)
    rss_error = _dot([abs(d) for d in r], errors)  # r'(C^-1 r), and C^-1 r is the error of b
    if rss <= rss_error and not (A.dot(np.array(_simple(b), object)) - c).any():  # a perfect fit
        b, errors, rss_error = _simple(b), [ZERO] * len(b), ZERO
        rss = yy - _dot(b, c)
    solved = [_combination(approximation.column(i)[0], C, k, int(j)) for i, j in enumerate(rest, 1)]
    combinations = np.array([combination for combination, _ in solved], object).reshape(len(rest), len(k)).T
    return SlopeSolution(b, errors, rss, rss_error, combinations, system, all(sure for _, sure in solved))


def _dot(a: Iterable[Fraction], b: Iterable[Fraction | int]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), ZERO)


def _solve_exactly(A: Integers, B: Integers, yy: int) -> SlopeSolution:
    identity = np.zeros((len(A), len(A)), object)
    np.fill_diagonal(identity, 1)
    X, d = eliminate(A, np.concatenate([B, identity], axis=1))
    values = np.array([Fraction(int(v), d) for v in X.ravel()], object).reshape(X.shape)
    width = B.shape[1]
    b = values[:, width - 1].tolist()
    rss = yy - _dot(b, B[:, -1])
    return SlopeSolution(b, [ZERO] * len(b), rss, ZERO, values[:, : width - 1], values[:, width:], True)


def _simple(values: list[Fraction]) -> list[Fraction]:
    """The simplest fractions that these may be approximations of."""
    return [v.limit_denominator(SIMPLE) for v in values]


def _combination(approximate: list[Fraction], C: Integers, k: Codes, j: int) -> tuple[list[Fraction], bool]:
    """What column j is of the kept ones: simple fractions if these solve the equations exactly, which proves it."""
    simple = _simple(approximate)
    sure = not any(C[i, j] - _dot(simple, C[i, k]) for i in (*k, j))
    return (simple if sure else approximate), sure


def _in_columns(
    gram: ExactGram, centred: CentredProducts, slopes_identified: Mask, part: SlopeSolution
) -> ExactSolution:
    """Undo the sweep, then tell everything in the columns themselves instead of their whole multiples."""
    slopes = centred.others[:-1]
    k, rest = slopes[slopes_identified], slopes[~slopes_identified]
    p, at, weight = len(gram.integers) - 1, centred.constant, centred.weight
    b, errors = np.full(p, ZERO, object), np.full(p, ZERO, object)
    null, identified = np.full((p, len(rest)), ZERO, object), np.ones(p, bool)
    b[k], errors[k], identified[slopes] = part.b, part.errors, slopes_identified
    null[np.ix_(k, np.arange(len(rest)))] = -part.combinations
    null[rest, np.arange(len(rest))] = Fraction(1)
    sums = centred.sums[:-1]
    if at is not None:
        b[at] = (int(centred.sums[-1]) - _dot(b[slopes], sums)) / weight
        errors[at] = _dot(errors[slopes], np.abs(sums)) / weight
        for column in null.T:
            column[at] = -_dot(column[slopes], sums) / weight
    multipliers, response_multiplier = np.array(gram.multipliers[:-1], object), gram.multipliers[-1]
    inverse, diagonal, diagonal_errors = np.zeros((p, p)), np.full(p, ZERO, object), np.full(p, ZERO, object)
    used = k if at is None else np.append(k, at)
    inverse[np.ix_(used, used)], diagonal[used], diagonal_errors[used] = uncentred_inverse(
        part.inverse, sums[slopes_identified] if at is not None else None, weight, multipliers[used], gram.exponent
    )
    scale = Fraction(2) ** gram.exponent / (weight * response_multiplier**2)
    return ExactSolution(
        tuple(v * int(u) / response_multiplier for v, u in zip(b, multipliers, strict=True)),
        tuple(v * int(u) / response_multiplier for v, u in zip(errors, multipliers, strict=True)),
        inverse,
        tuple(diagonal),
        tuple(diagonal_errors),
        part.rss * scale,
        part.rss_error * scale,
        identified,
        null * multipliers[:, None] * np.array([Fraction(1, int(u)) for u in multipliers[rest]], object),
        isinstance(part.inverse, np.ndarray),
        part.proved,
    )
