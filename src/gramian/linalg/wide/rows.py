"""Rows of a wide design, dense and sparse parts side by side, and their products with vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import pairwise
from operator import add
from typing import Any

import numpy as np
from scipy.sparse import issparse

from gramian.linalg.doubledouble import Pair
from gramian.linalg.wide.compressed import rows_between, transpose, with_entries, with_int32_indices
from gramian.typing import Codes, Matrix, Vector

ENTRIES = 2**18  # entries of a slice where temporaries are many times as large
PIECE = 2**18  # entries that stay in a core's cache between a product and the transposed one
FULL = 4  # least entries of a piece per column: each piece adds vectors of p numbers


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows in memory.

    Attributes
    ----------
    parts : tuple of arrays
        (n, k) dense or CSR matrices; the columns of all parts follow each other.
    low : tuple of ndarray or None
        For each part (n, k) rounding errors of the shift of its columns, None where there are none.
    y : Pair
        (n,) outcome.
    weight : Pair or None
        (n,) weights; None for ones.
    transposes : tuple of arrays
        (k, n) the transposed parts, views of the same entries.
    """

    parts: tuple[Any, ...]
    low: tuple[Matrix | None, ...]
    y: Pair
    weight: Pair | None = None
    transposes: tuple[Any, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "transposes", tuple(transpose(part) for part in self.parts))

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.y.hi)

    @property
    def cuts(self) -> list[slice]:
        """Slice of the coefficients that belongs to each part."""
        ends = np.cumsum([0, *(part.shape[1] for part in self.parts)]).tolist()
        return [slice(a, b) for a, b in pairwise(ends)]

    def weighed(self, values: Vector) -> Vector:
        """W values, (n,)."""
        return values if self.weight is None else values * self.weight.hi


def product(rows: Rows, v: Vector) -> Vector:
    """X v, (n,). v : (p,)."""
    if not rows.parts:
        return np.zeros(rows.rows)
    if len(rows.parts) == 1:
        return np.asarray(rows.parts[0] @ v)
    return np.asarray(reduce(add, (part @ v[cut] for part, cut in zip(rows.parts, rows.cuts, strict=True))))


def transposed(rows: Rows, u: Vector) -> Vector:
    """X'u, (p,). u : (n,)."""
    if len(rows.transposes) == 1:
        return np.asarray(rows.transposes[0] @ u)
    return np.concatenate([part @ u for part in rows.transposes]) if rows.transposes else np.zeros(0)


def absolute(part: Any) -> Any:
    """|X| entry by entry, dense or CSR."""
    if not issparse(part):
        return np.abs(part)
    return with_entries(part, np.abs(part.data))


@np.errstate(over="ignore")  # infinite sums are refused
def squared(part: Any) -> Any:
    """The square of each entry, dense or CSR."""
    if not issparse(part):
        return part * part
    return with_entries(part, part.data * part.data)


def longest(rows: Rows) -> int:
    """Number of entries of the fullest row."""
    most = 0
    for part in rows.parts:
        full = part.shape[1]
        if issparse(part):
            full = int(np.diff(part.indptr).max(initial=0))
        most += full
    return most


def entries(part: Any) -> Vector:
    """Number of stored entries of each column, (k,)."""
    if issparse(part):
        return np.asarray(transpose(with_entries(part, np.ones(len(part.data)))) @ np.ones(part.shape[0]))
    return np.full(part.shape[1], float(part.shape[0]))


def columns(rows: Rows, places: Codes) -> Iterator[tuple[slice, Matrix]]:
    """Some columns as dense arrays, a slice of rows at a time; of shifted columns the high parts. places : rising."""
    step = max(1, ENTRIES // max(len(places), 1))
    for start in range(0, rows.rows, step):
        cut = slice(start, min(start + step, rows.rows))
        yield cut, np.concatenate(list(_selected(rows, places, cut)), axis=1)


def _selected(rows: Rows, places: Codes, cut: slice) -> Iterator[Matrix]:
    """The columns at these positions in each part, (rows of the slice, k)."""
    for part, where in zip(rows.parts, rows.cuts, strict=True):
        inside = places[(places >= where.start) & (places < where.stop)] - where.start
        selected = part[cut][:, inside]
        yield selected.toarray() if issparse(selected) else selected


def pieces(rows: Rows) -> Iterator[Rows]:
    """The rows in pieces whose entries stay in a cache between the product and the transposed product.

    Entries are not copied; positions of sparse entries become 32 bits where these suffice.
    """
    brief = [with_int32_indices(part) if issparse(part) else part for part in rows.parts]
    stored = sum(int(part.indptr[-1]) if issparse(part) else part.size for part in brief)
    count = max(1, stored // max(PIECE, FULL * sum(part.shape[1] for part in brief)))
    ends = np.linspace(0, rows.rows, count + 1).astype(np.int64).tolist()
    for start, stop in pairwise(ends):
        cut = slice(start, stop)
        parts = tuple(rows_between(part, start, stop) if issparse(part) else part[cut] for part in brief)
        low = tuple(None if rest is None else rest[cut] for rest in rows.low)
        weight = None if rows.weight is None else Pair(rows.weight.hi[cut], rows.weight.lo[cut])
        yield Rows(parts, low, Pair(rows.y.hi[cut], rows.y.lo[cut]), weight)


def stacked(blocks: Sequence[Rows]) -> Rows:
    """All rows as one block."""
    if len(blocks) == 1:
        return blocks[0]
    from scipy.sparse import vstack

    parts, low = [], []
    for i, first in enumerate(blocks[0].parts):
        pieces = [block.parts[i] for block in blocks]
        parts.append(vstack(pieces, format="csr") if issparse(first) else np.concatenate(pieces))
        low_parts = [block.low[i] for block in blocks]
        any_low = any(r is not None for r in low_parts)
        dense_low = (
            [np.zeros(p.shape) if r is None else r for p, r in zip(pieces, low_parts, strict=True)] if any_low else []
        )
        low.append(np.concatenate(dense_low) if any_low else None)
    weights = [block.weight for block in blocks]
    weight = None if weights[0] is None else _joined([w for w in weights if w is not None])
    return Rows(tuple(parts), tuple(low), _joined([block.y for block in blocks]), weight)


def _joined(parts: Sequence[Pair]) -> Pair:
    """One vector from several."""
    return Pair(np.concatenate([p.hi for p in parts]), np.concatenate([p.lo for p in parts]))
