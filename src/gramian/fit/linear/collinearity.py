"""How a fit's columns depend on each other, without the data: their products are the inverse of the inverse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.errors import OptionError
from gramian.fit.leastsquares.identified import basic_solution, unaliased_columns
from gramian.fit.leastsquares.solution import Solved
from gramian.formula.marginality import nested
from gramian.inference.collinearity import Decomposition, decomposition, inflation
from gramian.linalg import maps
from gramian.typing import Codes, Matrix, Vector


@dataclass(frozen=True, slots=True)
class Inflation:
    """Variance inflation of terms: their labels, columns, and by how much."""

    terms: tuple[str, ...]
    df: Codes
    values: Vector


def variance_inflation(solved: Solved) -> Inflation:
    """By how much the variance of a term's coefficients is larger than if its columns shared nothing with others.

    Infinite for a term with an aliased column; the others are told as if that were not there. Without an intercept the
    columns are not centred. Raises OptionError under a penalty.
    """
    _refuse_penalty(solved, "variance inflation")
    terms = range(len(solved.design.terms.terms))
    if not solved.aliased and nested(solved.parametrization, solved.terms, [{j} for j in terms]):
        V = solved.solution.inverse
        S = _inverse_of(V, _slopes(solved))
    else:
        S, V = _products(solved), basic_solution(solved)[1]
    unaliased, constant = set(unaliased_columns(solved).tolist()), solved.parametrization.constant
    groups = {j: np.array([i for i, t in enumerate(solved.terms) if t == j and i != constant], np.int64) for j in terms}
    groups = {j: g for j, g in groups.items() if len(g)}
    estimable = [j for j, g in groups.items() if unaliased.issuperset(g.tolist())]
    values = dict.fromkeys(groups, float("inf"))
    values.update(zip(estimable, inflation(S, V, [groups[j] for j in estimable]).tolist(), strict=True))
    labels = tuple(solved.design.terms.terms[j].label for j in groups)
    return Inflation(labels, np.array([len(g) for g in groups.values()], np.int64), np.array(list(values.values())))


def dependence(solved: Solved) -> tuple[tuple[str, ...], Decomposition]:
    """Names of the columns that are not aliased (the intercept is swept out), and how they depend on each other."""
    _refuse_penalty(solved, "collinearity")
    columns = _slopes(solved)
    return tuple(solved.names[i] for i in columns), decomposition(_products(solved)[np.ix_(columns, columns)])


def _refuse_penalty(solved: Solved, what: str) -> None:
    if solved.alpha is not None:
        raise OptionError(f"{what} needs a fit without a penalty; use ols")


def _slopes(solved: Solved) -> Codes:
    columns = unaliased_columns(solved)
    return np.setdiff1d(columns, [-1 if solved.parametrization.constant is None else solved.parametrization.constant])


def _products(solved: Solved) -> Matrix:
    """Products of the model's columns about their means, (p, p); zero for the constant and aliased columns.

    Where none is aliased, from the columns that were solved for, whose inverse is that of small numbers.
    """
    columns = _slopes(solved)
    if solved.aliased or solved.parametrization.to_solved is None:
        return _inverse_of(basic_solution(solved)[1], columns)
    to_solved = maps.to_dense(solved.parametrization.to_solved, len(solved.names))
    return np.asarray(to_solved @ _inverse_of(solved.solution.inverse, columns) @ to_solved.T)


def _inverse_of(V: Matrix, positions: Codes) -> Matrix:
    """The inverse of some rows and columns, zero elsewhere."""
    block = V[np.ix_(positions, positions)]
    scale = np.sqrt(block.diagonal())
    S = np.zeros(V.shape)
    S[np.ix_(positions, positions)] = np.linalg.inv(block / scale[:, None] / scale) / scale[:, None] / scale
    return S
