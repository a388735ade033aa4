"""Derivation: the result of `derive`. Its arrays are rounded once from fractions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from gramian.derivation.arithmetic import ExactMatrix
from gramian.derivation.columns import Table
from gramian.derivation.solution import Solution
from gramian.derivation.steps import document
from gramian.errors import NumericalError
from gramian.typing import Matrix, Vector

SCHEMA = "gramian.derivation/1"
VECTORS = ("y", "Xty", "w", "predictions", "residuals", "gradient", "eigenvalues")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Derivation:
    """All matrices of least squares, minimizing J(w) = ||Xw - y||^2, the plain sum of squared residuals.

    Arrays are the float64 numbers nearest to the exact results, and read-only; n rows, p columns.

    Attributes
    ----------
    table : Table
        The data as fractions.
    solution : Solution
        All results as fractions.
    """

    table: Table
    solution: Solution

    @property
    def formula(self) -> str:
        """The formula; with `polynomial` the one with the powers."""
        return self.table.formula

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of X and of the coefficients, (p,)."""
        return self.table.names

    @property
    def dropped_rows(self) -> Mapping[str, int]:
        """Number of rows that did not enter, by cause."""
        return self.table.dropped_rows.by_cause

    @property
    def X(self) -> Matrix:  # noqa: N802  # the letters of the derivation
        """Model columns, (n, p)."""
        return _matrix(self.solution.X)

    @property
    def y(self) -> Vector:
        """Outcomes minus offsets, (n,)."""
        return _vector(self.solution.y)

    @property
    def XtX(self) -> Matrix:  # noqa: N802  # the letters of the derivation
        """X'X, (p, p)."""
        return _matrix(self.solution.XtX)

    @property
    def Xty(self) -> Vector:  # noqa: N802  # the letters of the derivation
        """X'y, (p,)."""
        return _vector(self.solution.Xty)

    @property
    def determinant(self) -> float:
        """Determinant of X'X."""
        return _rounded(self.solution.determinant)

    @property
    def rank(self) -> int:
        """Number of linearly independent columns."""
        return self.solution.rank

    @property
    def inverse(self) -> Matrix | None:
        """(X'X)^-1, (p, p); None where X'X is singular."""
        return None if self.solution.inverse is None else _matrix(self.solution.inverse)

    @property
    def pseudo_inverse(self) -> Matrix:
        """(X'X)^-1 X', (p, n); with dependent columns the pseudo-inverse of X."""
        return _matrix(self.solution.pseudo_inverse)

    @property
    def w(self) -> Vector:
        """Coefficients, (p,); of minimum norm with dependent columns."""
        return _vector(self.solution.w)

    @property
    def predictions(self) -> Vector:
        """Predictions Xw, (n,)."""
        return _vector(self.solution.predictions)

    @property
    def residuals(self) -> Vector:
        """Residuals y - Xw, (n,)."""
        return _vector(self.solution.residuals)

    @property
    def cost_before(self) -> float:
        """Cost without a model, J(0) = y'y."""
        return _rounded(self.solution.cost_before)

    @property
    def cost_after(self) -> float:
        """Cost at the minimum, J(w): the sum of squared residuals."""
        return _rounded(self.solution.cost_after)

    @property
    def gradient(self) -> Vector:
        """Gradient 2X'(Xw - y), (p,): zeros."""
        return _vector(self.solution.gradient)

    @property
    def eigenvalues(self) -> Vector:
        """Eigenvalues of X'X from large to small, (p,)."""
        return _vector(self.solution.eigenvalues)

    @property
    def null(self) -> Matrix:
        """Basis of the vectors v with Xv = 0, as columns, (p, p - rank)."""
        return _matrix(self.solution.null).reshape(-1, len(self.names)).T

    def text(self) -> str:
        """The ten steps as plain text."""
        from gramian.derivation.text import text

        return text(document(self.table, self.solution))

    def markdown(self) -> str:
        """The ten steps as Markdown with LaTeX."""
        from gramian.derivation.markdown import markdown  # what it needs of the reports takes a while to import

        return markdown(document(self.table, self.solution))

    def html(self) -> str:
        """The ten steps as one HTML element with MathML."""
        from gramian.derivation.html import html

        return html(document(self.table, self.solution))

    def plot(self) -> Any:
        """Draw points, fitted line and residuals; with several predictors outcomes against predictions.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from gramian.derivation.plot import derivation

        return derivation(self)

    def to_dict(self) -> dict[str, Any]:
        """All numbers as a dict that JSON can represent; schema `gramian.derivation/1`."""
        matrices = {name: getattr(self, name).tolist() for name in ("X", "XtX", "pseudo_inverse", *VECTORS)}
        numbers = {name: getattr(self, name) for name in ("determinant", "rank", "cost_before", "cost_after")}
        return {
            "schema": SCHEMA,
            "formula": self.formula,
            "names": list(self.names),
            "rows": len(self.solution.y),
            "dropped_rows": dict(self.dropped_rows),
            **matrices,
            "inverse": None if self.inverse is None else self.inverse.tolist(),
            "null": self.null.T.tolist(),
            **numbers,
        }

    def __repr__(self) -> str:
        return f"Derivation({self.formula!r}, rows={len(self.solution.y)}, rank={self.rank})"

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return self.html()


def _rounded(value: Fraction) -> float:
    """The nearest float64. Raises NumericalError where the number is too large."""
    try:
        return float(value)
    except OverflowError:
        raise NumericalError("a number of the derivation is beyond float64; rescale the columns") from None


def _vector(values: Sequence[Fraction]) -> Vector:
    """Fractions as a read-only array, (n,)."""
    array = np.array([_rounded(v) for v in values], np.float64)
    array.flags.writeable = False
    return array


def _matrix(values: ExactMatrix) -> Matrix:
    """A matrix of fractions as a read-only array."""
    array = np.array([[_rounded(v) for v in row] for row in values], np.float64)
    array.flags.writeable = False
    return array
