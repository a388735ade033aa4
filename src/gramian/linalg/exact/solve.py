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
from gramian.linalg.exact.eliminate import eliminate, independent, seconds
from gramian.linalg.exact.planes import Integers
from gramian.linalg.exact.products import ExactGram
from gramian.linalg.exact.refine import Verified, refined, verified
from gramian.linalg.exact.round import nearest
from gramian.linalg.exact.spread import spread_inverse
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
    spread: tuple[Fraction, ...]
    rss: Fraction
    rss_error: Fraction
    kept: Mask
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
    swept = _sweep(gram.whole, constant)
    kept = independent(swept.C[:-1, :-1])
    part = _solve(swept.C, kept)
    return _told(gram, swept, kept, part)


@dataclass(frozen=True, slots=True, eq=False)
class Swept:
    """weight M - s s' for the columns other than the constant, the response last; weight 1 and s 0 without one."""

    C: Integers
    sums: Integers
    weight: int
    others: Codes
    constant: int | None


def _sweep(M: Integers, constant: int | None) -> Swept:
    others = np.array([j for j in range(len(M)) if j != constant], np.int64)
    inner = M[np.ix_(others, others)]
    if constant is None:
        return Swept(inner, np.zeros(len(others), object), 1, others, None)
    s, weight = M[others, constant], int(M[constant, constant])
    return Swept(weight * inner - s[:, None] * s, s, weight, others, constant)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Solution of the kept columns, of C as it is: combos (k, r) tell the aliased columns."""

    b: list[Fraction]
    errors: list[Fraction]
    rss: Fraction
    rss_error: Fraction
    combos: Integers
    inverse: Integers | Verified
    proved: bool


def _solve(C: Integers, kept: Mask) -> Part:
    k, rest = np.flatnonzero(kept), np.flatnonzero(~kept)
    A, c, yy = C[np.ix_(k, k)], C[k, -1], int(C[-1, -1])
    if seconds(A) < PATIENCE:
        B = np.concatenate([C[np.ix_(k, rest)], c[:, None]], axis=1)
        return _solve_exactly(A, B, yy)
    try:
        system = verified(A)
    except NumericalError:
        if seconds(A) > LONGEST:
            raise
        return _solve_exactly(A, np.concatenate([C[np.ix_(k, rest)], c[:, None]], axis=1), yy)
    told = refined(system, np.concatenate([c[:, None], C[np.ix_(k, rest)]], axis=1))
    b, errors, r = told.column(0)
    rss = yy - _dot(b, c) - _dot(b, r)
    off = _dot([abs(d) for d in r], errors)  # r'(C^-1 r), and C^-1 r is the error of b
    if rss <= off and not (A.dot(np.array(_simple(b), object)) - c).any():  # a perfect fit
        b, errors, off = _simple(b), [ZERO] * len(b), ZERO
        rss = yy - _dot(b, c)
    found = [_combination(told.column(i)[0], C, k, int(j)) for i, j in enumerate(rest, 1)]
    combos = np.array([combo for combo, _ in found], object).reshape(len(rest), len(k)).T
    return Part(b, errors, rss, off, combos, system, all(sure for _, sure in found))


def _dot(a: Iterable[Fraction], b: Iterable[Fraction | int]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), ZERO)


def _solve_exactly(A: Integers, B: Integers, yy: int) -> Part:
    identity = np.zeros((len(A), len(A)), object)
    np.fill_diagonal(identity, 1)
    X, d = eliminate(A, np.concatenate([B, identity], axis=1))
    told = np.array([Fraction(int(v), d) for v in X.ravel()], object).reshape(X.shape)
    width = B.shape[1]
    b = told[:, width - 1].tolist()
    rss = yy - _dot(b, B[:, -1])
    return Part(b, [ZERO] * len(b), rss, ZERO, told[:, : width - 1], told[:, width:], True)


def _simple(values: list[Fraction]) -> list[Fraction]:
    """The simplest fractions that these may be approximations of."""
    return [v.limit_denominator(SIMPLE) for v in values]


def _combination(near: list[Fraction], C: Integers, k: Codes, j: int) -> tuple[list[Fraction], bool]:
    """What column j is of the kept ones: simple fractions if these solve the equations exactly, which proves it."""
    told = _simple(near)
    sure = not any(C[i, j] - _dot(told, C[i, k]) for i in (*k, j))
    return (told if sure else near), sure


def _told(gram: ExactGram, swept: Swept, kept: Mask, part: Part) -> ExactSolution:
    """Undo the sweep, then tell everything in the columns themselves instead of their whole multiples."""
    slopes = swept.others[:-1]
    k, rest = slopes[kept], slopes[~kept]
    p, at, weight = len(gram.whole) - 1, swept.constant, swept.weight
    b, errors = np.full(p, ZERO, object), np.full(p, ZERO, object)
    null, whole = np.full((p, len(rest)), ZERO, object), np.ones(p, bool)
    b[k], errors[k], whole[slopes] = part.b, part.errors, kept
    null[np.ix_(k, np.arange(len(rest)))] = -part.combos
    null[rest, np.arange(len(rest))] = Fraction(1)
    sums = swept.sums[:-1]
    if at is not None:
        b[at] = (int(swept.sums[-1]) - _dot(b[slopes], sums)) / weight
        errors[at] = _dot(errors[slopes], np.abs(sums)) / weight
        for column in null.T:
            column[at] = -_dot(column[slopes], sums) / weight
    units, unit = np.array(gram.units[:-1], object), gram.units[-1]
    inverse, diagonal, spread = np.zeros((p, p)), np.full(p, ZERO, object), np.full(p, ZERO, object)
    used = k if at is None else np.append(k, at)
    inverse[np.ix_(used, used)], diagonal[used], spread[used] = spread_inverse(
        part.inverse, sums[kept] if at is not None else None, weight, units[used], gram.exponent
    )
    scale = Fraction(2) ** gram.exponent / (weight * unit**2)
    return ExactSolution(
        tuple(v * int(u) / unit for v, u in zip(b, units, strict=True)),
        tuple(v * int(u) / unit for v, u in zip(errors, units, strict=True)),
        inverse,
        tuple(diagonal),
        tuple(spread),
        part.rss * scale,
        part.rss_error * scale,
        whole,
        null * units[:, None] * np.array([Fraction(1, int(u)) for u in units[rest]], object),
        isinstance(part.inverse, np.ndarray),
        part.proved,
    )
