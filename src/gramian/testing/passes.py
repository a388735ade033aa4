"""The laws of passes and of what they leave."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import add
from typing import Any

import numpy as np

from gramian.batch import Batch
from gramian.engines.tree import Tree
from gramian.testing.values import equal, floats, law, same_bits
from gramian.typing import M, Pass

EPS = 2.0**-53
EXTRA_ROUNDINGS = 8  # roundings that a term has behind it before it is added
View = Callable[[Any], Any]


def identity(partial: Any) -> Any:
    """The view of a partial whose own numbers add."""
    return partial


def check_pass(
    task: Pass[M], batches: Iterable[Batch], *, view: View = identity, exact: bool = False, slack: float = 1.0
) -> None:
    """The laws of a pass: `lift(a ++ b) == lift(a) + lift(b)` for all cuts, a zero, pickling, no memory.

    batches : few rows, each of which is also lifted by itself for the size of the terms t_i. view : what of a partial
    is compared where its own numbers do not add (R'R of a triangle, the digest of exact sums). exact : sums have to
    be equal; otherwise they may differ by the rounding of n terms, (n + FEW) 2^-53 sum |t_i|. slack : times that.
    """
    batch_list = list(batches)
    pickled, total = pickle.dumps(batch_list), task.accumulate(batch_list)
    rows = [_slice(batch, i, i + 1) for batch in batch_list for i in range(batch.rows)]
    law("a pass remembers nothing", same_bits(task.accumulate(batch_list), total))
    law("a pickled pass gives the same bits", same_bits(pickle.loads(pickle.dumps(task)).accumulate(batch_list), total))
    law("batches can be pickled", same_bits(task.accumulate(pickle.loads(pickled)), total))
    law("a pickled partial has the same bits", same_bits(pickle.loads(pickle.dumps(total)), total))
    law("a pass leaves the rows as they are", pickle.dumps(batch_list) == pickled)
    law("columns are names", all(isinstance(name, str) for name in task.columns))
    terms = None if exact else _Terms.of([task.accumulate([row]) for row in rows], total, view, slack)
    for pieces in _cuts(batch_list):
        parts = [task.accumulate(piece) for piece in pieces]
        description = f"lift(a ++ b) == lift(a) + lift(b), {len(parts)} pieces"
        _check(description, reduce(add, parts, task.empty), total, view, terms)
        _check(f"{description}, added as a tree", _paired(parts, task.empty), total, view, terms)
    check_monoid(
        [task.accumulate(piece) for piece in _thirds(batch_list)], task.empty, view=view, exact=exact, slack=slack
    )


def check_monoid(
    parts: Sequence[M], empty: M, *, view: View = identity, exact: bool = False, slack: float = 1.0
) -> None:
    """The laws of partials: `+` associates and commutes, `empty` is its zero, and neither side is changed.

    Options as in `check_pass`; the terms are the parts.
    """
    pickled = [pickle.dumps(part) for part in parts]
    for a in parts:
        law("empty + a == a", equal(view(empty + a), view(a)))
        law("a + empty == a", equal(view(a + empty), view(a)))
    for a, b in pairwise(parts):
        terms = None if exact else _Terms.of([a, b], a + b, view, slack)
        _check("a + b == b + a", b + a, a + b, view, terms)
    for a, b, c in zip(parts, parts[1:], parts[2:], strict=False):
        terms = None if exact else _Terms.of([a, b, c], a + b + c, view, slack)
        _check("a + (b + c) == (a + b) + c", a + (b + c), (a + b) + c, view, terms)
    law("`+` leaves both sides as they are", [pickle.dumps(part) for part in parts] == pickled)


@dataclass(frozen=True, slots=True)
class _Terms:
    """How far sums may differ: a bound for every float of a view, in the order of `floats`."""

    bounds: tuple[Any, ...]

    @classmethod
    def of(cls, parts: Sequence[M], total: M, view: View, slack: float) -> _Terms:
        """A part is told with the levels of the whole by adding it to the whole and taking that away again."""
        total_floats = floats(view(total))
        sizes = [np.abs(x) for x in total_floats]
        for part in parts:
            pairs = zip(sizes, floats(view(part + total)), total_floats, strict=True)
            sizes = [size + np.abs(x - y) for size, x, y in pairs]
        rounding_error = slack * (len(parts) + EXTRA_ROUNDINGS) * EPS
        return cls(tuple(rounding_error * size for size in sizes))


def _check(name: str, result: Any, expected: Any, view: View, terms: _Terms | None) -> None:
    a, b = view(result), view(expected)
    if terms is None:
        law(name, equal(a, b))
        return
    x, y = floats(a), floats(b)
    law(f"{name}: what is counted", equal(a, b, with_floats=False) and len(x) == len(y))
    for i, j, bound in zip(x, y, terms.bounds, strict=True):
        law(f"{name}: sums", i.shape == j.shape and bool(((np.abs(i - j) <= bound) | (i == j)).all()))


def _slice(batch: Batch, start: int, stop: int) -> Batch:
    columns = {name: column[start:stop] for name, column in batch.columns.items()}
    matrices = {name: matrix[start:stop] for name, matrix in batch.matrices.items()}
    return Batch(stop - start, columns, matrices, batch.where, batch.first_row + start)


def _paired(parts: Sequence[M], empty: M) -> M:
    tree: Tree[M] = Tree()
    for part in parts:
        tree.push(part)
    return tree.total(empty)


def _cuts(batches: list[Batch]) -> Iterator[list[list[Batch]]]:
    """Ways to cut the rows into pieces: by batches, each batch in halves, an empty piece, a single first row."""
    yield [[batch] for batch in batches]
    yield [[half] for b in batches for half in (_slice(b, 0, b.rows // 2), _slice(b, b.rows // 2, b.rows))]
    yield [[], batches, []]
    if batches and batches[0].rows:
        first, *rest = batches
        yield [[_slice(first, 0, 1)], [_slice(first, 1, first.rows), *rest]]


def _thirds(batches: list[Batch]) -> list[list[Batch]]:
    return [[_slice(b, b.rows * i // 3, b.rows * (i + 1) // 3) for b in batches] for i in range(3)]
