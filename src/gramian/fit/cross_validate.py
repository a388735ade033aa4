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
from gramian.fit.path import SolvedPath, told
from gramian.fit.penalties import PathOptions
from gramian.fit.pose import Posed, Sums, centred_system, pose, sums_of
from gramian.formula.design import Design
from gramian.formula.tally import Tally
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
    tally: Tally | None = None,
    names: Sequence[object] | None = None,
) -> SolvedCrossValidation:
    """Errors on each fold of the fits to the others, for a whole path.

    folds : moments of one design whose sum is the whole: numbered folds, or any groups to leave out in turn. Means,
    and deviations under `standardize`, are those of the training part; the polynomials of `poly` and `scale` those of
    the whole. names : of the folds, their numbers by default.
    Raises what `solve_path` does, OptionError for less than two folds, NumericalError where one has no rows.
    """
    called = tuple(map(str, range(len(folds)) if names is None else names))
    _check(folds, called)
    whole = reduce(add, folds)
    posed = pose(design, whole, options)
    parts = [sums_of(posed, fold) for fold in folds]
    with one_thread():
        system = centred_system(posed, reduce(add, parts))
        solutions = path(system, posed.penalty, options.wanted)
        errors = np.array([_errors(posed, train, test, solutions.alphas) for train, test in training(parts)])
    mean, spread = errors.mean(axis=0), errors.std(axis=0, ddof=1) / np.sqrt(len(folds))
    best = int(np.argmin(mean))
    return SolvedCrossValidation(
        told(posed, options, system, solutions, whole, tally or Tally()),
        errors,
        mean,
        spread,
        best,
        int(np.argmax(mean <= mean[best] + spread[best])),
        tuple(fold.rows for fold in folds),
        called,
    )


def _check(folds: Sequence[Moments], names: tuple[str, ...]) -> None:
    if len(folds) < 2:
        raise OptionError(f"cross-validation needs two folds or more, found {len(folds)}")
    empty = [name for name, fold in zip(names, folds, strict=True) if not fold.rows]
    if empty:
        raise NumericalError(
            f"fold {', '.join(empty[:12])} of {len(folds):,} has no rows to measure an error on; use fewer folds"
        )


def training(parts: Sequence[Sums]) -> Iterator[tuple[Sums, Sums]]:
    """For each of two or more parts the sum of all others, and it."""
    after = list(accumulate(reversed(parts[1:]), add))  # the last one, the last two, ..., all but the first
    yield after.pop(), parts[0]
    before = parts[0]
    for part in parts[1:-1]:
        yield before + after.pop(), part
        before = before + part
    yield before, parts[-1]


def _errors(posed: Posed, train: Sums, test: Sums, alphas: Vector) -> Vector:
    system = centred_system(posed, train)
    slopes = path(system, posed.penalty, alphas).coefficients
    return squared_errors(system, centred_system(posed, test), slopes)


def squared_errors(train: System, test: System, slopes: Matrix) -> Vector:
    """Mean squared errors on the test rows of fits to the training rows, (n,), for slopes (n, q).

    The errors about their own mean are a quadratic form of the centred products, their mean is that of the means:
    two summands, neither negative.
    """
    off = (test.y_mean - train.y_mean) - slopes @ (test.mean - train.mean)
    return np.asarray(squares(test, slopes) / test.weight + off**2)
