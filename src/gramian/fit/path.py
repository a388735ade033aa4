"""Penalised paths from moments: pose the problem, solve it, tell it in the model's columns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gramian.engines.blas import one_thread
from gramian.fit.linear import outcome_sums
from gramian.fit.passes import Accumulated
from gramian.fit.penalties import PathOptions
from gramian.fit.pose import Posed, centred_system, intercepts, pose, sums_of
from gramian.fit.solved import Solved
from gramian.formula.coding import empty_cells
from gramian.formula.design import Design
from gramian.formula.tally import Tally
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

    posed: Posed
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
    tally: Tally

    @property
    def intercept(self) -> bool:
        """Whether there is a constant."""
        return self.posed.frame.constant is not None

    @property
    def passed(self) -> tuple[str, ...]:
        """Columns that were passed over: at no penalty do they say more than those that are in."""
        return tuple(self.names[j] for j in self.solutions.passed)


def solve_path(design: Design, done: Accumulated, options: PathOptions) -> SolvedPath:
    """The path of a design's penalised fits from its moments.

    Raises NumericalError where there are no rows, OptionError for options that make no sense here, ConvergenceError
    where neither homotopy nor descent settles.
    """
    posed = pose(design, done.moments, options)
    with one_thread():
        system = centred_system(posed, sums_of(posed, done.moments))
        solutions = path(system, posed.penalty, options.wanted)
    return told(posed, options, system, solutions, done.moments, done.tally)


def told(
    posed: Posed, options: PathOptions, system: System, solutions: Solutions, moments: Moments, tally: Tally
) -> SolvedPath:
    """Solutions with their names and intercepts."""
    (response,) = posed.design.outcome
    mean, centred, square = outcome_sums(moments, response, posed.design.coordinates[response])
    return SolvedPath(
        posed=replace(posed, design=replace(posed.design, levels=dict(moments.levels))),
        options=options,
        names=tuple(posed.columns[j].name for j in posed.slopes),
        terms=tuple(posed.columns[j].term for j in posed.slopes),
        solutions=solutions,
        intercepts=intercepts(posed, system, solutions.coefficients),
        sizes=np.sqrt(np.maximum(system.S.diagonal(), 0.0) / system.weight),
        rows=moments.rows,
        weight=moments.weight,
        log_weight=moments.log_weight,
        mean=mean,
        tss=centred if system.intercept else square,
        tally=tally,
    )


def solved_at(solved: SolvedPath, index: int) -> Solved:
    """The fit at one penalty of a path, without standard errors: what is chosen by a penalty has no simple ones."""
    posed, solutions, p = solved.posed, solved.solutions, len(solved.posed.columns)
    b = np.zeros(p)
    b[list(posed.slopes)] = solutions.coefficients[index]
    if posed.frame.constant is not None:
        b[posed.frame.constant] = solved.intercepts[index]
    unknown = np.full((p, p), np.nan)
    kept = b != 0
    return Solved(
        formula=posed.design.formula,
        design=posed.design,
        levels=posed.levels,
        frame=posed.frame,
        solution=Solution(_swept(posed, b), unknown, kept, np.zeros((p, 0)), 0.0, np.nan, float(solutions.df[index])),
        names=tuple(c.name for c in posed.columns),
        terms=tuple(c.term for c in posed.columns),
        coefficients=b,
        inverse=unknown,
        identified=np.ones(p, bool),
        aliased={},
        empty_cells=empty_cells(posed.design.terms, posed.levels),
        intercept=solved.intercept,
        rows=solved.rows,
        weight=solved.weight,
        log_weight=solved.log_weight,
        rss=float(solutions.rss[index]),
        tss=solved.tss,
        mean=solved.mean,
        rank=int(kept.sum()),
        leverage=float(solutions.df[index]),
        condition=np.nan,
        passes=1,
        tally=solved.tally,
        alpha=float(solutions.alphas[index]),
    )


def _swept(posed: Posed, b: Vector) -> Vector:
    """Coefficients in the columns that were swept."""
    b = b.copy()
    if posed.frame.constant is not None:
        b[posed.frame.constant] -= float(posed.shift)
    if posed.frame.made is not None:
        b = maps.apply(posed.frame.made, b)
    return b / posed.frame.scale
