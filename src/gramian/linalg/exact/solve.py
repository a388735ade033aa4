"""Exact solution of the normal equations: coefficients that are right in every digit, or with proved error bounds.

The constant is partialled out in integers. Small systems are eliminated exactly; large ones are refined with exact
residuals until a verified bound proves the rounding. Ranks are decided in integers, never by a tolerance.
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

PATIENCE = 0.1  # estimated seconds up to which systems are eliminated exactly; refinement takes milliseconds
LONGEST = 60.0  # estimated seconds of exact elimination that are accepted where refinement finds no bound
LONGEST_UNASKED = 3.0  # the same where nobody asked for exact sums
SIMPLE = 2**64  # largest denominator of the fractions that are tried as a null vector
ZERO = Fraction(0)


@dataclass(frozen=True, slots=True, eq=False)
class ExactSolution:
    """Solution of exact normal equations with p columns.

    Attributes
    ----------
    coefficients : tuple of p Fraction
        Zero where aliased.
    errors : tuple of p Fraction
        Bounds of their errors, zero where they are exact.
    inverse : (p, p)
        Inverse of the products in float64 (each element rounded once if `exact`), zero where aliased.
    diagonal : tuple of p Fraction
        Its diagonal, which may be outside the range of float64.
    diagonal_errors : tuple of p Fraction
        Bounds of the errors of the diagonal.
    rss, rss_error : Fraction
        Residual sum of squares, and a bound of its error.
    identified : (p,) bool
        Columns that are not combinations of earlier ones.
    null : (p, r) of Fraction
        X null = 0, with 1 for the aliased column.
    exact : bool
        Whether the system was eliminated, not refined.
    proved : bool
        Whether every dependence was verified in integers (independence always is).
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
        """Coefficients in double-double, as (hi, lo)."""
        hi = [nearest(b) for b in self.coefficients]
        lo = [nearest(b - Fraction(h)) if isfinite(h) else 0.0 for b, h in zip(self.coefficients, hi, strict=True)]
        return np.array(hi), np.array(lo)

    @property
    def digits(self) -> Vector:
        """Proved decimal digits of each coefficient as float64, (p,)."""
        return proved_digits(self.coefficients, self.errors)


def proved_digits(values: tuple[Fraction, ...], errors: tuple[Fraction, ...]) -> Vector:
    """-log10 of the relative error of each value rounded to float64, 16 where the rounding is proved correct."""
    return np.array([_digits(b, e) for b, e in zip(values, errors, strict=True)])


def _digits(value: Fraction, error: Fraction) -> float:
    """Proved decimal digits of one value with an error bound."""
    if not error or nearest(value - error) == nearest(value + error):
        return 16.0
    if not value:
        return 0.0
    return max(0.0, -log10(nearest(error / abs(value)) + 2.0**-53))


def exact_solve(gram: ExactGram, constant: int | None, longest: float = LONGEST) -> ExactSolution:
    """Solve for the coefficients of all columns but the last, which is the response.

    Parameters
    ----------
    gram : ExactGram
        Products, (p + 1, p + 1).
    constant : int or None
        Position of the constant column, which is partialled out first.
    longest : float
        Estimated seconds of exact elimination that are accepted where refinement finds no bound.

    Raises
    ------
    NumericalError
        Where a large system is so near to singular, without being it, that no bound can be proved in that time.
    """
    centred = _centre(gram.integers, constant)
    identified = independent(centred.C[:-1, :-1])
    part = _solve(centred.C, identified, longest)
    return _in_columns(gram, centred, identified, part)


@dataclass(frozen=True, slots=True, eq=False)
class CentredProducts:
    """Products of the q columns other than the constant, about their means: C = weight M - s s' in integers.

    Attributes
    ----------
    C : (q + 1, q + 1)
        The response last; M itself without a constant.
    sums : (q + 1,)
        s, products with the constant; zero without one.
    weight : int
        Square of the constant; 1 without one.
    others : (q + 1,) int
        Positions of these columns.
    constant : int or None
        Position of the constant column.
    """

    C: Integers
    sums: Integers
    weight: int
    others: Codes
    constant: int | None


