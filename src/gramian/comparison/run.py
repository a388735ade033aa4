"""`compare`: one pass for the moments, then every method on them, beside each other."""

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
from gramian.comparison.sweep import sweep as measured
from gramian.data.source import source_of
from gramian.engines.choice import Engine, engine_of
from gramian.engines.progress import Progress, watched
from gramian.errors import NumericalError, OptionError, one_of
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import solve_linear
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.options import NA, Options
from gramian.fit.passes.prepare import prepare

DIGITS = (2.0, 4.0, 8.0, 12.0)
MAX_ITERATIONS = 1_000_000
MAX_DIGITS = 15  # float64 has no more


@dataclass(frozen=True, slots=True)
class Settings:
    """What is compared, and with which settings."""

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
    """The normal equation beside gradient descent and friends on these data.

    The methods minimise f(b) = b'Ab/2 - c'b from zero, with A = X'X/n and c = X'y/n of the model's own columns (the
    column of ones included), rounded once to float64. Digits are -log10(||b_k - b|| / ||b||), where b solves this
    system to all digits; for dependent columns b has the least norm, which is where all methods from zero go.

    methods : names out of `NAMES`, all by default. digits : targets. scale_features : True for columns with mean 0 and
    standard deviation 1 beside the intercept, False for columns as they are, None for both.
    rate : of gradient descent with a fixed rate, and the first one of stochastic gradient descent.
    passes : of stochastic gradient descent at most; it reads the rows again for each, all others share one pass.
    max_iterations : longer ways are foretold instead of gone. sweep : measure time against the number of features, too.
    Other options as `ols`. Raises what `ols` raises.

    >>> from gramian.comparison import compare
    >>> told = compare("y ~ x", {"x": [1, 2, 3, 4], "y": [2, 4, 5, 8]}, methods=["best-rate"])
    >>> [entry.iterations for entry in told.entries if not entry.scaled]
    [129, 257, 514, 771]
    """
    settings = _settings(methods, digits, rate, passes, max_iterations)
    scales = (False, True) if scale_features is None else (bool(scale_features),)
    options = Options(weights, counts, one_of("na", na, NA) == "drop", "min-norm")
    source = source_of(data)
    began = perf_counter()
    with watched(progress, source.rows, source.size):
        design, full_source = prepare(formula, source, options)
        accumulated = engine_of(engine, data).fold(full_source, Accumulate(design, options.drop), progress=progress)
    pass_seconds = perf_counter() - began
    solved = solve_linear(design, accumulated, options)
    problems, counted = list[Problem](), list[tuple[str, bool, MethodResult]]()
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
        swept=measured() if sweep else None,
    )


@dataclass(frozen=True, slots=True)
class Task:
    """One problem, and the rows that it was made of."""

    problem: Problem
    rows: ModelRows
    source: Source
    mean_weight: float
    settings: Settings

    def count(self, method: str) -> MethodResult:
        """What a method takes."""
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
    if not solved.rank:
        raise NumericalError("every column is zero, so there is nothing to compare")
    products = products_of(accumulated.moments, solved.parametrization, len(solved.names))
    yield from (scaled(solved, products) if s else raw(solved, products) for s in scales)


def _label(problem: Problem) -> str:
    return SCALED if problem.scaled else RAW


def _settings(methods: Iterable[str] | None, digits: Sequence[float], rate: float, passes: int, limit: int) -> Settings:
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
