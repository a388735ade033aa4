"""Fitted values, leverages and robust variances of small problems in exact rational arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import isqrt

import numpy as np
from reference.exact import Row, least_squares, solve_exact


def root(value: Fraction) -> float:
    """The square root of a fraction, rounded from about a hundred bits."""
    bits = max(200 - value.numerator.bit_length() + value.denominator.bit_length(), 0) // 2
    return float(Fraction(isqrt(int(value * 4**bits)), 2**bits))


@dataclass(frozen=True)
class RationalFit:
    """A fit of full rank. X : rows. y : outcomes. w : weights."""

    X: list[Row]
    y: Row
    w: Row | None = None

    @cached_property
    def weights(self) -> Row:
        return [Fraction(1)] * len(self.y) if self.w is None else self.w

    @cached_property
    def inverse(self) -> list[Row]:
        p = len(self.X[0])
        A = self.products(range(len(self.y)))
        return [solve_exact(A, [Fraction(int(i == j)) for i in range(p)]) for j in range(p)]

    def products(self, rows) -> list[Row]:
        p = len(self.X[0])
        pairs = [(self.weights[i], self.X[i]) for i in rows]
        return [[sum((w * x[a] * x[b] for w, x in pairs), Fraction(0)) for b in range(p)] for a in range(p)]

    @cached_property
    def coefficients(self) -> Row:
        return least_squares(self.X, self.y, self.w)

    @cached_property
    def fitted(self) -> Row:
        return [_dot(x, self.coefficients) for x in self.X]

    @cached_property
    def residuals(self) -> Row:
        return [y - f for y, f in zip(self.y, self.fitted, strict=True)]

    @cached_property
    def influence(self) -> list[Row]:
        """Rows w_i (X'WX)^-1 x_i."""
        return [[w * _dot(x, column) for column in self.inverse] for w, x in zip(self.weights, self.X, strict=True)]

    @cached_property
    def leverages(self) -> Row:
        return [_dot(x, a) for x, a in zip(self.X, self.influence, strict=True)]

    @cached_property
    def variance(self) -> Fraction:
        rss = sum((w * r * r for w, r in zip(self.weights, self.residuals, strict=True)), Fraction(0))
        return rss / (len(self.y) - len(self.X[0]))

    def by_row(self, kind: str) -> np.ndarray:
        """Standard errors HC0 to HC3."""
        power, n, p = {"HC0": 0, "HC1": 0, "HC2": 1, "HC3": 2}[kind], len(self.y), len(self.X[0])
        factor = Fraction(n, n - p) if kind == "HC1" else Fraction(1)
        rows = list(zip(self.residuals, self.leverages, self.influence, strict=True))
        return np.array(
            [root(factor * sum(r * r * a[k] ** 2 / (1 - h) ** power for r, h, a in rows)) for k in range(p)]
        )

    def by_cluster(self, kind: str, clusters) -> np.ndarray:
        """Standard errors CR0, CR1 and CR3."""
        n, p, names = len(self.y), len(self.X[0]), sorted(set(clusters))
        members = [[i for i in range(n) if clusters[i] == name] for name in names]
        G = len(names)
        if kind == "CR3":
            changes, factor = [self._change(rows) for rows in members], Fraction(G - 1, G)
        else:
            changes = [
                [sum((self.residuals[i] * self.influence[i][k] for i in rows), Fraction(0)) for k in range(p)]
                for rows in members
            ]
            factor = Fraction(G, G - 1) * Fraction(n - 1, n - p) if kind == "CR1" else Fraction(1)
        return np.array([root(factor * sum((d[k] ** 2 for d in changes), Fraction(0))) for k in range(p)])

    def _change(self, rows) -> Row:
        """Change of the coefficients without some rows."""
        p, A = len(self.X[0]), self.products(range(len(self.y)))
        B = self.products(rows)
        remainder = [[A[i][j] - B[i][j] for j in range(p)] for i in range(p)]
        score = [sum((self.weights[i] * self.residuals[i] * self.X[i][k] for i in rows), Fraction(0)) for k in range(p)]
        return solve_exact(remainder, score)

    def prediction_errors(self) -> np.ndarray:
        """Standard errors of the fitted values, under independent errors of equal variance."""
        leverages = [h / w for h, w in zip(self.leverages, self.weights, strict=True)]
        return np.array([root(self.variance * h) for h in leverages])


def floats(values: Row) -> np.ndarray:
    """Fractions rounded to float64."""
    return np.array([float(v) for v in values])


def _dot(a: Row, b: Row) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def relative_error(values, truth) -> float:
    """The largest relative error."""
    return float(np.max(np.abs(np.asarray(values) - truth) / np.abs(truth)))
