"""X b and X'u of wide rows in double-double: products with their exact errors, sums in parts that add exactly.

The same arithmetic as `linalg.careful` (Dekker; Rump, Ogita and Oishi), entry by entry of dense and sparse matrices.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import issparse

from gramian.linalg.careful import parts
from gramian.linalg.doubledouble import Pair, quick_two_sum, two_product, two_sum
from gramian.linalg.wide.rows import ENTRIES, Rows
from gramian.typing import Matrix, Vector


def residuals(rows: Rows, b: Pair, constant: tuple[float, float]) -> Pair:
    """y - X b - constant, (n,)."""
    r = rows.y - Pair(*(np.full(rows.rows, c) for c in constant))
    for part, low, cut in zip(rows.parts, rows.low, rows.cuts, strict=True):
        r = r - product(part, low, Pair(b.hi[cut], b.lo[cut]))
    return r


def transposed(rows: Rows, u: Pair) -> Pair:
    """X'u, (p,)."""
    found = [_columns(part, low, u) for part, low in zip(rows.parts, rows.low, strict=True)]
    return Pair(np.concatenate([f.hi for f in found]), np.concatenate([f.lo for f in found]))


def product(part: Any, low: Matrix | None, b: Pair) -> Pair:
    """One part's share of X b, (n,)."""
    hi, lo = np.zeros(part.shape[0]), np.zeros(part.shape[0])
    for cut, x, rest in _slices(part, low):
        if issparse(x):
            p, e = _times(x.data, Pair(b.hi[x.indices], b.lo[x.indices]), None)
            row = np.repeat(np.arange(x.shape[0]), np.diff(x.indptr))
            whole, less = parts(p)
            hi[cut] = np.bincount(row, whole, x.shape[0])
            lo[cut] = np.bincount(row, less + e, x.shape[0])
        else:
            p, e = _times(x, b, rest)
            whole, less = (q.reshape(p.shape) for q in parts(p.ravel()))
            hi[cut], lo[cut] = whole.sum(axis=1), (less + e).sum(axis=1)
    return Pair(*two_sum(hi, lo))


def _columns(part: Any, low: Matrix | None, u: Pair) -> Pair:
    out = Pair(np.zeros(part.shape[1]), np.zeros(part.shape[1]))
    for cut, x, rest in _slices(part, low):
        v = Pair(u.hi[cut], u.lo[cut])
        if issparse(x):
            row = np.repeat(np.arange(x.shape[0]), np.diff(x.indptr))
            p, e = _times(x.data, Pair(v.hi[row], v.lo[row]), None)
            whole, less = parts(p)
            hi = np.bincount(x.indices, whole, x.shape[1]).astype(np.float64, copy=False)
            lo = np.bincount(x.indices, less + e, x.shape[1]).astype(np.float64, copy=False)
        else:
            p, e = _times(x, Pair(v.hi[:, None], v.lo[:, None]), rest)
            whole, less = (q.reshape(p.shape) for q in parts(p.ravel()))
            hi, lo = whole.sum(axis=0), (less + e).sum(axis=0)
        out = out + Pair(*two_sum(hi, lo))
    return out


def total(values: Pair) -> Pair:
    """Their sum, (1,)."""
    whole, rest = parts(values.hi)
    return Pair(*quick_two_sum(np.array([whole.sum()]), np.array([(rest + values.lo).sum()])))


def square(r: Pair, wr: Pair) -> Pair:
    """r'Wr, (1,)."""
    p, e = _times(r.hi, wr, r.lo)
    whole, rest = parts(p)
    return Pair(*two_sum(np.array([whole.sum()]), np.array([(rest + e).sum()])))


def _times(x: Vector, v: Pair, low: Vector | None) -> tuple[Vector, Vector]:
    p, e = two_product(x, v.hi)
    e = e + x * v.lo
    return p, e if low is None else e + low * v.hi


def _slices(part: Any, low: Matrix | None) -> Iterator[tuple[slice, Any, Matrix | None]]:
    """Slices of rows with so many entries that temporaries stay small."""
    rows = part.shape[0]
    held = int(part.indptr[-1]) if issparse(part) else rows * part.shape[1]
    step = rows if held <= ENTRIES else max(1, rows * ENTRIES // held)
    if step >= rows:
        yield slice(0, rows), part, low
        return
    for start in range(0, rows, step):
        cut = slice(start, min(start + step, rows))
        yield cut, part[cut], None if low is None else low[cut]
