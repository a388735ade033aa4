"""Numeric terms: the columns that each has, and what they are as polynomials in shifted variables.

A variable x is stored as u = (x - shift) / 2^exponent. Each kind of term answers the same questions (`NumericTerm`), so
that the rest of the code does not distinguish them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Protocol

import numpy as np

from gramian.errors import NumericalError, RoundedBasisError
from gramian.formula.functions import Degree
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

BITS = 256  # binary digits of the coefficients of orthogonal polynomials

Coordinates = Mapping[str, Coordinate]
PowerSums = Mapping[str, Vector]  # variable -> sums of u^0, u^1, ...


class NumericTerm(Protocol):
    """One numeric factor of a term, with one or more columns.

    label : as in the formula. names : of its columns. variables : labels of the variables in it. leading : for each
    column the monomial of highest degree. power_sums : variable -> degree up to which its power sums are needed.
    polynomials() : each column as a polynomial in shifted variables, with exact coefficients.
    """

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
    """A product of powers: `x`, `I(x^2)`, `I(x*z)`.

    monomial : the powers of its variables.
    """

    label: str
    monomial: Monomial

    @property
    def names(self) -> tuple[str, ...]:
        """The label: there is one column."""
        return (self.label,)

    @property
    def variables(self) -> tuple[str, ...]:
        """Variables in the product."""
        return tuple([v for v, _ in self.monomial])

    @property
    def leading(self) -> tuple[Monomial, ...]:
        """The product of the shifted variables."""
        return (self.monomial,)

    @property
    def power_sums(self) -> Mapping[str, int]:
        """None are needed."""
        return {}

    def polynomials(self, coordinates: Coordinates, sums: PowerSums) -> tuple[Polynomial, ...]:
        """The product expanded in shifted variables (binomial theorem)."""
        return (raw_monomial(self.monomial, coordinates),)


@lru_cache(4096)
def single_variable(variable: str) -> Product:
    """The term of a variable by itself; cached, as formulas of thousands of columns consist of these."""
    return Product(variable, ((variable, 1),))


@dataclass(frozen=True, slots=True)
class _OneVariable:
    """A polynomial of one variable, with columns of degree 1 to `degree`."""

    label: str
    variable: str
    degree: Degree

    @property
    def names(self) -> tuple[str, ...]:
        """The label with the degree in brackets."""
        return tuple(f"{self.label}[{k}]" for k in range(1, self.degree + 1))

    @property
    def variables(self) -> tuple[str, ...]:
        """The one variable."""
        return (self.variable,)

    @property
    def leading(self) -> tuple[Monomial, ...]:
        """The powers of the shifted variable."""
        return tuple(monomial({self.variable: k}) for k in range(1, self.degree + 1))


@dataclass(frozen=True, slots=True)
class Powers(_OneVariable):
    """`poly(x, d, raw=True)`: x, x^2, ..., x^d."""

    @property
    def power_sums(self) -> Mapping[str, int]:
        """None are needed."""
        return {}

    def polynomials(self, coordinates: Coordinates, sums: PowerSums) -> tuple[Polynomial, ...]:
        """The powers expanded in shifted variables (binomial theorem)."""
        return tuple(power_of(coordinates[self.variable], self.variable, k) for k in range(1, self.degree + 1))


@dataclass(frozen=True, slots=True)
class Orthogonal(_OneVariable):
    """`poly(x, d)`: orthonormal polynomials, as R's `poly`; leading coefficients are positive.

    Orthonormal over all rows that have x, as for `Standardized`, and without weights, so that the columns do not depend
    on the weights.
    """

    @property
    def power_sums(self) -> Mapping[str, int]:
        """Sums of u^0 to u^2d, for products of polynomials of degree d."""
        return {self.variable: 2 * self.degree}

    def polynomials(self, coordinates: Coordinates, sums: PowerSums) -> tuple[Polynomial, ...]:
        """The orthonormal polynomials in u, from the power sums (see `orthonormal`)."""
        rows, norms = orthogonal(sums[self.variable], self.degree, self.label)
        # only lengths are rounded: rounded coefficients would be of polynomials that are not orthogonal any more, where
        # values stand in groups that are far apart
        scaled = [[short(c * Fraction(float(n) ** -0.5)) for c in row] for row, n in zip(rows, norms, strict=True)]
        return tuple({monomial({self.variable: k}): c for k, c in enumerate(row) if c} for row in scaled[1:])


@dataclass(frozen=True, slots=True)
class SplineBasis:
    """`bs(x, df)`, `ns(x, df)`: each column of a spline is stored as a variable."""

    label: str
    columns: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self.columns

    @property
    def variables(self) -> tuple[str, ...]:
        """The columns are the variables."""
        return self.columns

    @property
    def leading(self) -> tuple[Monomial, ...]:
        """Each column by itself."""
        return tuple(monomial({name: 1}) for name in self.columns)

    @property
    def power_sums(self) -> Mapping[str, int]:
        """None are needed."""
        return {}

    def polynomials(self, coordinates: Coordinates, sums: PowerSums) -> tuple[Polynomial, ...]:
        """Each column in its shifted variable."""
        return tuple(power_of(coordinates[name], name, 1) for name in self.columns)


@dataclass(frozen=True, slots=True)
class Standardized:
    """`center(x)`: x - mean, or, if `scaled`, `scale(x)`: (x - mean) / sd, with the sd over rows - 1.

    The rows are those that have x, as in R, where terms are evaluated before incomplete rows are dropped.
    """

    label: str
    variable: str
    scaled: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The label: there is one column."""
        return (self.label,)

    @property
    def variables(self) -> tuple[str, ...]:
        """The one variable."""
        return (self.variable,)

    @property
    def leading(self) -> tuple[Monomial, ...]:
        """The shifted variable."""
        return (((self.variable, 1),),)

    @property
    def power_sums(self) -> Mapping[str, int]:
        """Number of rows, sum and sum of squares."""
        return {self.variable: 2}

    def polynomials(self, coordinates: Coordinates, sums: PowerSums) -> tuple[Polynomial, ...]:
        """(2^e u - 2^e mean(u)) / sd(x), with the means and sds of the unweighted rows.

        Raises NumericalError where the sd is zero.
        """
        # poly() of the same variable may have added higher ones
        n, first, second = (rational(s, self.label) for s in sums[self.variable][:3])
        slope = Fraction(2) ** coordinates[self.variable].exponent
        if self.scaled:
            variance = float((second - first * first / n) / (n - 1)) if n > 1 else 0.0
            if variance <= 0:
                raise NumericalError(f"{self.label}: the column is constant, its standard deviation is zero")
            # the rounded sd as an exact number: the column is defined by it, and the map back to x stays exact
            slope = Fraction(1) / Fraction(float(np.sqrt(variance)))
        return ({((self.variable, 1),): slope, CONSTANT: -slope * first / n},)


