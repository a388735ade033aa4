"""Sums of the training and the test rows of the splits of a cross-validation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.sklearn.rows import Rows
from gramian.sklearn.sums import Sums, sums_of

Split = tuple[NDArray[np.int64], NDArray[np.int64]]


def fold_sums(
    rows: Rows,
    splits: Sequence[Split],
    outcomes: tuple[str, ...],
    weight: str | None,
    like: Sums,
    *,
    centred: bool,
    jobs: Any = None,
) -> Iterator[tuple[Sums, Sums]]:
    """Sums of the training rows and of the test rows of each split.

    Parameters
    ----------
    rows : Rows
        All rows.
    splits : sequence of pairs
        Positions of training and test rows.
    outcomes : tuple of str
        Names of the outcomes.
    weight : str or None
        Name of the column of weights.
    like : Sums
        Sums whose shift is used.
    centred : bool
        Whether columns may be shifted.
    jobs : int or None
        Threads, as `n_jobs` in `local`.

    Yields
    ------
    (train, test) : pair of Sums
        Where the test sets are a partition of the rows, training sums are totals of the other test sums, and each row
        is read once. Otherwise the training rows of every split are read.
    """

    def subset_sums(index: NDArray[np.int64]) -> Sums:
        return sums_of(take_rows(rows, index), outcomes, weight, centred=centred, like=like, jobs=jobs)

    tests = [subset_sums(test) for _, test in splits]
    if not is_partition(splits, rows.rows):
        yield from ((subset_sums(train), test) for (train, _), test in zip(splits, tests, strict=True))
        return
    # Added, not subtracted from the total of all: subtraction would lose digits where one fold has large values.
    for i, test in enumerate(tests):
        yield reduce(add, [*tests[:i], *tests[i + 1 :]]), test


def take_rows(rows: Rows, index: NDArray[np.int64]) -> Rows:
    """The source of the rows at positions `index`."""
    return replace(rows, X=SelectedRows(rows, index), vectors={name: v[index] for name, v in rows.vectors.items()})


class SelectedRows:
    """Rows of a matrix at given positions, extracted block by block."""

    def __init__(self, rows: Rows, index: NDArray[np.int64]) -> None:
        self.rows, self.index = rows, index
        self.shape = (len(index), rows.X.shape[1])

    def __getitem__(self, rows: slice) -> Any:
        return self.rows.take(self.index[rows])


def is_partition(splits: Sequence[Split], rows: int) -> bool:
    """Whether every row is a test row in one split and a training row in all others."""
    tested = np.zeros(rows, np.int64)
    for train, test in splits:
        np.add.at(tested, test, 1)
        # Training rows must be distinct, disjoint from the test rows, and all of the others.
        inside = np.zeros(rows, bool)
        inside[train] = True
        inside[test] = False
        if len(train) + len(test) != rows or int(inside.sum()) != len(train):
            return False
    return len(splits) > 1 and bool((tested == 1).all())


def checked_splits(cv: Any, X: Any, y: Any, **params: Any) -> list[Split]:
    """The splits of `cv` as positions of rows. Raises ValueError where a split has no training or no test rows."""
    splits = [(_positions(train), _positions(test)) for train, test in cv.split(X, y, **params)]
    if not splits or any(not len(train) or not len(test) for train, test in splits):
        raise ValueError("cv gives no splits, or one without training or test rows; use fewer folds")
    return splits


def _positions(index: Any) -> NDArray[np.int64]:
    """Positions of rows, from positions or from a mask."""
    index = np.asarray(index)
    return np.flatnonzero(index) if index.dtype == np.bool_ else index.astype(np.int64)
