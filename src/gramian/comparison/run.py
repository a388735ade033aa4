"""The function `compare`: one pass for the moments, then every method on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from threadpoolctl import threadpool_limits

from gramian.batch import Source
from gramian.comparison.iterations import MethodResult, Run, solved_directly
from gramian.comparison.methods import NAMES, NORMAL, STOCHASTIC, iterative
from gramian.comparison.problem import Problem, products_of, raw, scaled
from gramian.comparison.result import RAW, SCALED, Comparison
from gramian.comparison.rows import stochastic, unavailable
from gramian.comparison.sgd import ModelRows, SgdSchedule
from gramian.comparison.sweep import sweep as measure_sweep
from gramian.data.source import source_of
from gramian.engines.choice import Engine, engine_of
from gramian.engines.progress import Progress, watched
from gramian.errors import NumericalError, OptionError, one_of
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import solve_linear
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import NA, Options

DIGITS = (2.0, 4.0, 8.0, 12.0)  # targets by default
MAX_ITERATIONS = 1_000_000
MAX_DIGITS = 15  # float64 has no more


@dataclass(frozen=True, slots=True)
class Settings:
    """Options of a comparison, validated.

    Attributes
    ----------
    methods : tuple of str
        Names of the methods.
    digits : tuple of float
        Targets, rising.
    limit : int
        Largest number of steps.
    schedule : SgdSchedule
        Options of gradient descent and stochastic gradient descent.
    """

    methods: tuple[str, ...]
    digits: tuple[float, ...]
    limit: int
    schedule: SgdSchedule


def compare(
    formula: str,
    data: Any,
    *,
    methods: Iterable[str] | None = None,
    digits: Sequence[float] = DIGITS,
    scale_features: bool | None = None,
    rate: float = 0.01,
    passes: int = 10,
    max_iterations: int = MAX_ITERATIONS,
    sweep: bool = False,
    weights: str | None = None,
    counts: str | None = None,
    na: str = "drop",
    engine: Engine | str | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare the direct solution of the normal equations with gradient descent and other iterative methods.

    Parameters
    ----------
    formula : str
        Formula of the linear model.
    data : object
        Rows, in any form that `gramian.ols` accepts.
    methods : iterable of str, optional
        Names of methods; all by default: "normal-equation", "gradient-descent", "best-rate", "line-search", "nesterov",
        "conjugate-gradient", "l-bfgs", "sgd".
    digits : sequence of float, default (2, 4, 8, 12)
        Targets, above 0 and at most 15.
    scale_features : bool, optional
        True for columns with mean 0 and standard deviation 1, False for columns as they are, None for both.
    rate : float, default 0.01
        Rate of gradient descent with a fixed rate, and initial rate of stochastic gradient descent.
    passes : int, default 10
        Largest number of passes of stochastic gradient descent, each of which reads the rows again.
    max_iterations : int, default 1,000,000
        Largest number of steps. Long runs are not run but computed from a closed form, where there is one.
    sweep : bool, default False
        Whether to measure times against the number of features as well.
    weights, counts, na
        As in `gramian.ols`.
    engine : Engine or str, optional
        Where the moments are computed; by default in threads of this process.
    progress : Progress, optional
        Is informed of the rows and bytes that are read.

    Returns
    -------
    Comparison

    Raises
    ------
    FormulaError, OptionError, DataError, NumericalError
        As `gramian.ols`.

    Notes
    -----
    All methods minimize f(b) = b'Ab/2 - c'b from zero, with A = X'X/n and c = X'y/n of the model columns (the column of
    ones included), rounded once to float64. Digits are -log10(||b_k - b|| / ||b||), where b solves A b = c to all
    digits; with dependent columns b has minimum norm, which is the limit of all methods that start from zero.

    Examples
    --------
    >>> from gramian.comparison import compare
    >>> result = compare("y ~ x", {"x": [1, 2, 3, 4], "y": [2, 4, 5, 8]}, methods=["best-rate"])
    >>> [entry.iterations for entry in result.entries if not entry.scaled]
    [129, 257, 514, 771]
    """
    settings = _settings(methods, digits, rate, passes, max_iterations)
    scales = (False, True) if scale_features is None else (bool(scale_features),)
    options = Options(weights, counts, one_of("na", na, NA) == "drop", "min-norm")
    source = source_of(data)
    began = perf_counter()
    # Preparation may read rows too (levels, knots), so its time counts.
    with watched(progress, source.rows, source.size):
        design, full_source = prepare(formula, source, options)
        accumulated = engine_of(engine, data).fold(full_source, Accumulate(design, options.drop), progress=progress)
    pass_seconds = perf_counter() - began
    solved = solve_linear(design, accumulated, options)
    problems, counted = list[Problem](), list[tuple[str, bool, MethodResult]]()
    # Methods are timed against each other: BLAS would use threads for some of their operations and not for others.
    with threadpool_limits(limits=1, user_api="blas"):
        for problem in _problems(solved, accumulated, scales):
            rows = ModelRows(
                design, solved.parametrization, accumulated.moments.levels, options.drop, problem.mean, problem.std
            )
            task = Task(problem, rows, full_source, accumulated.moments.weight / accumulated.moments.rows, settings)
            problems.append(problem)
            counted += [(method, problem.scaled, task.count(method)) for method in settings.methods]
    return Comparison(
        formula=formula,
        names=solved.names,
        rows=solved.rows,
        dropped_rows=solved.dropped_rows.by_cause,
        rank=solved.rank,
        intercept=solved.intercept,
        digits=settings.digits,
        condition={_label(p): p.quadratic.condition for p in problems},
        attainable={_label(p): p.quadratic.attainable for p in problems},
        entries=tuple(entry for _, _, (entries, _) in counted for entry in entries),
        history={(method, scaled): history for method, scaled, (_, history) in counted},
        pass_seconds=pass_seconds,
        sweep=measure_sweep() if sweep else None,
    )


