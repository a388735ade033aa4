"""Sums of the training and the test rows of a cross-validation's splits."""

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

    Where every row is tested once and trained on otherwise, the training part of a fold is the sum of the others:
    each row is read once for all folds. Any other splits have their training rows read for each.
    """

    def subset_sums(index: NDArray[np.int64]) -> Sums:
        return sums_of(take_rows(rows, index), outcomes, weight, centred=centred, like=like, jobs=jobs)

    tests = [subset_sums(test) for _, test in splits]
    if not is_partition(splits, rows.rows):
        yield from ((subset_sums(train), test) for (train, _), test in zip(splits, tests, strict=True))
        return
    for i, test in enumerate(tests):
        yield reduce(add, [*tests[:i], *tests[i + 1 :]]), test


def take_rows(rows: Rows, index: NDArray[np.int64]) -> Rows:
    """Some of the rows, by their numbers."""
    return replace(rows, X=SelectedRows(rows, index), vectors={name: v[index] for name, v in rows.vectors.items()})


class SelectedRows:
    """Rows of a matrix in another order, gathered block by block."""

    def __init__(self, rows: Rows, index: NDArray[np.int64]) -> None:
        self.rows, self.index = rows, index
        self.shape = (len(index), rows.X.shape[1])

    def __getitem__(self, rows: slice) -> Any:
        return self.rows.take(self.index[rows])


def is_partition(splits: Sequence[Split], rows: int) -> bool:
    """Whether every row is tested in one split and trained on in all others."""
    tested = np.zeros(rows, np.int64)
    for train, test in splits:
        np.add.at(tested, test, 1)
        inside = np.zeros(rows, bool)
        inside[train] = True
        inside[test] = False
        if len(train) + len(test) != rows or int(inside.sum()) != len(train):
            return False
    return len(splits) > 1 and bool((tested == 1).all())


def checked_splits(cv: Any, X: Any, y: Any, **params: Any) -> list[Split]:
    """The splits, as positions of rows."""
    splits = [(_positions(train), _positions(test)) for train, test in cv.split(X, y, **params)]
    if not splits or any(not len(train) or not len(test) for train, test in splits):
        raise ValueError("cv gives no splits, or one without training or test rows; use fewer folds")
    return splits


def _positions(index: Any) -> NDArray[np.int64]:
    index = np.asarray(index)
    return np.flatnonzero(index) if index.dtype == np.bool_ else index.astype(np.int64)
