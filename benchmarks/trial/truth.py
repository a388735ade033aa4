"""The exact least-squares solution of the float64 numbers that were read, in integers; nothing of the library's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trial.problem import RESPONSE, Array, Column, Data, Problem

Integers = NDArray[np.object_]
BITS = 200  # of a square root: 60 digits
ROUNDING = Fraction(1, 2**51) * (1 + Fraction(1, 10**6))  # of a sum of a few products, and the bound's own rounding
CANCELLED = 64  # times a column's length: larger summands say nothing of how it was made


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is right. Entries of aliased columns are None, and all standard errors where nothing is left over.

    names : columns whose cells have rows. inverse : diagonal of (X'WX)^-1. std_errors : right to 50 digits and more.
    aliased : columns that are combinations of earlier ones. rows : with a weight, each as often as it counts.
    """

    names: tuple[str, ...]
    coefficients: tuple[Fraction | None, ...]
    std_errors: tuple[Fraction | None, ...]
    inverse: tuple[Fraction | None, ...]
    rss: Fraction
    rows: int
    aliased: frozenset[str]

    @property
    def rank(self) -> int:
        """Columns that are used."""
        return len(self.names) - len(self.aliased)


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """Numbers as integers times a power of two."""

    values: Integers
    exponent: int

    def __mul__(self, other: Whole, /) -> Whole:
        return Whole(self.values * other.values, self.exponent + other.exponent)


def truth_of(problem: Problem, left_out: Iterable[str] = ()) -> Truth:
    """Solve exactly; a column is left out if it is in `left_out` or a combination of earlier columns."""
    data = _with_weight(problem)
    columns = [c for c in problem.columns if _cell(c, data).any()]
    weight = _weight(problem, data)
    X = [_column(c, data) for c in columns]
    y = whole(data[RESPONSE])
    G = _products([*X, y], weight)
    refused = frozenset(left_out)
    solved = eliminate(G, [c.name not in refused for c in columns])
    rows = int(data[problem.counts].sum()) if problem.counts else len(data[RESPONSE])
    return _told(solved, columns, [*X, y], weight.exponent, rows)


def within_rounding(problem: Problem, name: str, left_out: Iterable[str]) -> bool:
    """Whether a column differs from a combination of earlier ones by no more than rounding that combination leaves.

    The distance to the span of the earlier columns that are not in `left_out`, the constant among them, is compared
    with 2^-51 times the lengths of the summands, but of no more than 64 times the column's own.
    """
    data, refused = _with_weight(problem), frozenset(left_out)
    at = next(i for i, c in enumerate(problem.columns) if c.name == name)
    before = [c for c in problem.columns[:at] if c.name not in refused and _cell(c, data).any()]
    X = [_column(c, data) for c in (*before, problem.columns[at])]
    G = _products(X, _weight(problem, data))
    solved = eliminate(G, [True] * len(before))
    lengths = [root(Fraction(G[i, i])) for i in range(len(G))]
    told = [abs(Fraction(b, solved.denominator)) * length for b, length in zip(solved.b, lengths, strict=False)]
    summands = min(sum(told, lengths[-1]), CANCELLED * lengths[-1])
    return Fraction(solved.rss, solved.denominator) <= (ROUNDING * summands) ** 2


def whole(values: NDArray[Any]) -> Whole:
    """Finite numbers as integers times one power of two."""
    fraction, exponent = np.frexp(np.asarray(values, np.float64))
    mantissa = np.ldexp(fraction, 53).astype(np.int64)
    low = np.where(mantissa == 0, 1, mantissa & -mantissa)
    mantissa //= low
    exponent = exponent.astype(np.int64) - 53 + np.frexp(low.astype(np.float64))[1] - 1
    there = mantissa != 0
    least = int(exponent[there].min()) if there.any() else 0
    shifts = np.where(there, exponent - least, 0)
    return Whole(mantissa.astype(object) << shifts.astype(object), least)


@dataclass(frozen=True, slots=True, eq=False)
class Eliminated:
    """Fractions over one denominator: b (p,), inverse diagonal (p,), rss; kept (p,) says which columns were used."""

    b: list[int]
    inverse: list[int]
    rss: int
    denominator: int
    kept: list[bool]


