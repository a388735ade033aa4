"""Analysis of variance of a linear fit, from its coefficients and their inverse alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from gramian.errors import NotIdentifiedError, OptionError
from gramian.fit.choosing import nested
from gramian.fit.independent import basic_solution, independent
from gramian.fit.solved import Solved
from gramian.formula.hypotheses import averaged
from gramian.formula.margins import contain
from gramian.inference.anova import Share, residuals, sequential, share, wald_share
from gramian.inference.covariance import Covariance
from gramian.linalg import maps
from gramian.typing import Codes, Matrix, Vector

TYPES = {1: 1, 2: 2, 3: 3, "I": 1, "II": 2, "III": 3}
IID = "iid"


@dataclass(frozen=True, slots=True)
class System:
    """Coefficients b (p,), their covariance V (p, p), and for every term the columns that stand for it."""

    b: Vector
    V: Matrix
    columns: tuple[Codes, ...]

    def adds(self, first: int, then: Sequence[int] = ()) -> float:
        """What a term adds to all but `then`, which enter after it."""
        groups = [self.columns[j] for j in (first, *then)]
        return float(sequential(self.b, self.V, groups)[0])


def anova(solved: Solved, covariance: Covariance, df_residual: float, kind: int | str) -> list[Share]:
    """One line for each term, the residuals last.

    kind : 1 (each term after those before it), 2 (after all that do not contain it) or 3 (after all others, in
    sum-to-zero contrasts). With a covariance that is not iid the lines of types 2 and 3 are Wald tests.
    Raises OptionError for another kind, a penalty, or type 1 with such a covariance; NotIdentifiedError for type 3 of
    what the data do not determine; NumericalError where the covariance is singular.
    """
    if isinstance(kind, bool) or kind not in TYPES:
        raise OptionError(f'type must be 1, 2 or 3 (or "I", "II", "III"), found {kind!r}')
    if solved.alpha is not None:
        raise OptionError("an analysis of variance needs a fit without a penalty; use ols")
    number = TYPES[kind]
    if number == 1 and covariance.recipe != IID:
        raise OptionError(
            f"type 1 divides the sum of squares, which the covariance {covariance.recipe} is not about; use type 2 or 3"
        )
    squares = {1: _first, 2: _second, 3: _third}[number](solved, covariance)
    lines = [_line(solved, j, square, covariance, df_residual) for j, square in squares.items()]
    return [*lines, residuals(solved.rss, df_residual)]


def _line(solved: Solved, j: int, square: float, covariance: Covariance, freedom: float) -> Share:
    label = solved.design.terms.terms[j].label
    df = int(sum(solved.terms[i] == j for i in independent(solved)))
    if covariance.recipe != IID:
        return wald_share(label, df, square, covariance.df)
    return share(label, df, square, solved.rss / freedom if freedom > 0 else float("nan"), freedom)


def _tested(solved: Solved) -> list[int]:
    """Terms but the intercept that have columns."""
    there = set(solved.terms)
    return [j for j, term in enumerate(solved.design.terms.terms) if term.atoms and j in there]


def _first(solved: Solved, covariance: Covariance) -> dict[int, float]:
    terms = _tested(solved)
    system = _system(solved, covariance, [set(range(j + 1)) for j in range(len(solved.design.terms.terms))])
    squares = sequential(system.b, system.V, [system.columns[j] for j in terms])
    return dict(zip(terms, squares.tolist(), strict=True))


def _second(solved: Solved, covariance: Covariance) -> dict[int, float]:
    terms = _tested(solved)
    out = {}
    for j in terms:
        containing = contain(solved.design.terms, j) & set(terms)
        system = _without(solved, covariance, {j, *containing})
        out[j] = system.adds(j, sorted(containing))
    return out


def _third(solved: Solved, covariance: Covariance) -> dict[int, float]:
    if solved.aliased or solved.empty_cells:
        what = f"{next(iter(solved.aliased))} is aliased" if solved.aliased else "cells of an interaction have no rows"
        raise NotIdentifiedError(
            f"type 3 tests effects that the data do not determine: {what}; use type 2", dict(solved.aliased)
        )
    out = {}
    for j, R in enumerate(averaged(solved.design.terms, solved.levels)):
        own = [i for i, t in enumerate(solved.terms) if t == j]
        if own:
            value, V = _hypotheses(solved, covariance, R, own)
            out[j] = float(sequential(value, V, [np.arange(len(own))])[0])
    return out


def _hypotheses(solved: Solved, covariance: Covariance, R: Matrix, own: list[int]) -> tuple[Vector, Matrix]:
    """R b and its covariance, or those of M R that says the same in smaller numbers. own : columns of the tested term.

    With b = T d told in the model's columns and d solved for, M R T is formed exactly, M undoing what T does to the
    tested columns themselves: powers far from zero are tested as powers of shifted variables.
    """
    frame, solution = solved.frame, solved.solution
    if covariance.recipe != IID or frame.told is None or frame.made is None:
        V = solved.inverse if covariance.recipe == IID else covariance.matrix
        return R @ solved.coefficients, R @ V @ R.T
    made, told = maps.transposed(frame.made), maps.transposed(frame.told)
    place = {i: k for k, i in enumerate(own)}
    M = [{place[k]: c for k, c in made[i].items() if k in place} for i in own]
    exact = [{int(k): Fraction(float(row[k])) for k in np.flatnonzero(row)} for row in R]
    left = maps.product(M, exact)
    rows = maps.written_out(maps.product(left, told), len(solved.names))
    shift = np.array([float(sum(row.get(i, 0) * c for i, c in frame.response.items())) for row in left])
    return rows @ solution.coefficients * frame.scale + shift, rows @ solution.inverse @ rows.T


def _without(solved: Solved, covariance: Covariance, gone: set[int]) -> System:
    """Where leaving out these terms means leaving out their columns."""
    everything = set(range(len(solved.design.terms.terms)))
    return _system(solved, covariance, [everything if j in gone else everything - gone for j in sorted(everything)])


def _system(solved: Solved, covariance: Covariance, allowed: Sequence[set[int]]) -> System:
    """In the columns that were solved for, where numbers are small, if these nest as the model's do; else in those."""
    if solved.aliased or covariance.recipe != IID or not nested(solved.frame, solved.terms, allowed):
        return _told(solved, covariance)
    solution = solved.solution
    return System(solution.coefficients * solved.frame.scale, solution.inverse, _columns(solved))


def _told(solved: Solved, covariance: Covariance) -> System:
    """In the model's columns, without those that depend on earlier ones."""
    b, V = basic_solution(solved)
    return System(b, V if covariance.recipe == IID else covariance.matrix, _columns(solved))


def _columns(solved: Solved) -> tuple[Codes, ...]:
    kept = [(i, solved.terms[i]) for i in independent(solved)]
    terms = range(len(solved.design.terms.terms))
    return tuple(np.array([i for i, t in kept if t == j], np.int64) for j in terms)
