"""Selection of terms from moments: candidate models, their criteria, and the fit of the best one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gramian.errors import NumericalError, OptionError, one_of
from gramian.fit.leastsquares.outcome import outcome_sums, total_square
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import solve_linear
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.options import Options
from gramian.fit.selection.candidates import CandidateTerms, candidate_terms
from gramian.formula.design import Design
from gramian.formula.submodel import INTERCEPT, submodel
from gramian.inference.criteria import CRITERIA, ModelCriteria
from gramian.linalg.subsets.best_subsets import best_subsets
from gramian.linalg.subsets.selection_problem import Subset
from gramian.linalg.subsets.stepwise import Criterion, backward, forward, residual
from gramian.typing import Codes, Vector

METHODS = ("best", "forward", "backward")
MAX_BEST_TERMS = 30  # terms up to which all subsets are searched


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that was evaluated.

    Attributes
    ----------
    terms : tuple of str
        Labels of its terms, without the intercept.
    columns : int
        Rank, that of the intercept or of absorbed factors included.
    rss : float
        Residual sum of squares.
    aic, bic, adj_r_squared, cp : float
        Criteria.
    perfect : bool
        Whether the RSS is rounding only.
    """

    terms: tuple[str, ...]
    columns: int
    rss: float
    aic: float
    bic: float
    adj_r_squared: float
    cp: float
    perfect: bool = False


@dataclass(frozen=True, slots=True)
class Selected:
    """The models that were compared, and the fit of the best one.

    Attributes
    ----------
    design : Design
        Design with all terms.
    criterion, method : str
        What was asked for.
    candidates : tuple of Candidate
        Models, by number of columns.
    winner : int
        Position of the best one.
    solved : Solved
        Its fit.
    """

    design: Design
    criterion: str
    method: str
    candidates: tuple[Candidate, ...]
    winner: int
    solved: Solved


def select(
    design: Design,
    accumulated: Accumulated,
    criterion: str = "aic",
    method: str = "best",
    count: int = 1,
    passes: int = 1,
) -> Selected:
    """Select terms by a criterion, without reading rows.

    Parameters
    ----------
    design : Design
        Design with all terms.
    accumulated : Accumulated
        Its moments, and the counts of dropped rows.
    criterion : {"aic", "bic", "adj_r2", "cp"}
        What decides.
    method : {"best", "forward", "backward"}
        "best" searches all subsets, exactly; the others go through all sizes, one term a step.
    count : int
        With "best", return the subsets that fewer than `count` others beat, among which are
        the `count` best by any criterion.
    passes : int
        Passes that the moments have cost.

    Raises
    ------
    OptionError
        For an unknown option, or more than 30 terms under "best".
    NumericalError
        Where no rows are left, or no model can be evaluated by the criterion.

    Notes
    -----
    Factors and interactions enter and leave with all their columns, an interaction only with its main effects.
    """
    one_of("criterion", criterion, CRITERIA)
    one_of("method", method, METHODS)
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise OptionError(f"count must be a whole number from 1 on, found {count!r}")
    if not accumulated.moments.rows:
        raise NumericalError(f"no rows are left to select a model of '{design.formula}' by")
    available_terms = candidate_terms(design, accumulated.moments)
    yardstick = _yardstick(design, accumulated, available_terms)
    if criterion == "cp" and not yardstick.variance > 0:
        raise NumericalError(
            "Mallows's Cp needs the residual variance of the full model, which leaves none; use another criterion"
        )
    subsets = _search(available_terms, yardstick, criterion, method, count)
    candidates = tuple(sorted((_candidate(s, design, available_terms, yardstick) for s in subsets), key=_order))
    winner = _winner(candidates, yardstick, criterion)
    constant = [INTERCEPT] if any(not term.atoms for term in design.terms.terms) else []
    labels = (*constant, *candidates[winner].terms)
    solved = solve_linear(submodel(design, labels), accumulated, Options(), passes)
    return Selected(design, criterion, method, candidates, winner, solved)


def _order(candidate: Candidate) -> tuple[int, float, int]:
    """Sort key: models with fewer columns first, then those with the smaller RSS."""
    return candidate.columns, candidate.rss, len(candidate.terms)


def _search(
    available_terms: CandidateTerms, yardstick: ModelCriteria, criterion: str, method: str, count: int
) -> list[Subset]:
    """The subsets that a method visits."""
    if method == "best":
        if len(available_terms.terms) > MAX_BEST_TERMS:
            raise OptionError(
                f"all subsets are searched of up to {MAX_BEST_TERMS} terms, found {len(available_terms.terms)}; "
                'use method="forward" or "backward"'
            )
        # at a given rank every criterion gets worse as the RSS rises, so the best by RSS of each rank are enough
        return best_subsets(available_terms.problem, count)
    evaluate = _criterion(yardstick, criterion, available_terms)
    return (forward if method == "forward" else backward)(available_terms.problem, evaluate)


def _criterion(yardstick: ModelCriteria, name: str, available_terms: CandidateTerms) -> Criterion:
    """The criterion as a function of the RSS and rank of subsets, (k,) each; smaller is better."""

    def evaluate(rss: Vector, rank: Codes) -> Vector:
        pairs = zip((rss * available_terms.scale).tolist(), (rank + available_terms.base_rank).tolist(), strict=True)
        return np.array([yardstick.badness(name, r, p) for r, p in pairs])

    return evaluate


def _yardstick(design: Design, accumulated: Accumulated, available_terms: CandidateTerms) -> ModelCriteria:
    """The criteria of a data set: rows, total sum of squares, and the residual variance of the full model for Cp."""
    moments, (response,) = accumulated.moments, design.outcome
    _, centred, square = outcome_sums(moments, response, design.coordinates[response])
    full = residual(available_terms.problem, available_terms.problem.columns(range(len(available_terms.terms))))
    df_residual = moments.rows - full.rank - available_terms.base_rank
    # a full model that fits to rounding has no variance that Cp could compare with
    variance = full.rss * available_terms.scale / df_residual if df_residual > 0 and full.rss > full.noise else math.nan
    tss = total_square(centred if available_terms.base_rank else square, response)
    return ModelCriteria(moments.rows, moments.log_weight, tss, available_terms.base_rank > 0, variance)


def _candidate(subset: Subset, design: Design, available_terms: CandidateTerms, yardstick: ModelCriteria) -> Candidate:
    """A subset with its criteria."""
    labels = tuple(design.terms.terms[available_terms.terms[g]].label for g in subset.groups)
    # again from the products: the RSS of the search has the rounding of all steps that led to the subset
    fit = residual(available_terms.problem, available_terms.problem.columns(subset.groups))
    rss, columns = fit.rss * available_terms.scale, fit.rank + available_terms.base_rank
    return Candidate(
        labels,
        columns,
        rss,
        aic=yardstick.aic(rss, columns),
        bic=yardstick.bic(rss, columns),
        adj_r_squared=yardstick.adj_r_squared(rss, columns),
        cp=yardstick.cp(rss, columns),
        perfect=fit.rss <= fit.noise,
    )


def _winner(candidates: tuple[Candidate, ...], yardstick: ModelCriteria, criterion: str) -> int:
    """Position of the first of the best models: of equal ones, such as perfect fits, that with the fewest columns."""
    values = np.array([yardstick.badness(criterion, 0.0 if c.perfect else c.rss, c.columns) for c in candidates])
    # NaN would win argmin
    values[np.isnan(values)] = math.inf
    if not (values < math.inf).any():
        raise NumericalError(
            f"no model can be judged by {criterion}: the outcome does not vary, or no model leaves a degree of freedom"
        )
    return int(np.argmin(values))