@dataclass(frozen=True, slots=True)
class Task:
    """One problem, and the rows that it was made of.

    Attributes
    ----------
    problem : Problem
        The least squares problem.
    rows : ModelRows
        Reads rows in the columns of the problem.
    source : Source
        The data.
    mean_weight : float
        Mean weight of a row.
    settings : Settings
        Options.
    """

    problem: Problem
    rows: ModelRows
    source: Source
    mean_weight: float
    settings: Settings

    def count(self, method: str) -> MethodResult:
        """Entries and history of a method."""
        settings, schedule = self.settings, self.settings.schedule
        if method == NORMAL:
            return solved_directly(self.problem, settings.digits)
        if method != STOCHASTIC:
            run = Run(iterative(schedule.rate)[method], self.problem, settings.digits, settings.limit)
            return run.count()
        if not self.source.rereadable:
            return unavailable(self.problem, schedule, settings.digits)
        return stochastic(self.problem, self.rows, self.source, schedule, settings.digits, self.mean_weight)


def _problems(solved: Solved, accumulated: Accumulated, scales: Sequence[bool]) -> Iterator[Problem]:
    """The problem for each scaling (True for standardised columns)."""
    if not solved.rank:
        raise NumericalError("every column is zero, so there is nothing to compare")
    products = products_of(accumulated.moments, solved.parametrization, len(solved.names))
    yield from (scaled(solved, products) if s else raw(solved, products) for s in scales)


def _label(problem: Problem) -> str:
    """Key of a problem in a comparison: "raw" or "scaled"."""
    return SCALED if problem.scaled else RAW


def _settings(methods: Iterable[str] | None, digits: Sequence[float], rate: float, passes: int, limit: int) -> Settings:
    """Validated options. Raises OptionError for a value without meaning."""
    if isinstance(methods, str):
        raise OptionError(f"methods must be a list of names, such as [{methods!r}]")
    requested = {one_of("methods", name, NAMES) for name in (NAMES if methods is None else methods)}
    if not requested:
        raise OptionError(f"methods must name at least one of {', '.join(NAMES)}")
    if not digits or not all(0.0 < d <= MAX_DIGITS for d in digits):
        raise OptionError(f"digits must be between 0 and {MAX_DIGITS}, found {list(digits)!r}")
    if not 0.0 < rate < float("inf"):
        raise OptionError(f"rate must be a positive number, found {rate!r}")
    for name, value in (("passes", passes), ("max_iterations", limit)):
        if value < 1:
            raise OptionError(f"{name} must be at least 1, found {value!r}")
    ordered = tuple(name for name in NAMES if name in requested)
    return Settings(ordered, tuple(sorted({float(d) for d in digits})), limit, SgdSchedule(rate, passes=passes))
