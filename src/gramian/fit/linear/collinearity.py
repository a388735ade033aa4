"""Collinearity of a fit's columns, computed without data: X'WX is the inverse of the stored (X'WX)^-1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.errors import NumericalError, OptionError
from gramian.fit.leastsquares.accuracy import LARGEST, SMALLEST
from gramian.fit.leastsquares.identified import basic_solution, unaliased_columns
from gramian.fit.leastsquares.solution import Solved
from gramian.formula.marginality import nested
from gramian.inference.collinearity import Decomposition, decomposition, inflation
from gramian.linalg import maps
from gramian.typing import Codes, Matrix, Vector


@dataclass(frozen=True, slots=True)
class Inflation:
    """Generalised variance inflation factors of terms.

    Attributes
    ----------
    terms : tuple of str
        Labels of the t terms that have columns other than the intercept.
    df : integer ndarray of shape (t,)
        Number of columns of each term.
    values : ndarray of shape (t,)
        Variance inflation factors, infinite for a term with an aliased column.
    """

    terms: tuple[str, ...]
    df: Codes
    values: Vector


def variance_inflation(solved: Solved) -> Inflation:
    """Generalised variance inflation factors of the terms of a fit.

    The factor is the ratio of the squared volume of the confidence ellipsoid of a term's coefficients to that if its
    columns were orthogonal to all others. Infinite for a term with an aliased column; the others are computed without
    that column. Without an intercept the columns are not centred. Raises OptionError for a fit with a penalty.

    References
    ----------
    Fox, J. and Monette, G. (1992). Generalized collinearity diagnostics. JASA 87, 178-183.
    """
    _refuse_penalty(solved, "variance inflation")
    terms = range(len(solved.design.terms.terms))
    if not solved.aliased and nested(solved.parametrization, solved.terms, [{j} for j in terms]):
        # factors do not change with the basis of a term: the solved columns give them with smaller rounding errors
        V = solved.solution.inverse
        S = _inverse_of(V, _slopes(solved))
    else:
        S, V = products_about_means(solved), basic_solution(solved)[1]
    unaliased, constant = set(unaliased_columns(solved).tolist()), solved.parametrization.constant
    groups = {j: np.array([i for i, t in enumerate(solved.terms) if t == j and i != constant], np.int64) for j in terms}
    groups = {j: g for j, g in groups.items() if len(g)}
    # a term with an aliased column has no variance of its own: infinite inflation
    estimable = [j for j, g in groups.items() if unaliased.issuperset(g.tolist())]
    values = dict.fromkeys(groups, float("inf"))
    values.update(zip(estimable, inflation(S, V, [groups[j] for j in estimable]).tolist(), strict=True))
    labels = tuple(solved.design.terms.terms[j].label for j in groups)
    return Inflation(labels, np.array([len(g) for g in groups.values()], np.int64), np.array(list(values.values())))


def dependence(solved: Solved) -> tuple[tuple[str, ...], Decomposition]:
    """Names of the columns that are neither aliased nor the intercept, and their condition indexes.

    The intercept is partialled out: products are about the means. Raises OptionError for a fit with a penalty.
    """
    _refuse_penalty(solved, "collinearity")
    columns = _slopes(solved)
    return tuple(solved.names[i] for i in columns), decomposition(
        products_about_means(solved)[np.ix_(columns, columns)]
    )


def _refuse_penalty(solved: Solved, what: str) -> None:
    """Raise OptionError for a fit with a penalty, whose inverse is not that of X'WX."""
    if solved.alpha is not None:
        raise OptionError(f"{what} needs a fit without a penalty; use ols")


def _slopes(solved: Solved) -> Codes:
    """Positions of the columns that are neither aliased nor the intercept."""
    columns = unaliased_columns(solved)
    return np.setdiff1d(columns, [-1 if solved.parametrization.constant is None else solved.parametrization.constant])


def products_about_means(solved: Solved) -> Matrix:
    """Products of the model's columns about their means, (p, p); zero for the constant and aliased columns.

    If no column is aliased they come from the columns that were solved for, S = T' S_solved T, whose shifted values
    give smaller rounding errors.
    """
    columns = _slopes(solved)
    _check_range(basic_solution(solved)[1].diagonal()[columns])
    # with aliased columns the solved basis drops others than the model does: only the model's own will do
    if solved.aliased or solved.parametrization.to_solved is None:
        return _inverse_of(basic_solution(solved)[1], columns)
    to_solved = maps.to_dense(solved.parametrization.to_solved, len(solved.names))
    return np.asarray(to_solved @ _inverse_of(solved.solution.inverse, columns) @ to_solved.T)


def _check_range(variances: Vector) -> None:
    """Raise NumericalError where a diagonal element of an inverse leaves the range of float64."""
    if not ((variances > SMALLEST) & (variances < LARGEST)).all():
        raise NumericalError("squares of a column leave the range of float64: multiply it by a power of ten")


def _inverse_of(V: Matrix, positions: Codes) -> Matrix:
    """Inverse of a principal submatrix of V (p, p), in a (p, p) matrix that is zero elsewhere.

    Inverted with unit diagonal, so that the units of columns do not cost digits. Raises NumericalError where a
    diagonal element leaves the range of float64.
    """
    block = V[np.ix_(positions, positions)]
    _check_range(block.diagonal())
    scale = np.sqrt(block.diagonal())
    S = np.zeros(V.shape)
    S[np.ix_(positions, positions)] = np.linalg.inv(block / scale[:, None] / scale) / scale[:, None] / scale
    return S
