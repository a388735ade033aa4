"""Analysis of variance of a linear fit, computed without data from b and (X'WX)^-1.

The sum of squares that a set of columns adds to the others is b_s' (V_ss)^-1 b_s, with V = (X'WX)^-1; with a robust
covariance in place of V it is the Wald statistic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from gramian.errors import NotIdentifiedError, OptionError
from gramian.fit.leastsquares.identified import basic_solution, combinations, unaliased_columns
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.linear.averaged_effects import averaged_effects
from gramian.formula.marginality import containing_terms, nested
from gramian.inference.anova import AnovaRow, added_by, anova_row, residual_row, sequential_sums, wald_row
from gramian.inference.covariance import Covariance
from gramian.linalg import maps
from gramian.typing import Codes, Matrix, Vector

TYPES = {1: 1, 2: 2, 3: 3, "I": 1, "II": 2, "III": 3}
IID = "iid"
Effect = tuple[int, float]  # degrees of freedom, and sum of squares or Wald statistic


@dataclass(frozen=True, slots=True)
class System:
    """Coefficients in a basis in which a term is left out by leaving out its columns.

    Attributes
    ----------
    b : ndarray of shape (p,)
        Coefficients.
    V : ndarray of shape (p, p)
        (X'WX)^-1, or a robust covariance of b.
    columns : tuple of integer ndarrays
        For every term of the formula the positions of its columns.
    """

    b: Vector
    V: Matrix
    columns: tuple[Codes, ...]

    def adds(self, first: int, then: Sequence[int] = ()) -> float:
        """Sum of squares that the term `first` adds to all terms other than `then`."""
        groups = [self.columns[j] for j in (first, *then)]
        return float(sequential_sums(self.b, self.V, groups)[0])


def anova(solved: Solved, covariance: Covariance, df_residual: float, kind: int | str) -> list[AnovaRow]:
    """Rows of an analysis of variance, one for each term, the residuals last.

    Parameters
    ----------
    solved : Solved
        A fit without a penalty.
    covariance : Covariance
        The covariance of the coefficients. If it is not iid, types 2 and 3 are Wald tests.
    df_residual : float
        Residual degrees of freedom.
    kind : {1, 2, 3, "I", "II", "III"}
        1: each term after those before it; 2: after all terms that do not contain it; 3: after all other terms, with
        sum-to-zero contrasts.

    Raises
    ------
    OptionError
        For another kind, a fit with a penalty, or type 1 with a covariance that is not iid.
    NotIdentifiedError
        For type 3 if columns are aliased or cells of an interaction have no rows.
    NumericalError
        If the covariance is singular.
    """
    if isinstance(kind, bool) or kind not in TYPES:
        raise OptionError(f'type must be 1, 2 or 3 (or "I", "II", "III"), found {kind!r}')
    if solved.alpha is not None:
        raise OptionError("an analysis of variance needs a fit without a penalty; use ols")
    number = TYPES[kind]
    # sequential sums of squares add up to that of the model; Wald statistics of another covariance do not
    if number == 1 and covariance.name != IID:
        raise OptionError(
            f"type 1 divides the sum of squares, which the covariance {covariance.name} is not about; use type 2 or 3"
        )
    effects = {1: _type_one, 2: _type_two, 3: _type_three}[number](solved, covariance)
    lines = [_line(solved, j, effect, covariance, df_residual) for j, effect in effects.items()]
    return [*lines, residual_row(solved.rss, df_residual)]


def _line(solved: Solved, j: int, effect: Effect, covariance: Covariance, df_residual: float) -> AnovaRow:
    """The row of term j. effect : its degrees of freedom, and its sum of squares or Wald statistic."""
    label, (df, square) = solved.design.terms.terms[j].label, effect
    if covariance.name != IID:
        return wald_row(label, df, square, covariance.df)
    return anova_row(label, df, square, solved.rss / df_residual if df_residual > 0 else float("nan"), df_residual)


def _tested(solved: Solved) -> list[int]:
    """Positions of the terms that have columns, without the intercept."""
    present = set(solved.terms)
    return [j for j, term in enumerate(solved.design.terms.terms) if term.atoms and j in present]


def _type_one(solved: Solved, covariance: Covariance) -> dict[int, Effect]:
    """Sums of squares of each term after those before it. Returns position of term -> effect."""
    terms = _tested(solved)
    system = _system(solved, covariance, [set(range(j + 1)) for j in range(len(solved.design.terms.terms))])
    squares = sequential_sums(system.b, system.V, [system.columns[j] for j in terms])
    return {j: (len(system.columns[j]), square) for j, square in zip(terms, squares.tolist(), strict=True)}


def _type_two(solved: Solved, covariance: Covariance) -> dict[int, Effect]:
    """Sums of squares (or Wald statistics) of each term after all that do not contain it."""
    terms = _tested(solved)
    effects = {}
    for j in terms:
        # marginality: a:b is not in the model when a is tested, because a:b without a makes no sense
        containing = containing_terms(solved.design.terms, j) & set(terms)
        if _frees_aliased(solved, {j, *containing}):
            effects[j] = _added_with_aliased(solved, covariance, j, containing)
        else:
            system = _system_without(solved, covariance, {j, *containing})
            effects[j] = len(system.columns[j]), system.adds(j, sorted(containing))
    return effects


def _frees_aliased(solved: Solved, dropped: set[int]) -> bool:
    """Whether a column that stays, and is aliased in the full model, is so because of terms that are dropped."""
    if not solved.aliased:
        return False
    term = np.array(solved.terms)
    gone = np.isin(term, list(dropped))
    kept = unaliased_columns(solved)
    return bool(combinations(solved)[np.ix_(gone[kept], ~gone)].any())


def _added_with_aliased(
    solved: Solved, covariance: Covariance, j: int, containing: frozenset[int] | set[int]
) -> Effect:
    """What term j adds to all but `containing`: the models compared have columns that the full one leaves out."""
    kept, all_columns, term = unaliased_columns(solved), combinations(solved), np.array(solved.terms)
    b, V = basic_solution(solved)
    V = V if covariance.name == IID else covariance.matrix
    own = term == j
    others = ~own & ~np.isin(term, list(containing))
    return added_by(b[kept], V[np.ix_(kept, kept)], all_columns[:, others], all_columns[:, own])


def _type_three(solved: Solved, covariance: Covariance) -> dict[int, Effect]:
    """Sums of squares (or Wald statistics) of each term after all others, averaged over the levels of factors."""
    # an average over all levels needs an estimate in every combination of them
    if solved.aliased or solved.empty_cells:
        what = f"{next(iter(solved.aliased))} is aliased" if solved.aliased else "cells of an interaction have no rows"
        raise NotIdentifiedError(
            f"type 3 tests effects that the data do not determine: {what}; use type 2", dict(solved.aliased)
        )
    effects = {}
    hypotheses = averaged_effects(solved.design.terms, solved.levels)
    if sum(map(len, hypotheses)) != len(solved.names):
        raise OptionError(
            "type 3 depends on how factors are coded, and this fit is from a file of an earlier version, which coded "
            "them otherwise; fit it again, or use type 2"
        )
    for j, R in enumerate(hypotheses):
        own = [i for i, t in enumerate(solved.terms) if t == j]
        if own:
            value, V = _hypotheses(solved, covariance, R, own)
            effects[j] = len(own), float(sequential_sums(value, V, [np.arange(len(own))])[0])
    return effects


def _hypotheses(solved: Solved, covariance: Covariance, R: Matrix, own: list[int]) -> tuple[Vector, Matrix]:
    """Estimates and covariance of the hypotheses R b = 0, or of equivalent hypotheses M R b = 0.

    The model coefficients are b = T d, with d the coefficients that were solved for. M is the block of T^-1 of the
    tested columns, and M R T is formed exactly: powers of a variable far from zero are tested as powers of the shifted
    variable, whose coefficients have far smaller rounding errors. Only for an iid covariance, which is known for d.

    R : (h, p). own : positions of the columns of the tested term, h of them. Returns (h,) and (h, h).
    """
    parametrization, solution = solved.parametrization, solved.solution
    if covariance.name != IID or parametrization.to_model is None or parametrization.to_solved is None:
        V = solved.inverse if covariance.name == IID else covariance.matrix
        return R @ solved.coefficients, R @ V @ R.T
    # exact products of maps with entries like shift^k, whose rounding would cost the digits that M R T is to save
    to_solved, to_model = maps.transposed(parametrization.to_solved), maps.transposed(parametrization.to_model)
    place = {i: k for k, i in enumerate(own)}
    M = [{place[k]: c for k, c in to_solved[i].items() if k in place} for i in own]
    exact = [{int(k): Fraction(float(row[k])) for k in np.flatnonzero(row)} for row in R]
    combined = maps.product(M, exact)
    rows = maps.to_dense(maps.product(combined, to_model), len(solved.names))
    shift = np.array(
        [float(sum(row.get(i, 0) * c for i, c in parametrization.response_shift.items())) for row in combined]
    )
    return rows @ solution.coefficients * parametrization.scale + shift, rows @ solution.inverse @ rows.T


def _system_without(solved: Solved, covariance: Covariance, dropped: set[int]) -> System:
    """A system in which the terms in `dropped` can be left out by leaving out their columns."""
    everything = set(range(len(solved.design.terms.terms)))
    return _system(
        solved, covariance, [everything if j in dropped else everything - dropped for j in sorted(everything)]
    )


def _system(solved: Solved, covariance: Covariance, allowed: Sequence[set[int]]) -> System:
    """The system in the columns that were solved for if these nest as the model's do, else in the model's columns.

    allowed : for each term the terms that stay in the model as long as it does, as in `nested`. The solved columns are
    preferred because shifts make their products smaller, and so their rounding errors.
    """
    if solved.aliased or covariance.name != IID or not nested(solved.parametrization, solved.terms, allowed):
        return _model_column_system(solved, covariance)
    solution = solved.solution
    return System(solution.coefficients * solved.parametrization.scale, solution.inverse, _columns(solved))


def _model_column_system(solved: Solved, covariance: Covariance) -> System:
    """The system in the model's columns, without those that depend on earlier ones."""
    b, V = basic_solution(solved)
    return System(b, V if covariance.name == IID else covariance.matrix, _columns(solved))


def _columns(solved: Solved) -> tuple[Codes, ...]:
    """For every term the positions of its columns that are not aliased."""
    pairs = [(i, solved.terms[i]) for i in unaliased_columns(solved)]
    terms = range(len(solved.design.terms.terms))
    return tuple(np.array([i for i, t in pairs if t == j], np.int64) for j in terms)
