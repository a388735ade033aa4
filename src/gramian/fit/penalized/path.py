"""Penalised paths from moments: build the problem, solve it, express the solutions in the model's columns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gramian.engines.fold import one_thread
from gramian.fit.leastsquares.outcome import outcome_sums, total_square
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.penalized.options import PathOptions
from gramian.fit.penalized.problem import PenalizedProblem, centred_system, intercepts, penalized_problem, sums_of
from gramian.formula.coding import empty_cells
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.linalg import maps
from gramian.linalg.moments import Moments
from gramian.linalg.penalized.paths import path
from gramian.linalg.penalized.system import Solutions, System
from gramian.linalg.solve import Solution
from gramian.typing import Vector


@dataclass(frozen=True, slots=True)
class SolvedPath:
    """A path: coefficients for a sequence of n penalties.

    Attributes
    ----------
    problem : PenalizedProblem
        Columns and penalties.
    options : PathOptions
        What was asked for.
    names : tuple of str
        (q,) names of the slopes.
    terms : tuple of int
        (q,) number of the term of each slope.
    solutions : Solutions
        Slopes, sums of squares and degrees of freedom for each penalty.
    intercepts : ndarray
        (n,), zero without an intercept.
    sizes : ndarray
        (q,) standard deviations of the columns; without an intercept root mean squares.
    rows : int
        Rows that entered.
    weight, log_weight : float
        Sum of the weights, and of their logarithms.
    mean : float
        Weighted mean of the outcome.
    tss : float
        Sum of squares of the outcome, about the mean with an intercept, else about zero.
    dropped_rows : DroppedRows
        Counts of rows that did not enter.
    """

    problem: PenalizedProblem
    options: PathOptions
    names: tuple[str, ...]
    terms: tuple[int, ...]
    solutions: Solutions
    intercepts: Vector
    sizes: Vector
    rows: int
    weight: float
    log_weight: float
    mean: float
    tss: float
    dropped_rows: DroppedRows

    @property
    def intercept(self) -> bool:
        """Whether the model has an intercept."""
        return self.problem.parametrization.constant is not None

    @property
    def passed(self) -> tuple[str, ...]:
        """Names of columns that never enter, because they are linear combinations of columns that do."""
        return tuple(self.names[j] for j in self.solutions.passed)


def solve_path(design: Design, accumulated: Accumulated, options: PathOptions) -> SolvedPath:
    """The path of the penalised fits of a design, from its moments.

    Parameters
    ----------
    design : Design
        Design with its coordinates.
    accumulated : Accumulated
        Its moments, and the counts of dropped rows.
    options : PathOptions
        How to penalise.

    Raises
    ------
    NumericalError
        Where there are no rows.
    OptionError
        For options that do not suit the design.
    ConvergenceError
        Where neither homotopy nor coordinate descent converges.
    """
    problem = penalized_problem(design, accumulated.moments, options)
    # a path is a sequence of small solves: threads of BLAS would cost more than they save
    with one_thread():
        system = centred_system(problem, sums_of(problem, accumulated.moments))
        solutions = path(system, problem.penalty, options.alpha_array)
    return assemble_path(problem, options, system, solutions, accumulated.moments, accumulated.dropped_rows)


def assemble_path(
    problem: PenalizedProblem,
    options: PathOptions,
    system: System,
    solutions: Solutions,
    moments: Moments,
    dropped_rows: DroppedRows,
) -> SolvedPath:
    """Solutions with names, intercepts and statistics of the outcome.

    Parameters
    ----------
    problem : PenalizedProblem
        The problem that was solved.
    options : PathOptions
        What was asked for.
    system : System
        Its centred products.
    solutions : Solutions
        Slopes for each penalty.
    moments : Moments
        Moments of all rows.
    dropped_rows : DroppedRows
        Counts of rows that did not enter.
    """
    (response,) = problem.design.outcome
    mean, centred, square = outcome_sums(moments, response, problem.design.coordinates[response])
    return SolvedPath(
        problem=replace(problem, design=replace(problem.design, levels=dict(moments.levels))),
        options=options,
        names=tuple(problem.columns[j].name for j in problem.slopes),
        terms=tuple(problem.columns[j].term for j in problem.slopes),
        solutions=solutions,
        intercepts=intercepts(problem, system, solutions.coefficients),
        sizes=np.sqrt(np.maximum(system.S.diagonal(), 0.0) / system.weight),
        rows=moments.rows,
        weight=moments.weight,
        log_weight=moments.log_weight,
        mean=mean,
        tss=total_square(centred if system.intercept else square, response),
        dropped_rows=dropped_rows,
    )


def solved_at_alpha(solved: SolvedPath, index: int) -> Solved:
    """The fit at one penalty of a path, as a `Solved` without inverse and standard errors.

    Columns that are chosen by the data have no simple standard errors, so these are NaN.
    """
    problem, solutions, p = solved.problem, solved.solutions, len(solved.problem.columns)
    b = np.zeros(p)
    b[list(problem.slopes)] = solutions.coefficients[index]
    if problem.parametrization.constant is not None:
        b[problem.parametrization.constant] = solved.intercepts[index]
    # NaN, not zero: whatever asks for a standard error of a selected column shows that there is none
    unknown = np.full((p, p), np.nan)
    active = b != 0
    return Solved(
        formula=problem.design.formula,
        design=problem.design,
        levels=problem.levels,
        parametrization=problem.parametrization,
        solution=Solution(
            _in_solved_columns(problem, b), unknown, active, np.zeros((p, 0)), 0.0, np.nan, float(solutions.df[index])
        ),
        names=tuple(c.name for c in problem.columns),
        terms=tuple(c.term for c in problem.columns),
        coefficients=b,
        inverse=unknown,
        identified=np.ones(p, bool),
        aliased={},
        empty_cells=empty_cells(problem.design.terms, problem.levels),
        intercept=solved.intercept,
        rows=solved.rows,
        weight=solved.weight,
        log_weight=solved.log_weight,
        rss=float(solutions.rss[index]),
        tss=solved.tss,
        mean=solved.mean,
        rank=int(active.sum()),
        leverage=float(solutions.df[index]),
        condition=np.nan,
        passes=1,
        dropped_rows=solved.dropped_rows,
        alpha=float(solutions.alphas[index]),
    )


def _in_solved_columns(problem: PenalizedProblem, b: Vector) -> Vector:
    """Coefficients (p,) in the solved columns: shift and scale of the outcome undone."""
    b = b.copy()
    if problem.parametrization.constant is not None:
        # the shift of the outcome is part of the model's intercept, but not of the solved constant
        b[problem.parametrization.constant] -= float(problem.shift)
    if problem.parametrization.to_solved is not None:
        b = maps.apply(problem.parametrization.to_solved, b)
    return b / problem.parametrization.scale
