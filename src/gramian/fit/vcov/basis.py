"""Rows in an orthonormal basis of the columns, in which sums of scores keep their digits.

Products of columns lose twice the digits of their condition number, a row x'W loses them once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gramian.fit.leastsquares.solution import Solved, stored_combinations
from gramian.fit.vcov.certificate import model_coefficients
from gramian.fit.vcov.scores import FittedModel
from gramian.linalg.columns import Columns, Layout
from gramian.linalg.dense_rows import stored_rows
from gramian.linalg.orthonormal import inverse_square_root
from gramian.linalg.products import ColumnGroup
from gramian.typing import Matrix


@dataclass(frozen=True, slots=True)
class Basis:
    """Combinations of the columns that were solved for, orthonormal up to rounding.

    Attributes
    ----------
    W : Matrix
        (p, k) in the columns that were solved for.
    groups : tuple of ColumnGroup
        The q stored columns.
    stored : Matrix
        (q, k) in the stored columns.
    model : Matrix
        (p, k) coefficients of the model's columns for a coefficient of each.
    """

    W: Matrix
    groups: tuple[ColumnGroup, ...]
    stored: Matrix
    model: Matrix

    @property
    def width(self) -> int:
        """Number of columns, k."""
        return int(self.stored.shape[1])

    def rows(self, columns: Columns, layout: Layout, sizes: Mapping[str, int]) -> Matrix:
        """The rows of a block, (n, k). sizes : factor -> levels."""
        return np.asarray(np.dot(stored_rows(columns, layout, self.groups, sizes), self.stored))


def basis_of(fitted_model: FittedModel, W: Matrix) -> Basis:
    """The basis with these combinations of the columns that were solved for, (p, k)."""
    solved = fitted_model.solved
    return Basis(W, fitted_model.groups, stored_combinations(solved.parametrization, W), model_coefficients(solved, W))


def first_combinations(solved: Solved) -> Matrix | None:
    """W (p, k) with WW' the inverse of the products, as far as float64 knows it: nearly orthonormal columns.

    None where a variance is too small or too large for float64.
    """
    independent = np.flatnonzero(solved.solution.independent)
    if solved.solution.root is not None:
        return solved.solution.root[:, independent]
    V = solved.solution.inverse[np.ix_(independent, independent)]
    # the root of the inverse is the inverse root of its inverse: with unit diagonal, whatever the units of columns
    if not (np.isfinite(V).all() and (V.diagonal() >= np.finfo(float).tiny).all()):
        return None
    scale = 1.0 / np.sqrt(V.diagonal())
    M = inverse_square_root(V * scale[:, None] * scale)
    W = np.zeros((len(solved.solution.inverse), len(independent)))
    W[independent] = np.linalg.inv(M).T / scale[:, None]
    return W
