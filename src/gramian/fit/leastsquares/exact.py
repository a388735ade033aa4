"""A linear fit from exact sums: coefficients correctly rounded, rank decided in exact arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np

from gramian.data.csv.decimal_text import as_text
from gramian.errors import NotIdentifiedError, OptionError
from gramian.fit.leastsquares.accuracy import EXACT, LARGEST, SMALLEST, Accuracy
from gramian.fit.leastsquares.exact_solution import WEIGHT_ROUNDING, solve_exactly
from gramian.fit.leastsquares.exact_system import ExactSystem, exact_system
from gramian.fit.leastsquares.model_columns import dependent_message
from gramian.fit.leastsquares.outcome import check_combinations, total_square
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.passes.accumulate_exact import AccumulateExact, ExactAccumulated
from gramian.fit.passes.job import Job
from gramian.fit.passes.memory import checked_width
from gramian.fit.passes.options import Options
from gramian.formula.coding import empty_cells
from gramian.formula.design import Design
from gramian.linalg import maps
from gramian.linalg.aliasing import explain
from gramian.linalg.certificate import EPS, MAX_DIGITS, digits, required_std_error_digits, scaled_bounds
from gramian.linalg.exact.fit import ExactFit, exact_fit
from gramian.linalg.exact.near_collinear import near_collinear, subset
from gramian.linalg.exact.products import ExactGram
from gramian.linalg.exact.solve import LONGEST, LONGEST_UNASKED
from gramian.linalg.exact.to_float64 import nearest, square_root
from gramian.linalg.solve import Solution
from gramian.typing import Codes, Mask, Matrix, Vector

STD_ERROR_ROUNDING = (
    2.0**-50
)  # relative error of a standard error: two roots and a product of correctly rounded numbers


def accumulate_exactly(job: Job) -> ExactAccumulated:
    """Run the pass of exact sums.

    Raises OptionError for a penalty or the minimum-norm solution, DataError if the model is too wide for memory.
    """
    options = job.options
    if options.alpha is not None or options.collinear == "min-norm":
        raise OptionError('exact sums give unpenalised fits with collinear="drop" or "raise" only')
    task = AccumulateExact(job.design, options.drop, options.decimal)
    accumulated = job.fold(task, as_text(job.source) if options.decimal else None)
    levels = {name: len(names) for name, names in accumulated.moments.levels.items()}
    checked_width(job.design.terms, levels)
    return accumulated


def exact_solved(
    design: Design,
    accumulated: ExactAccumulated,
    options: Options,
    passes: int = 1,
    nearly_dependent: tuple[str, ...] | None = None,
) -> Solved:
    """A fit from exact moments.

    Parameters
    ----------
    design : Design
        Terms, and the coordinates in which predictions are computed.
    accumulated : ExactAccumulated
        Exact moments, and dropped rows.
    options : Options
        `collinear` and `digits` are used.
    passes : int
        Number of passes so far.
    nearly_dependent : tuple of str, optional
        Columns that float64 treated as dependent. They are dropped if they equal a combination of others up to the
        rounding of their own values.

    Raises
    ------
    NotIdentifiedError
        For dependent columns under collinear="raise".
    NumericalError
        If there are no rows.
    """
    moments = accumulated.moments
    system = exact_system(design, moments)
    gram, p = system.gram(), len(system.names)
    constant, names = system.parametrization.constant, system.names
    dropped, null = near_collinear(gram, constant, [names.index(n) for n in nearly_dependent or ()])
    used = np.flatnonzero(~dropped)
    constant_position = None if constant is None else int(np.flatnonzero(used == constant)[0])
    longest = LONGEST if nearly_dependent is None else LONGEST_UNASKED
    # columns that are dependent up to rounding are dropped before; exactly dependent ones are found by the exact solve
    (response,), total = design.outcome, moments.outcome(1)
    check_combinations(system.parametrization, names, response)
    total_square(total if constant is None else total - moments.outcome(0) ** 2 / moments.weight, response)
    products_of_fit = subset(gram, np.append(used, p))
    fit = exact_fit(products_of_fit, constant_position, tuple(names[i] for i in used), moments, longest)
    aliased = {**dict(fit.aliased), **_alias_texts(gram, dropped, null, names)}
    aliased = {n: aliased[n] for n in names if n in aliased}
    if aliased and options.collinear == "raise":
        raise NotIdentifiedError(dependent_message(aliased), aliased)
    all_null = np.column_stack([null, _scattered_rows(fit.solution.null.astype(np.float64), used, p)])
    solution = solve_exactly(system, used, fit, products_of_fit, all_null, longest)
    return Solved(
        formula=design.formula,
        design=replace(design, levels=dict(moments.levels)),
        levels=system.levels,
        parametrization=system.parametrization,
        solution=solution,
        names=names,
        terms=tuple(c.term for c in system.columns),
        coefficients=_scattered(fit.coefficients, used, p),
        inverse=_scattered_square(fit.inverse, used, p),
        identified=np.isin(np.arange(p), used[fit.solution.identified]),
        aliased=aliased,
        empty_cells=empty_cells(design.terms, system.levels),
        intercept=constant is not None,
        rows=moments.rows,
        weight=fit.weight,
        log_weight=moments.log_weight,
        rss=fit.rss,
        tss=fit.tss,
        mean=fit.mean,
        rank=fit.rank,
        leverage=float(fit.rank),
        condition=solution.condition,
        passes=passes,
        dropped_rows=accumulated.dropped_rows,
        accuracy=_accuracy(design, system, fit, solution, used, p, options.digits),
        inverse_roots=_scattered(
            np.where(fit.solution.identified, [square_root(v) for v in fit.solution.diagonal], np.nan), used, p
        ),
    )


def _alias_texts(gram: ExactGram, dropped: Mask, null: Matrix, names: tuple[str, ...]) -> Mapping[str, str]:
    """Name of each dropped column -> the combination it equals. dropped : (p,). null : (p, r) null vectors."""
    norms = np.array([square_root(gram.fraction(i, i)) for i in range(len(names))])
    pairs = zip(np.flatnonzero(dropped), null.T, strict=True)
    return {names[j]: explain(column, norms, names, int(j)) for j, column in pairs}


def _scattered(values: Vector, used: Codes, p: int) -> Vector:
    """Values of the used columns in a vector (p,), NaN elsewhere."""
    scattered = np.full(p, np.nan)
    scattered[used] = values
    return scattered


def _scattered_rows(values: Matrix, used: Codes, p: int) -> Matrix:
    """Rows of the used columns in a matrix (p, r), zero elsewhere."""
    scattered = np.zeros((p, values.shape[1]))
    scattered[used] = values
    return scattered


def _scattered_square(values: Matrix, used: Codes, p: int) -> Matrix:
    """Rows and columns of the used columns in a matrix (p, p), NaN elsewhere."""
    scattered = np.full((p, p), np.nan)
    scattered[np.ix_(used, used)] = values
    return scattered


def _accuracy(
    design: Design, system: ExactSystem, fit: ExactFit, solution: Solution, used: Codes, p: int, requested: float
) -> Accuracy:
    """Certified digits of an exact fit. used : positions of its columns. p : number of the model's columns."""
    independent = fit.solution.identified
    coefficient_digits = np.where(
        independent, np.where(np.isfinite(fit.coefficients), np.minimum(fit.digits, MAX_DIGITS), 0.0), np.nan
    )
    rss_error = nearest(fit.solution.rss_error) + EPS * fit.rss
    rss_digits = float(digits(np.array([rss_error]), np.array([fit.rss]))[0])
    roots = np.array([square_root(v) for v in fit.solution.diagonal])
    representable = (roots > SMALLEST) & (roots < LARGEST) & (SMALLEST < fit.rss < LARGEST)
    diagonal_errors = zip(fit.solution.diagonal, fit.solution.diagonal_errors, strict=True)
    inverse_error = np.array([0.5 * nearest(e / v) if v > 0 else 0.0 for v, e in diagonal_errors]) + STD_ERROR_ROUNDING
    std_error_digits = np.where(
        independent, np.where(representable, digits(inverse_error, np.ones(len(roots))), 0.0), np.nan
    )
    negligible = fit.solution.rss <= 0
    if design.weight is not None:
        with np.errstate(all="ignore"):
            coefficient_digits, std_error_digits, rss_digits = _weighted_digits(
                system, fit, solution, used, coefficient_digits
            )
    # outside the range of float64 the digits of the exact number are lost as it is rounded
    std_error_digits = np.where(independent & ~representable, 0.0, std_error_digits)
    rss_digits = rss_digits if negligible or SMALLEST < fit.rss < LARGEST else 0.0
    enough_errors = negligible | (std_error_digits >= required_std_error_digits(requested)) | (fit.rows <= fit.rank)
    return Accuracy(
        EXACT,
        requested,
        _scattered(coefficient_digits, used, p),
        _scattered(std_error_digits, used, p),
        rss_digits,
        _scattered(fit.low, used, p),
        bool(((coefficient_digits >= requested) & enough_errors)[independent].all()),
    )


