"""Cross-validation from the moments of folds: no row is read again.

The training set of a fold is the sum of the other folds, formed by adding them: subtracting the fold from the sum of
all rows would lose what a large fold has rounded away. The error on a fold is a quadratic form of its moments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from operator import add

import numpy as np

from gramian.engines.fold import one_thread
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
    """Errors for a sequence of n penalties.

    Attributes
    ----------
    path : SolvedPath
        The path of all rows, at the same penalties.
    errors : ndarray
        (folds, n) mean squared errors on the rows of each fold.
    mean_error, std_error : ndarray
        (n,) mean over the folds, and its standard error.
    best : int
        Position of the least mean error.
    one_se : int
        Position of the largest penalty whose mean error is within one standard error of the least.
    fold_rows : tuple of int
        Rows of each fold.
    folds : tuple of str
        Names of the folds.
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
    """Errors on each fold of the fits to all other folds, for a path of penalties.

    Parameters
    ----------
    design : Design
        Design with its coordinates.
    folds : sequence of Moments
        Moments of one design whose sum is that of all rows: numbered folds, or any groups to leave out in turn.
    options : PathOptions
        How to penalise.
    dropped_rows : DroppedRows, optional
        Rows that entered no fold.
    names : sequence, optional
        Names of the folds; by default their numbers.

    Raises
    ------
    OptionError
        For fewer than two folds, and as `solve_path`.
    NumericalError
        Where a fold has no rows.
    ConvergenceError
        As `solve_path`.

    Notes
    -----
    Means, and standard deviations under `standardize`, are those of the training set. The polynomials of `poly` and the
    scaling of `scale` are part of the design, so they come from all rows.
    """
    fold_names = tuple(map(str, range(len(folds)) if names is None else names))
    _check(folds, fold_names)
    total = reduce(add, folds)
    problem = penalized_problem(design, total, options)
    parts = [sums_of(problem, fold) for fold in folds]
    with one_thread():
        system = centred_system(problem, reduce(add, parts))
        solutions = path(system, problem.penalty, options.alpha_array)
        # means and standard deviations of the training set, never of the test fold: nothing of a fold enters its own
        # fit
        errors = np.array(
            [_fold_errors(problem, train, test, solutions.alphas) for train, test in training_sets(parts)]
        )
    # folds count equally, whatever their number of rows, as in scikit-learn
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
    """Raise OptionError for fewer than two folds, NumericalError for a fold without rows."""
    if len(folds) < 2:
        raise OptionError(f"cross-validation needs two folds or more, found {len(folds)}")
    empty = [name for name, fold in zip(names, folds, strict=True) if not fold.rows]
    if empty:
        raise NumericalError(
            f"fold {', '.join(empty[:12])} of {len(folds):,} has no rows to measure an error on; use fewer folds"
        )


def training_sets(parts: Sequence[Sums]) -> Iterator[tuple[Sums, Sums]]:
    """Pairs (sum of all other parts, part), for two or more parts, in order: 3 n additions in all, by partial sums."""
    after = list(accumulate(reversed(parts[1:]), add))  # the last one, the last two, ..., all but the first
    yield after.pop(), parts[0]
    # sums from the left; those from the right have been computed, so that each set is one more addition
    before = parts[0]
    for part in parts[1:-1]:
        yield before + after.pop(), part
        before = before + part
    yield before, parts[-1]


def _fold_errors(problem: PenalizedProblem, train: Sums, test: Sums, alphas: Vector) -> Vector:
    """Mean squared errors (n,) on the test rows of the path of the training rows."""
    system = centred_system(problem, train)
    slopes = path(system, problem.penalty, alphas).coefficients
    return squared_errors(system, centred_system(problem, test), slopes)


def squared_errors(train: System, test: System, slopes: Matrix) -> Vector:
    """Mean squared errors (n,) on the test rows for slopes (n, q) fitted to the training rows.

    The mean of e^2 is the variance of e, a quadratic form of the centred test products, plus its squared mean: two
    terms, neither of them negative, so that nothing cancels.
    """
    mean_error = (test.y_mean - train.y_mean) - slopes @ (test.mean - train.mean)
    return np.asarray(squares(test, slopes) / test.weight + mean_error**2)
