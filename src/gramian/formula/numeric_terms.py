"""The numeric parts of a term: what each stores, what its columns are called, what they are as polynomials.

Every part is a frozen object with the same five questions: `names`, `leading` (the monomial that stands for each
column), `stored`, `power_sums` (how far the distribution of a variable must be known) and `polynomials`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Protocol

import numpy as np

from gramian.errors import NumericalError
from gramian.linalg.monomials import (
    CONSTANT,
    Coordinate,
    Monomial,
    Polynomial,
    monomial,
    power_of,
    raw_monomial,
)
from gramian.typing import Matrix, Vector

Coordinates = Mapping[str, Coordinate]
PowerSums = Mapping[str, Vector]  # variable -> sums of u^0, u^1, ...


class NumericTerm(Protocol):
    """One numeric factor of a term, of one or more columns."""

    @property
    def label(self) -> str: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def variables(self) -> tuple[str, ...]: ...
    @property
    def leading(self) -> tuple[Monomial, ...]: ...
    @property
    def power_sums(self) -> Mapping[str, int]: ...
    def polynomials(self, coordinates: Coordinates, sums: PowerSums) -> tuple[Polynomial, ...]: ...


@dataclass(frozen=True, slots=True)
class Product:
    """A product of powers: `x`, `I(x^2)`, `I(x*z)`."""

    label: str
    monomial: Monomial

    @property
    def names(self) -> tuple[str, ...]:
        """The label itself."""
        return (self.label,)

    @property
    def variables(self) -> tuple[str, ...]:
        """Variables in the product."""
        return tuple([v for v, _ in self.monomial])

    @property
    def leading(self) -> tuple[Monomial, ...]:
        """The product in shifted variables."""
        return (self.monomial,)

    @property
    def power_sums(self) -> Mapping[str, int]:
        """Nothing."""
        return {}

    def polynomials(self, coordinates: Coordinates, sums: PowerSums) -> tuple[Polynomial, ...]:
        """Binomial expansion."""
        return (raw_monomial(self.monomial, coordinates),)


@lru_cache(4096)
def single_variable(variable: str) -> Product:
    """A variable by itself."""
    return Product(variable, ((variable, 1),))


@dataclass(frozen=True, slots=True)
class _OneVariable:
    label: str
    variable: str
    degree: int

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.label}[{k}]" for k in range(1, self.degree + 1))

    @property
    def variables(self) -> tuple[str, ...]:
        return (self.variable,)

    @property
    def leading(self) -> tuple[Monomial, ...]:
        return tuple(monomial({self.variable: k}) for k in range(1, self.degree + 1))


@dataclass(frozen=True, slots=True)
class Powers(_OneVariable):
    """`poly(x, d, raw=True)`: x, x^2, ..., x^d."""

    @property
    def power_sums(self) -> Mapping[str, int]:
        """Nothing."""
        return {}

    def polynomials(self, coordinates: Coordinates, sums: PowerSums) -> tuple[Polynomial, ...]:
        """Binomial expansions."""
        return tuple(power_of(coordinates[self.variable], self.variable, k) for k in range(1, self.degree + 1))


@dataclass(frozen=True, slots=True)
class Orthogonal(_OneVariable):
    """`poly(x, d)`: polynomials orthonormal over the rows, as R's `poly`; leading coefficients are positive."""

    @property
    def power_sums(self) -> Mapping[str, int]:
        """Up to twice the degree."""
        return {self.variable: 2 * self.degree}

    def polynomials(self, coordinates: Coordinates, sums: PowerSums) -> tuple[Polynomial, ...]:
        """Gram-Schmidt on the Hankel matrix of the power sums, in exact arithmetic."""
        rows = orthonormal(sums[self.variable], self.degree, self.label)
        return tuple(
            {monomial({self.variable: k}): Fraction(float(c)) for k, c in enumerate(row) if c} for row in rows[1:]
        )


@dataclass(frozen=True, slots=True)
class SplineBasis:
    """`bs(x, df)`, `ns(x, df)`: each column of a spline is a variable of its own."""

    label: str
    columns: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns."""
        return self.columns

    @property
    def variables(self) -> tuple[str, ...]:
        """The columns."""
        return self.columns

    @property
    def leading(self) -> tuple[Monomial, ...]:
        """Each column."""
        return tuple(monomial({name: 1}) for name in self.columns)

    @property
    def power_sums(self) -> Mapping[str, int]:
        """Nothing."""
        return {}

    def polynomials(self, coordinates: Coordinates, sums: PowerSums) -> tuple[Polynomial, ...]:
        """The columns themselves."""
        return tuple(power_of(coordinates[name], name, 1) for name in self.columns)


@dataclass(frozen=True, slots=True)
class Standardized:
    """`center(x)` and, with `scaled`, `scale(x)`: (x - mean) and (x - mean) / sd, sd with rows - 1."""

    label: str
    variable: str
    scaled: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The label itself."""
        return (self.label,)

    @property
    def variables(self) -> tuple[str, ...]:
        """The variable."""
        return (self.variable,)

    @property
    def leading(self) -> tuple[Monomial, ...]:
        """The shifted variable."""
        return (((self.variable, 1),),)

    @property
    def power_sums(self) -> Mapping[str, int]:
        """Mean and spread."""
        return {self.variable: 2}

    def polynomials(self, coordinates: Coordinates, sums: PowerSums) -> tuple[Polynomial, ...]:
        """(2^k u - 2^k mean(u)) / sd."""
        n, first, second = map(rational, sums[self.variable][:3])  # a polynomial may ask for more
        slope = Fraction(2) ** coordinates[self.variable].exponent
        if self.scaled:
            variance = float((second - first * first / n) / (n - 1)) if n > 1 else 0.0
            if variance <= 0:
                raise NumericalError(f"{self.label}: the column is constant, its standard deviation is zero")
            slope = Fraction(1) / Fraction(float(np.sqrt(variance)))
        return ({((self.variable, 1),): slope, CONSTANT: -slope * first / n},)


def rational(value: float | Fraction) -> Fraction:
    """A sum of powers: exact as it is, or what a float64 number says."""
    return value if isinstance(value, Fraction) else Fraction(float(value))


def orthonormal(sums: Vector, degree: int, label: str) -> Matrix:
    """Coefficients (degree + 1, degree + 1) of the orthonormal polynomials in u, from its power sums.

    Cholesky in exact rationals of the Hankel matrix H = L D L'; the rows of D^-1/2 L^-1 are the polynomials.
    Raises NumericalError when there are too few distinct values.
    """
    width = degree + 1
    exact = [rational(s) for s in sums]
    rows: list[list[Fraction]] = []
    norms: list[Fraction] = []
    for k in range(width):
        row = [Fraction(int(i == k)) for i in range(width)]
        for earlier, norm in zip(rows, norms, strict=True):
            share = sum((c * exact[k + i] for i, c in enumerate(earlier)), Fraction(0)) / norm
            row = [a - share * b for a, b in zip(row, earlier, strict=True)]
        norm = sum((c * exact[k + i] for i, c in enumerate(row)), Fraction(0))
        if norm <= exact[2 * k] * Fraction(1, 2**44):
            raise NumericalError(f"{label}: degree must be less than the number of distinct values")
        rows.append(row)
        norms.append(norm)
    return np.array([[float(c) / float(n) ** 0.5 for c in row] for row, n in zip(rows, norms, strict=True)])