def _weighted_digits(
    system: ExactSystem, fit: ExactFit, solution: Solution, used: Codes, coefficient_digits: Vector
) -> tuple[Vector, Vector, float]:
    """Certified digits of coefficients, standard errors and rss of a fit with weights.

    Exact sums are of rows times the rounded square root of their weight, which is a fit with weights perturbed by at
    most `WEIGHT_ROUNDING`: its effect on the solution limits the digits.
    """
    bounds = solution.bounds
    assert bounds is not None
    T = system.parametrization.model_map
    sensitivity = maps.apply_absolute(T, bounds.sensitivity)[used]
    rss_root = square_root(max(fit.solution.rss, Fraction(0)))
    error = scaled_bounds(sensitivity, WEIGHT_ROUNDING * rss_root)
    V = np.abs(fit.inverse.diagonal())
    std_errors = rss_root / np.sqrt(max(fit.rows - fit.rank, 1)) * np.sqrt(V)
    weighted = digits(error + EPS * np.abs(fit.coefficients), np.fmax(np.abs(fit.coefficients), std_errors))
    inverse_error = 0.5 * bounds.inverse(sensitivity) / V + WEIGHT_ROUNDING
    return (
        np.minimum(coefficient_digits, weighted),
        digits(inverse_error, np.ones(len(V))),
        float(digits(np.array([WEIGHT_ROUNDING]), np.ones(1))[0]),
    )
