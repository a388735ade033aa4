"""Penalised paths from moments: pose the problem, solve it, tell it in the model's columns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gramian.engines.blas import one_thread
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import outcome_sums
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
    """A path: coefficients for a row of penalties.

    names : (q,) of the slopes, terms : numbers of their terms. solutions : slopes, squares and freedom for each alpha.
    intercepts : (n,), zero without one. sizes : (q,) standard deviations of the columns, or root
    mean squares. rows, weight, log_weight, mean, tss : of the data. tally : rows left out.
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
        """Whether there is a constant."""
        return self.problem.parametrization.constant is not None

    @property
    def passed(self) -> tuple[str, ...]:
        """Columns that were passed over: at no penalty do they say more than those that are in."""
        return tuple(self.names[j] for j in self.solutions.passed)


def solve_path(design: Design, accumulated: Accumulated, options: PathOptions) -> SolvedPath:
    """The path of a design's penalised fits from its moments.

    Raises NumericalError where there are no rows, OptionError for options that make no sense here, ConvergenceError
    where neither homotopy nor descent settles.
    """
    problem = penalized_problem(design, accumulated.moments, options)
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
    """Solutions with their names and intercepts."""
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
        tss=centred if system.intercept else square,
        dropped_rows=dropped_rows,
    )


def solved_at_alpha(solved: SolvedPath, index: int) -> Solved:
    """The fit at one penalty of a path, without standard errors: what is chosen by a penalty has no simple ones."""
    problem, solutions, p = solved.problem, solved.solutions, len(solved.problem.columns)
    b = np.zeros(p)
    b[list(problem.slopes)] = solutions.coefficients[index]
    if problem.parametrization.constant is not None:
        b[problem.parametrization.constant] = solved.intercepts[index]
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
    """Coefficients in the columns that were swept."""
    b = b.copy()
    if problem.parametrization.constant is not None:
        b[problem.parametrization.constant] -= float(problem.shift)
    if problem.parametrization.to_solved is not None:
        b = maps.apply(problem.parametrization.to_solved, b)
    return b / problem.parametrization.scale