def _centre(M: Integers, constant: int | None) -> CentredProducts:
    """Partial the constant out of integer products."""
    others = np.array([j for j in range(len(M)) if j != constant], np.int64)
    inner = M[np.ix_(others, others)]
    if constant is None:
        return CentredProducts(inner, np.zeros(len(others), object), 1, others, None)
    s, weight = M[others, constant], int(M[constant, constant])
    return CentredProducts(weight * inner - s[:, None] * s, s, weight, others, constant)


@dataclass(frozen=True, slots=True, eq=False)
class SlopeSolution:
    """Solution for the k independent columns of the centred integer system.

    Attributes
    ----------
    b, errors : list of k Fraction
        Slopes, and bounds of their errors.
    rss, rss_error : Fraction
        Residual sum of squares in the scale of C, and a bound of its error.
    combinations : (k, r) of Fraction
        Coefficients that express each aliased column by the independent ones.
    inverse : (k, k) of Fraction, or VerifiedInverse
        Inverse of their products in C.
    proved : bool
        Whether the combinations were verified in integers.
    """

    b: list[Fraction]
    errors: list[Fraction]
    rss: Fraction
    rss_error: Fraction
    combinations: Integers
    inverse: Integers | VerifiedInverse
    proved: bool


def _solve(C: Integers, identified: Mask, longest: float) -> SlopeSolution:
    """Solve the centred system for its independent columns, by elimination or by refinement."""
    k, rest = np.flatnonzero(identified), np.flatnonzero(~identified)
    A, c, yy = C[np.ix_(k, k)], C[k, -1], int(C[-1, -1])
    if estimated_seconds(A) < PATIENCE:
        B = np.concatenate([C[np.ix_(k, rest)], c[:, None]], axis=1)
        return _solve_exactly(A, B, yy)
    try:
        system = verified_inverse(A)
    except NumericalError:
        if estimated_seconds(A) > longest:
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
    """Dot product of fractions."""
    return sum((x * y for x, y in zip(a, b, strict=True)), ZERO)


def _solve_exactly(A: Integers, B: Integers, yy: int) -> SlopeSolution:
    """Solve A X = B by elimination, B with the response as last column. yy : square of the response."""
    identity = np.zeros((len(A), len(A)), object)
    np.fill_diagonal(identity, 1)
    X, d = eliminate(A, np.concatenate([B, identity], axis=1))
    values = np.array([Fraction(int(v), d) for v in X.ravel()], object).reshape(X.shape)
    width = B.shape[1]
    b = values[:, width - 1].tolist()
    rss = yy - _dot(b, B[:, -1])
    return SlopeSolution(b, [ZERO] * len(b), rss, ZERO, values[:, : width - 1], values[:, width:], True)


def _simple(values: list[Fraction]) -> list[Fraction]:
    """The simplest fractions near to these, with denominators up to 2^64."""
    return [v.limit_denominator(SIMPLE) for v in values]


def _combination(approximate: list[Fraction], C: Integers, k: Codes, j: int) -> tuple[list[Fraction], bool]:
    """Coefficients of column j in terms of the columns k, and whether they are proved.

    approximate : coefficients by refinement. The simple fractions near to them are the exact ones if they solve the
    equations exactly.
    """
    simple = _simple(approximate)
    # The equation of column j itself is among them: then the squared distance of column j is zero, which is the proof.
    sure = not any(C[i, j] - _dot(simple, C[i, k]) for i in (*k, j))
    return (simple if sure else approximate), sure


def _in_columns(
    gram: ExactGram, centred: CentredProducts, slopes_identified: Mask, part: SlopeSolution
) -> ExactSolution:
    """The solution in the columns themselves, with the constant, instead of their integer multiples."""
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
