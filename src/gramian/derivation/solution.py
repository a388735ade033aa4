"""Exact solution of the normal equation, whether or not X'X has an inverse."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from gramian.derivation.arithmetic import (
    ONE,
    ZERO,
    ExactMatrix,
    Row,
    determinant,
    dot,
    inverse,
    matrix_vector,
    product,
    reduced,
    transpose,
)
from gramian.derivation.eigenvalues import eigenvalues


@dataclass(frozen=True, slots=True)
class Solution:
    """Results for X (n, p) and y (n,); all of them are exact but the eigenvalues.

    Attributes
    ----------
    X, y
        The data.
    XtX : (p, p)
        X'X.
    Xty : (p,)
        X'y.
    determinant : Fraction
        Determinant of X'X.
    inverse : (p, p) or None
        Inverse of X'X, None where it is singular.
    pseudo_inverse : (p, n)
        Pseudo-inverse of X.
    w : (p,)
        Coefficients.
    predictions, residuals : (n,)
        Xw and y - Xw.
    cost_before, cost_after : Fraction
        y'y and the sum of squared residuals.
    gradient : (p,)
        2X'(Xw - y), zeros.
    pivots : tuple of int, (rank,)
        Positions of linearly independent columns.
    form : (rank, p)
        F with X = C F, where C are the pivot columns.
    null : (p - rank, p)
        Basis of the vectors v with Xv = 0, as rows.
    eigenvalues : (p,)
        Eigenvalues of X'X, from large to small.
    """

    X: ExactMatrix
    y: Row
    XtX: ExactMatrix
    Xty: Row
    determinant: Fraction
    inverse: ExactMatrix | None
    pseudo_inverse: ExactMatrix
    w: Row
    predictions: Row
    residuals: Row
    cost_before: Fraction
    cost_after: Fraction
    gradient: Row
    pivots: tuple[int, ...]
    form: ExactMatrix
    null: ExactMatrix
    eigenvalues: Row

    @property
    def rank(self) -> int:
        """Number of linearly independent columns."""
        return len(self.pivots)


def solve(X: ExactMatrix, y: Row, constant: int | None = None) -> Solution:
    """Minimize the sum of squared residuals; with dependent columns the solution of minimum norm.

    constant : position of the column of ones. It is the first candidate for a pivot, so that other columns are
    expressed by it and not the reverse.
    """
    G, g = product(transpose(X), X), matrix_vector(transpose(X), y)
    form, pivots = _independent(X, constant)
    singular = len(pivots) < len(G)
    N = None if singular else inverse(G)
    P = _through_factors(X, form, pivots) if N is None else product(N, transpose(X))
    w = matrix_vector(P, y)
    predictions = matrix_vector(X, w)
    residuals = tuple(a - b for a, b in zip(y, predictions, strict=True))
    return Solution(
        X=X,
        y=y,
        XtX=G,
        Xty=g,
        # Elimination would find the zero as well, after all its steps.
        determinant=ZERO if singular else determinant(G),
        inverse=N,
        pseudo_inverse=P,
        w=w,
        predictions=predictions,
        residuals=residuals,
        cost_before=dot(y, y),
        cost_after=dot(residuals, residuals),
        gradient=tuple(-2 * v for v in matrix_vector(transpose(X), residuals)),
        pivots=pivots,
        form=form,
        null=_null(form, pivots, len(G)),
        eigenvalues=eigenvalues(G, len(pivots), _volume(X, form, pivots)),
    )


def _independent(X: ExactMatrix, constant: int | None) -> tuple[ExactMatrix, tuple[int, ...]]:
    """Reduced row echelon form of X, and the positions of its pivots."""
    width = len(X[0])
    # sorted is stable: all other columns stay in their order.
    order = sorted(range(width), key=lambda j: j != constant)
    form, pivots = reduced(tuple(tuple(row[j] for j in order) for row in X))
    back = [order.index(j) for j in range(width)]
    return tuple(tuple(row[k] for k in back) for row in form), tuple(order[k] for k in pivots)


def _null(form: ExactMatrix, pivots: tuple[int, ...], width: int) -> ExactMatrix:
    """For each dependent column the vector v with Xv = 0 that is 1 there and 0 in the other dependent columns."""
    vectors = []
    for free in (j for j in range(width) if j not in pivots):
        v = [ONE if j == free else ZERO for j in range(width)]
        for row, j in zip(form, pivots, strict=True):
            v[j] = -row[free]
        vectors.append(tuple(v))
    return tuple(vectors)


def _pivot_columns(X: ExactMatrix, pivots: tuple[int, ...]) -> ExactMatrix:
    """The pivot columns of X, (n, rank)."""
    return tuple(tuple(row[j] for j in pivots) for row in X)


def _through_factors(X: ExactMatrix, F: ExactMatrix, pivots: tuple[int, ...]) -> ExactMatrix:
    """Pseudo-inverse of X = C F with C and F of full rank: F'(FF')^-1 (C'C)^-1 C'."""
    if not pivots:
        return tuple((ZERO,) * len(X) for _ in X[0])
    C = _pivot_columns(X, pivots)
    right = product(inverse(product(transpose(C), C)), transpose(C))
    return product(product(transpose(F), inverse(product(F, transpose(F)))), right)


def _volume(X: ExactMatrix, F: ExactMatrix, pivots: tuple[int, ...]) -> Fraction:
    """Product of the positive eigenvalues of X'X, for X = C F: det(C'C) det(FF')."""
    if not pivots:
        return ONE
    C = _pivot_columns(X, pivots)
    return determinant(product(transpose(C), C)) * determinant(product(F, transpose(F)))