def rational(value: float | Fraction, label: str) -> Fraction:
    """A power sum as an exact rational. Raises NumericalError, which names the term, for one that has overflowed."""
    if not isinstance(value, Fraction) and not np.isfinite(value):
        raise NumericalError(f"{label}: sums of powers of its variable overflow; rescale the column")
    return value if isinstance(value, Fraction) else Fraction(float(value))


def short(value: Fraction) -> Fraction:
    """A rational rounded to `BITS` binary digits, so that the next ones do not grow without end."""
    places = value.denominator.bit_length() - value.numerator.bit_length() + BITS
    return Fraction(round(value * Fraction(2) ** places)) / Fraction(2) ** places


def orthonormal(sums: Vector, degree: int, label: str) -> Matrix:
    """Coefficients of the orthonormal polynomials in u, (degree + 1, degree + 1), as float64 (see `orthogonal`)."""
    rows, norms = orthogonal(sums, degree, label)
    return np.array([[float(c) / float(n) ** 0.5 for c in row] for row, n in zip(rows, norms, strict=True)])


def orthogonal(sums: Vector, degree: int, label: str) -> tuple[list[list[Fraction]], list[Fraction]]:
    """Coefficients of the orthogonal polynomials in u, of leading coefficient 1, and their squared lengths.

    Row k has degree k. Gram-Schmidt in exact rationals, which is the factorisation H = L D L' of the Hankel matrix
    H[i, j] = sum of u^(i + j): the rows of L^-1 and the diagonal of D.

    Parameters
    ----------
    sums : Vector
        (2 degree + 1,) sums of u^0, u^1, ... over the rows.
    degree : int
        Highest degree.
    label : str
        The term, for errors.

    Raises
    ------
    NumericalError
        There are not more distinct values than `degree`. A `RoundedBasisError` where the sums were rounded, and do not
        tell so few values from groups of values that are far apart.

    References
    ----------
    W. Gautschi, Orthogonal Polynomials: Computation and Approximation, Oxford University Press 2004.
    """
    width = degree + 1
    # Hankel matrices are so ill-conditioned that in float64 degree 10 would have no digits left
    exact = [rational(s, label) for s in sums]
    rounded = not all(isinstance(s, Fraction) for s in sums)
    rows: list[list[Fraction]] = []
    norms: list[Fraction] = []
    for k in range(width):
        row = [Fraction(int(i == k)) for i in range(width)]
        for earlier, norm in zip(rows, norms, strict=True):
            share = sum((c * exact[k + i] for i, c in enumerate(earlier)), Fraction(0)) / norm
            row = [a - share * b for a, b in zip(row, earlier, strict=True)]
        norm = sum((c * exact[k + i] for i, c in enumerate(row)), Fraction(0))
        # a norm of 2^-44 of its largest part is what rounding of the sums leaves of an exact zero
        if norm <= 0 or (rounded and norm <= exact[2 * k] * Fraction(1, 2**44)):
            error = RoundedBasisError if rounded else NumericalError
            raise error(f"{label}: degree must be less than the number of distinct values")
        rows.append(row)
        norms.append(norm)
    return rows, norms
