"""Cross-validation from the moments of folds: no row is read again.

The training part of a fold is the sum of the other folds, formed by adding them (never by subtracting the fold from
the whole, which would lose what a large fold has rounded away); the error on a fold is a quadratic form of its own
moments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from operator import add

import numpy as np

from gramian.engines.blas import one_thread
from gramian.errors import NumericalError, OptionError
from gramian.fit.penalized.options import PathOptions
from gramian.fit.penalized.path import SolvedPath, assemble_path
from gramian.fit.penalized.problem import PenalizedProblem, Sums, centred_system, penalized_problem, sums_of
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.linalg.moments import Moments
from gramian.linalg.penalized.paths import path
from gramian.linalg.penalized.system import System, squares
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True)
class SolvedCrossValidation:
    """Errors for a row of penalties.

    path : of all rows, at the same alphas. errors : (folds, n) mean squared errors on the rows of each fold.
    mean_error, std_error : (n,) over folds. best : place of the least mean error, one_se : of the largest alpha whose
    mean error is within one standard error of it. fold_rows : (folds,) rows of each. folds : what they are called.
    """

    path: SolvedPath
    errors: Matrix
    mean_error: Vector
    std_error: Vector
    best: int
    one_se: int
    fold_rows: tuple[int, ...]
    folds: tuple[str, ...]


def cross_validate(
    design: Design,
    folds: Sequence[Moments],
    options: PathOptions,
    dropped_rows: DroppedRows | None = None,
    names: Sequence[object] | None = None,
) -> SolvedCrossValidation:
    """Errors on each fold of the fits to the others, for a whole path.

    folds : moments of one design whose sum is the whole: numbered folds, or any groups to leave out in turn. Means,
    and deviations under `standardize`, are those of the training part; the polynomials of `poly` and `scale` those of
    the whole. names : of the folds, their numbers by default.
    Raises what `solve_path` does, OptionError for less than two folds, NumericalError where one has no rows.
    """
    fold_names = tuple(map(str, range(len(folds)) if names is None else names))
    _check(folds, fold_names)
    total = reduce(add, folds)
    problem = penalized_problem(design, total, options)
    parts = [sums_of(problem, fold) for fold in folds]
    with one_thread():
        system = centred_system(problem, reduce(add, parts))
        solutions = path(system, problem.penalty, options.alpha_array)
        errors = np.array(
            [_fold_errors(problem, train, test, solutions.alphas) for train, test in training_sets(parts)]
        )
    mean_error, std_error = errors.mean(axis=0), errors.std(axis=0, ddof=1) / np.sqrt(len(folds))
    best = int(np.argmin(mean_error))
    return SolvedCrossValidation(
        assemble_path(problem, options, system, solutions, total, dropped_rows or DroppedRows()),
        errors,
        mean_error,
        std_error,
        best,
        int(np.argmax(mean_error <= mean_error[best] + std_error[best])),
        tuple(fold.rows for fold in folds),
        fold_names,
    )


def _check(folds: Sequence[Moments], names: tuple[str, ...]) -> None:
    if len(folds) < 2:
        raise OptionError(f"cross-validation needs two folds or more, found {len(folds)}")
    empty = [name for name, fold in zip(names, folds, strict=True) if not fold.rows]
    if empty:
        raise NumericalError(
            f"fold {', '.join(empty[:12])} of {len(folds):,} has no rows to measure an error on; use fewer folds"
        )


def training_sets(parts: Sequence[Sums]) -> Iterator[tuple[Sums, Sums]]:
    """For each of two or more parts the sum of all others, and it."""
    after = list(accumulate(reversed(parts[1:]), add))  # the last one, the last two, ..., all but the first
    yield after.pop(), parts[0]
    before = parts[0]
    for part in parts[1:-1]:
        yield before + after.pop(), part
        before = before + part
    yield before, parts[-1]


def _fold_errors(problem: PenalizedProblem, train: Sums, test: Sums, alphas: Vector) -> Vector:
    system = centred_system(problem, train)
    slopes = path(system, problem.penalty, alphas).coefficients
    return squared_errors(system, centred_system(problem, test), slopes)


def squared_errors(train: System, test: System, slopes: Matrix) -> Vector:
    """Mean squared errors on the test rows of fits to the training rows, (n,), for slopes (n, q).

    The errors about their own mean are a quadratic form of the centred products, their mean is that of the means:
    two summands, neither negative.
    """
    mean_error = (test.y_mean - train.y_mean) - slopes @ (test.mean - train.mean)
    return np.asarray(squares(test, slopes) / test.weight + mean_error**2)
