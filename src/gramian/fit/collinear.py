"""Products of a fit's columns, recovered from the inverse: how its columns depend on each other, without the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.errors import OptionError
from gramian.fit.choosing import nested
from gramian.fit.solved import Solved
from gramian.inference.collinearity import Decomposition, decomposition, inflation
from gramian.linalg import maps
from gramian.linalg.choices import SHARE
from gramian.typing import Codes, Mask, Matrix, Vector


@dataclass(frozen=True, slots=True)
class Inflation:
    """Variance inflation of terms: their labels, columns, and by how much; infinite where a column is aliased."""

    terms: tuple[str, ...]
    df: Codes
    values: Vector


def variance_inflation(solved: Solved) -> Inflation:
    """By how much the variance of a term's coefficients is larger than if its columns shared nothing with others.

    Without an intercept the columns are not centred. Raises OptionError under a penalty.
    """
    _refuse_penalty(solved, "variance inflation")
    S, free = _products(solved), _free(solved)
    V = solved.inverse
    terms = range(len(solved.design.terms.terms))
    if not solved.aliased and nested(solved.frame, solved.terms, [{j} for j in terms]):
        S, V = _solved_products(solved), solved.solution.inverse
    groups = {
        j: np.array([i for i, t in enumerate(solved.terms) if t == j and i != solved.frame.constant], np.int64)
        for j in terms
    }
    groups = {j: g for j, g in groups.items() if len(g)}
    known = [j for j, g in groups.items() if free[g].all()]
    values = dict.fromkeys(groups, float("inf"))
    values.update(zip(known, inflation(S, V, [groups[j] for j in known]).tolist(), strict=True))
    labels = tuple(solved.design.terms.terms[j].label for j in groups)
    return Inflation(labels, np.array([len(g) for g in groups.values()], np.int64), np.array(list(values.values())))


def dependence(solved: Solved) -> tuple[tuple[str, ...], Decomposition]:
    """Names of the columns that are not aliased (the intercept is swept out), and how they depend on each other."""
    _refuse_penalty(solved, "collinearity")
    at = [i for i, name in enumerate(solved.names) if name not in solved.aliased and i != solved.frame.constant]
    S = _products(solved)[np.ix_(at, at)]
    return tuple(solved.names[i] for i in at), decomposition(S)


def _refuse_penalty(solved: Solved, what: str) -> None:
    if solved.alpha is not None:
        raise OptionError(f"{what} needs a fit without a penalty; use ols")


def _products(solved: Solved) -> Matrix:
    """Products of the model's columns about their means, (p, p); zero for the constant."""
    S = _solved_products(solved)
    if solved.frame.made is None:
        return S
    made = maps.written_out(solved.frame.made, len(S))
    return np.asarray(made @ S @ made.T)


def _solved_products(solved: Solved) -> Matrix:
    """The same of the columns that were solved for: the inverse of the inverse, and what the others are of these."""
    solution, constant = solved.solution, solved.frame.constant
    p = len(solution.coefficients)
    kept = np.flatnonzero(solution.kept & (np.arange(p) != constant))
    V = solution.inverse[np.ix_(kept, kept)]
    scale = np.sqrt(V.diagonal())
    S = np.zeros((p, p))
    S[np.ix_(kept, kept)] = np.linalg.inv(V / scale[:, None] / scale) / scale[:, None] / scale
    rest = np.flatnonzero(~solution.kept)
    whole = np.eye(p)
    whole[rest, rest] = 0.0
    whole[rest] -= np.where(solution.kept, solution.null.T, 0.0)
    return np.asarray(whole @ S @ whole.T)


def _free(solved: Solved) -> Mask:
    """Columns that have no part in a combination which is zero, (p,)."""
    null = solved.solution.null
    if not null.shape[1]:
        return np.ones(len(solved.names), bool)
    if solved.frame.told is not None:
        null = maps.multiply(solved.frame.told, null)
    positions = [solved.names.index(name) for name in solved.aliased]
    null = np.asarray(np.linalg.solve(null[positions].T, null.T).T, np.float64)
    size = np.sqrt(np.maximum(_products(solved).diagonal(), 0.0))
    part = np.abs(null) * size[:, None]
    reach = np.maximum(part.max(axis=0), size[positions])
    out = (part <= SHARE * reach).all(axis=1)
    out[positions] = False
    return np.asarray(out)
