"""Check that passes and partial results keep their algebraic laws."""

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
from gramian.engines.fold import Tree
from gramian.testing.values import equal, floats, law, same_bits
from gramian.typing import M, Pass

EPS = 2.0**-53  # unit roundoff of float64
EXTRA_ROUNDINGS = 8  # roundings inside a term (shift, product, weight) before it is added
View = Callable[[Any], Any]


def identity(partial: Any) -> Any:
    """The partial result itself: the view of a partial whose own numbers add."""
    return partial


def check_pass(
    task: Pass[M], batches: Iterable[Batch], *, view: View = identity, exact: bool = False, slack: float = 1.0
) -> None:
    """Check the laws of a pass: it is a homomorphism from rows to partial results, has a zero, and keeps no state.

    Parameters
    ----------
    task : Pass
        The pass to check.
    batches : iterable of Batch
        A few rows. Each row is also accumulated alone, which gives the size of the terms t_i of every sum.
    view : callable, optional
        Maps a partial result to the numbers that are compared, where its own numbers do not add (R'R of a triangular
        factor R; the digest of exact sums).
    exact : bool, optional
        Whether sums have to be equal. Otherwise they may differ by the rounding of n terms.
    slack : float, optional
        Factor of that bound.

    Raises
    ------
    AssertionError
        With the name of the first law that does not hold.

    Notes
    -----
    The main law is accumulate(a ++ b) = accumulate(a) + accumulate(b) for every cut of the rows into a and b. Without
    `exact` two sums of the same n terms may differ by (n + 8) 2^-53 sum_i |t_i|, the first-order bound for any order of
    summation, with some roundings inside each term.

    References
    ----------
    Higham, N. J. (2002). Accuracy and Stability of Numerical Algorithms, 2nd ed., section 4.2. SIAM.
    """
    batch_list = list(batches)
    pickled, total = pickle.dumps(batch_list), task.accumulate(batch_list)
    rows = [_slice(batch, i, i + 1) for batch in batch_list for i in range(batch.rows)]
    # Repeated with the same rows: state from the first call would change the bits of the second.
    law("a pass remembers nothing", same_bits(task.accumulate(batch_list), total))
    law("a pickled pass gives the same bits", same_bits(pickle.loads(pickle.dumps(task)).accumulate(batch_list), total))
    law("batches can be pickled", same_bits(task.accumulate(pickle.loads(pickled)), total))
    law("a pickled partial has the same bits", same_bits(pickle.loads(pickle.dumps(total)), total))
    law("a pass leaves the rows as they are", pickle.dumps(batch_list) == pickled)
    law("columns are names", all(isinstance(name, str) for name in task.columns))
    terms = None if exact else _Terms.of([task.accumulate([row]) for row in rows], total, view, slack)
    for pieces in _cuts(batch_list):
        parts = [task.accumulate(piece) for piece in pieces]
        description = f"accumulate(a ++ b) == accumulate(a) + accumulate(b), {len(parts)} pieces"
        _check(description, reduce(add, parts, task.empty), total, view, terms)
        _check(f"{description}, added as a tree", _paired(parts, task.empty), total, view, terms)
    check_monoid(
        [task.accumulate(piece) for piece in _thirds(batch_list)], task.empty, view=view, exact=exact, slack=slack
    )


def check_monoid(
    parts: Sequence[M], empty: M, *, view: View = identity, exact: bool = False, slack: float = 1.0
) -> None:
    """Check that partial results are a commutative monoid: `+` associates and commutes, and `empty` is its zero.

    Parameters
    ----------
    parts : sequence
        Partial results; their numbers are the terms t_i of the bound in `check_pass`.
    empty : partial result
        That of no rows.
    view, exact, slack
        As in `check_pass`.

    Raises
    ------
    AssertionError
        With the name of the first law that does not hold; also where `+` changes one of its operands.
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
    """Rounding bounds for the sums of a view.

    Attributes
    ----------
    bounds : tuple of arrays
        Largest allowed difference of each float of the view, in the order and the shapes of `floats`.
    """

    bounds: tuple[Any, ...]

    @classmethod
    def of(cls, parts: Sequence[M], total: M, view: View, slack: float) -> _Terms:
        """Bounds from the terms of a sum.

        A part may have fewer factor levels than the total, so its arrays may be smaller. Adding it to the total gives
        it the total's levels; the difference to the total is then the size of its terms.
        """
        total_floats = floats(view(total))
        sizes = [np.abs(x) for x in total_floats]
        for part in parts:
            pairs = zip(sizes, floats(view(part + total)), total_floats, strict=True)
            sizes = [size + np.abs(x - y) for size, x, y in pairs]
        rounding_error = slack * (len(parts) + EXTRA_ROUNDINGS) * EPS
        return cls(tuple(rounding_error * size for size in sizes))


def _check(name: str, result: Any, expected: Any, view: View, terms: _Terms | None) -> None:
    """Compare two results: counts and names exactly, floats within the bounds (exactly where `terms` is None)."""
    a, b = view(result), view(expected)
    if terms is None:
        law(name, equal(a, b))
        return
    x, y = floats(a), floats(b)
    law(f"{name}: what is counted", equal(a, b, with_floats=False) and len(x) == len(y))
    # i == j lets equal infinities pass, whose difference is not a number.
    for i, j, bound in zip(x, y, terms.bounds, strict=True):
        law(f"{name}: sums", i.shape == j.shape and bool(((np.abs(i - j) <= bound) | (i == j)).all()))


def _slice(batch: Batch, start: int, stop: int) -> Batch:
    """Rows `start` to `stop` of a batch, which knows their place in the source."""
    columns = {name: column[start:stop] for name, column in batch.columns.items()}
    matrices = {name: matrix[start:stop] for name, matrix in batch.matrices.items()}
    return Batch(stop - start, columns, matrices, batch.where, batch.first_row + start)


def _paired(parts: Sequence[M], empty: M) -> M:
    """The parts added by the binary tree that engines use, instead of from left to right."""
    tree: Tree[M] = Tree()
    for part in parts:
        tree.push(part)
    return tree.total(empty)


def _cuts(batches: list[Batch]) -> Iterator[list[list[Batch]]]:
    """Ways to cut the rows: by batches, each batch in halves, with empty pieces, with a single first row."""
    yield [[batch] for batch in batches]
    yield [[half] for b in batches for half in (_slice(b, 0, b.rows // 2), _slice(b, b.rows // 2, b.rows))]
    yield [[], batches, []]
    if batches and batches[0].rows:
        first, *rest = batches
        yield [[_slice(first, 0, 1)], [_slice(first, 1, first.rows), *rest]]


def _thirds(batches: list[Batch]) -> list[list[Batch]]:
    """The rows in three pieces, each with a third of every batch."""
    return [[_slice(b, b.rows * i // 3, b.rows * (i + 1) // 3) for b in batches] for i in range(3)]