def eliminate(G: Integers, allowed: list[bool]) -> Eliminated:
    """Gauss-Jordan without fractions (Bareiss 1968) on products (p + 1, p + 1), columns in order, the response last.

    A pivot of zero is a column that earlier ones make up: a Schur complement of a Gram matrix has no other zeros.
    """
    p = len(G) - 1
    identity = np.zeros((p, p), object)
    np.fill_diagonal(identity, 1)
    M = np.concatenate([G[:-1], identity], axis=1)
    kept, denominator = [False] * p, 1
    for k in range(p):
        pivot = M[k, k]
        if not allowed[k] or not pivot:
            continue
        others = [i for i in range(p) if i != k and (kept[i] or i > k)]
        M[others] = (M[others] * pivot - M[others, k][:, None] * M[k]) // denominator
        kept[k], denominator = True, pivot
    used = [k for k in range(p) if kept[k]]
    b = [M[k, p] if kept[k] else 0 for k in range(p)]
    rss = G[p, p] * denominator - sum(b[k] * G[k, p] for k in used)
    return Eliminated(b, [M[k, p + 1 + k] if kept[k] else 0 for k in range(p)], rss, denominator, kept)


def root(value: Fraction) -> Fraction:
    """The square root, right to `BITS` bits and more."""
    n, d = value.numerator, value.denominator
    shift = max(2 * BITS - n.bit_length() - d.bit_length(), 0) // 2 + 1
    return Fraction(isqrt(n * d << 2 * shift), d << shift)


def _told(solved: Eliminated, columns: list[Column], whole: list[Whole], weight: int, rows: int) -> Truth:
    exponents, at = [w.exponent for w in whole[:-1]], whole[-1].exponent
    rss = Fraction(solved.rss, solved.denominator) * Fraction(2) ** (2 * at + weight)
    df = rows - sum(solved.kept)

    def told(values: list[int], powers: list[int]) -> tuple[Fraction | None, ...]:
        each = zip(values, powers, solved.kept, strict=True)
        return tuple(Fraction(v, solved.denominator) * Fraction(2) ** e if k else None for v, e, k in each)

    inverse = told(solved.inverse, [-2 * e - weight for e in exponents])
    return Truth(
        names=tuple(c.name for c in columns),
        coefficients=told(solved.b, [at - e for e in exponents]),
        std_errors=tuple(root(rss / df * v) if v is not None and df > 0 else None for v in inverse),
        inverse=inverse,
        rss=rss,
        rows=rows,
        aliased=frozenset(c.name for c, kept in zip(columns, solved.kept, strict=True) if not kept),
    )


def _with_weight(problem: Problem) -> Data:
    """The rows that enter: those with a weight."""
    given = [problem.data[name] > 0 for name in (problem.weights, problem.counts) if name is not None]
    keep = np.logical_and.reduce(given) if given else np.ones(problem.rows, bool)
    return {name: values[keep] for name, values in problem.data.items()}


def _weight(problem: Problem, data: Data) -> Whole:
    weight = Whole(np.ones(len(data[RESPONSE]), object), 0)
    for name in (problem.weights, problem.counts):
        weight = weight if name is None else weight * whole(data[name])
    return weight


def _cell(column: Column, data: Data) -> NDArray[np.bool_]:
    inside = np.ones(len(data[RESPONSE]), bool)
    for factor, level in column.cell:
        inside &= data[factor] == level
    return inside


def _column(column: Column, data: Data) -> Whole:
    out = Whole(_cell(column, data).astype(np.int64).astype(object), 0)
    for name, power in column.powers:
        variable = whole(data[name])
        for _ in range(power):
            out = out * variable
    return out


def _products(columns: list[Whole], weight: Whole) -> Integers:
    values = [c.values for c in columns]
    weighted = values if all(w == 1 for w in weight.values) else [weight.values * v for v in values]
    G = np.zeros((len(values), len(values)), object)
    for i, left in enumerate(weighted):
        for j in range(i + 1):
            G[i, j] = G[j, i] = int(left.dot(values[j]))
    return G


def as_array(values: Iterable[Fraction | None]) -> Array:
    """Rounded to float64, NaN where there is none."""
    return np.array([np.nan if v is None else _rounded(v) for v in values])


def _rounded(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else -float("inf")
