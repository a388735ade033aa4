"""Selection of terms from moments: candidates, what criteria say of them, and the winner as a fit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gramian.errors import NumericalError, OptionError, one_of
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import outcome_sums, solve_linear
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
    """A model that was looked at.

    terms : labels without the intercept. columns : rank, with the intercept or absorbed factors. perfect : whether the
    RSS is rounding.
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
    """Candidates by number of columns, the position of the best one, and its fit."""

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
    """The terms that a criterion likes best, without the data.

    criterion : "aic", "bic", "adj_r2" or "cp". method : "best" searches all subsets, exactly; "forward" and "backward"
    go through all sizes, one term a step, by the criterion. count : with "best", keep the subsets that fewer than
    `count` others beat, among which are the `count` best by any criterion.
    Factors and interactions enter and leave as a whole, an interaction only with its main effects.
    Raises OptionError for an unknown option or more than 30 terms under "best", NumericalError where no model can be
    judged.
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
    return candidate.columns, candidate.rss, len(candidate.terms)


def _search(
    available_terms: CandidateTerms, yardstick: ModelCriteria, criterion: str, method: str, count: int
) -> list[Subset]:
    if method == "best":
        if len(available_terms.terms) > MAX_BEST_TERMS:
            raise OptionError(
                f"all subsets are searched of up to {MAX_BEST_TERMS} terms, found {len(available_terms.terms)}; "
                'use method="forward" or "backward"'
            )
        return best_subsets(available_terms.problem, count)
    evaluate = _criterion(yardstick, criterion, available_terms)
    return (forward if method == "forward" else backward)(available_terms.problem, evaluate)


def _criterion(yardstick: ModelCriteria, name: str, available_terms: CandidateTerms) -> Criterion:
    def evaluate(rss: Vector, rank: Codes) -> Vector:
        pairs = zip((rss * available_terms.scale).tolist(), (rank + available_terms.base_rank).tolist(), strict=True)
        return np.array([yardstick.badness(name, r, p) for r, p in pairs])

    return evaluate


def _yardstick(design: Design, accumulated: Accumulated, available_terms: CandidateTerms) -> ModelCriteria:
    moments, (response,) = accumulated.moments, design.outcome
    _, centred, square = outcome_sums(moments, response, design.coordinates[response])
    full = residual(available_terms.problem, available_terms.problem.columns(range(len(available_terms.terms))))
    df_residual = moments.rows - full.rank - available_terms.base_rank
    variance = full.rss * available_terms.scale / df_residual if df_residual > 0 and full.rss > full.noise else math.nan
    tss = centred if available_terms.base_rank else square
    return ModelCriteria(moments.rows, moments.log_weight, tss, available_terms.base_rank > 0, variance)


def _candidate(subset: Subset, design: Design, available_terms: CandidateTerms, yardstick: ModelCriteria) -> Candidate:
    labels = tuple(design.terms.terms[available_terms.terms[g]].label for g in subset.groups)
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
    """The first of the best: of equals, as all perfect fits are, the one with the fewest columns."""
    values = np.array([yardstick.badness(criterion, 0.0 if c.perfect else c.rss, c.columns) for c in candidates])
    values[np.isnan(values)] = math.inf
    if not (values < math.inf).any():
        raise NumericalError(
            f"no model can be judged by {criterion}: the outcome does not vary, or no model leaves a degree of freedom"
        )
    return int(np.argmin(values))
