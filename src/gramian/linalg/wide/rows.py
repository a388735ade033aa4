"""Rows of a wide design, dense and sparse parts side by side, and their products with vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from gramian.linalg.doubledouble import Pair
from gramian.typing import Codes, Matrix, Vector

ENTRIES = 2**18  # entries that are worked on together where temporaries are many times as large


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows that are kept or read together.

    parts : arrays (n, k) or CSR matrices (n, k), whose columns follow each other. low : for each part (n, k) what
    shifting its columns left of them, or None. y : (n,) hi + lo. weight : (n,) hi + lo of what a row's products are
    multiplied by, None for ones.
    """

    parts: tuple[Any, ...]
    low: tuple[Matrix | None, ...]
    y: Pair
    weight: Pair | None = None

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.y.hi)

    @property
    def cuts(self) -> list[slice]:
        """Where the columns of each part stand."""
        ends = np.cumsum([0, *(part.shape[1] for part in self.parts)]).tolist()
        return [slice(a, b) for a, b in pairwise(ends)]

    def weighed(self, values: Vector) -> Vector:
        """W values."""
        return values if self.weight is None else values * self.weight.hi


def product(rows: Rows, v: Vector) -> Vector:
    """X v, (n,)."""
    out = np.zeros(rows.rows)
    for part, cut in zip(rows.parts, rows.cuts, strict=True):
        out = out + part @ v[cut] if out.any() else part @ v[cut]
    return out


def transposed(rows: Rows, u: Vector) -> Vector:
    """X'u, (p,)."""
    return np.concatenate([part.T @ u for part in rows.parts]) if rows.parts else np.zeros(0)


def absolute(part: Any) -> Any:
    """|X|, entry by entry."""
    if not issparse(part):
        return np.abs(part)
    return csr_array((np.abs(part.data), part.indices, part.indptr), shape=part.shape)


def squared(part: Any) -> Any:
    """Every entry squared."""
    if not issparse(part):
        return part * part
    return csr_array((part.data**2, part.indices, part.indptr), shape=part.shape)


def longest(rows: Rows) -> int:
    """Entries of the fullest row."""
    most = 0
    for part in rows.parts:
        full = part.shape[1]
        if issparse(part):
            full = int(np.diff(part.indptr).max(initial=0))
        most += full
    return most


def entries(part: Any) -> Vector:
    """How many entries each column has, (k,)."""
    if issparse(part):
        return np.bincount(part.indices, minlength=part.shape[1]).astype(np.float64)
    return np.full(part.shape[1], float(part.shape[0]))


def columns(rows: Rows, places: Codes) -> Iterator[tuple[slice, Matrix]]:
    """Some columns as dense arrays, a slice of rows at a time; of shifted ones the high parts."""
    step = max(1, ENTRIES // max(len(places), 1))
    for start in range(0, rows.rows, step):
        cut = slice(start, min(start + step, rows.rows))
        yield cut, np.concatenate(list(_some(rows, places, cut)), axis=1)


def _some(rows: Rows, places: Codes, cut: slice) -> Iterator[Matrix]:
    for part, where in zip(rows.parts, rows.cuts, strict=True):
        inside = places[(places >= where.start) & (places < where.stop)] - where.start
        some = part[cut][:, inside]
        yield some.toarray() if issparse(some) else some


def stacked(blocks: Sequence[Rows]) -> Rows:
    """All rows as one block."""
    if len(blocks) == 1:
        return blocks[0]
    from scipy.sparse import vstack

    parts, low = [], []
    for i, first in enumerate(blocks[0].parts):
        pieces = [block.parts[i] for block in blocks]
        parts.append(vstack(pieces, format="csr") if issparse(first) else np.concatenate(pieces))
        rest = [block.low[i] for block in blocks]
        some = any(r is not None for r in rest)
        whole = [np.zeros(p.shape) if r is None else r for p, r in zip(pieces, rest, strict=True)] if some else []
        low.append(np.concatenate(whole) if some else None)
    weights = [block.weight for block in blocks]
    weight = None if weights[0] is None else _joined([w for w in weights if w is not None])
    return Rows(tuple(parts), tuple(low), _joined([block.y for block in blocks]), weight)


def _joined(parts: Sequence[Pair]) -> Pair:
    return Pair(np.concatenate([p.hi for p in parts]), np.concatenate([p.lo for p in parts]))
