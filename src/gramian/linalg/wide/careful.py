"""X b and X'u of wide rows in double-double: products with their exact errors, sums in parts that add exactly.

The same arithmetic as `linalg.residuals.double_double`, entry by entry of dense and sparse matrices: exact products
after T. J. Dekker, A floating-point technique for extending the available precision, Numerische Mathematik 18 (1971),
224-242; sums
after S. M. Rump, T. Ogita and S. Oishi, Accurate floating-point summation part I, SIAM Journal on Scientific Computing
31 (2008), 189-224.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import issparse

from gramian.linalg.doubledouble import Pair, quick_two_sum, two_product, two_sum
from gramian.linalg.residuals.double_double import extract_leading
from gramian.linalg.wide.rows import ENTRIES, Rows
from gramian.typing import Matrix, Vector


def residuals(rows: Rows, b: Pair, constant: tuple[float, float]) -> Pair:
    """y - X b - constant, (n,). b : (p,). constant : hi, lo."""
    r = rows.y - Pair(*(np.full(rows.rows, c) for c in constant))
    for part, low, cut in zip(rows.parts, rows.low, rows.cuts, strict=True):
        r = r - product(part, low, Pair(b.hi[cut], b.lo[cut]))
    return r


def transposed(rows: Rows, u: Pair) -> Pair:
    """X'u, (p,). u : (n,)."""
    products = [_columns(part, low, u) for part, low in zip(rows.parts, rows.low, strict=True)]
    return Pair(np.concatenate([f.hi for f in products]), np.concatenate([f.lo for f in products]))


def product(part: Any, low: Matrix | None, b: Pair) -> Pair:
    """The contribution of one part to X b, (n,).

    part : (n, k) dense or CSR. low : (n, k) or None, low parts of a shifted dense part. b : (k,).
    """
    hi, lo = np.zeros(part.shape[0]), np.zeros(part.shape[0])
    for cut, x, rest in _slices(part, low):
        if issparse(x):
            p, e = _exact_products(x.data, Pair(b.hi[x.indices], b.lo[x.indices]), None)
            row = np.repeat(np.arange(x.shape[0]), np.diff(x.indptr))
            high_parts, low_parts = extract_leading(p)
            hi[cut] = np.bincount(row, high_parts, x.shape[0])
            lo[cut] = np.bincount(row, low_parts + e, x.shape[0])
        else:
            p, e = _exact_products(x, b, rest)
            high_parts, low_parts = (q.reshape(p.shape) for q in extract_leading(p.ravel()))
            hi[cut], lo[cut] = high_parts.sum(axis=1), (low_parts + e).sum(axis=1)
    return Pair(*two_sum(hi, lo))


def _columns(part: Any, low: Matrix | None, u: Pair) -> Pair:
    """The contribution of one part to X'u, (k,)."""
    out = Pair(np.zeros(part.shape[1]), np.zeros(part.shape[1]))
    for cut, x, rest in _slices(part, low):
        v = Pair(u.hi[cut], u.lo[cut])
        if issparse(x):
            row = np.repeat(np.arange(x.shape[0]), np.diff(x.indptr))
            p, e = _exact_products(x.data, Pair(v.hi[row], v.lo[row]), None)
            high_parts, low_parts = extract_leading(p)
            hi = np.bincount(x.indices, high_parts, x.shape[1]).astype(np.float64, copy=False)
            lo = np.bincount(x.indices, low_parts + e, x.shape[1]).astype(np.float64, copy=False)
        else:
            p, e = _exact_products(x, Pair(v.hi[:, None], v.lo[:, None]), rest)
            high_parts, low_parts = (q.reshape(p.shape) for q in extract_leading(p.ravel()))
            hi, lo = high_parts.sum(axis=0), (low_parts + e).sum(axis=0)
        # slices of rows are added in double-double as well
        out = out + Pair(*two_sum(hi, lo))
    return out


def total(values: Pair) -> Pair:
    """The sum of the values, (1,)."""
    high_parts, low_parts = extract_leading(values.hi)
    return Pair(*quick_two_sum(np.array([high_parts.sum()]), np.array([(low_parts + values.lo).sum()])))


def square(r: Pair, wr: Pair) -> Pair:
    """r'Wr, (1,), from r and wr = W r, (n,) each."""
    p, e = _exact_products(r.hi, wr, r.lo)
    high_parts, low_parts = extract_leading(p)
    return Pair(*two_sum(np.array([high_parts.sum()]), np.array([(low_parts + e).sum()])))


def _exact_products(x: Vector, v: Pair, low: Vector | None) -> tuple[Vector, Vector]:
    """x v as value and remainder: p + e = x v to double-double accuracy; the term x.lo v.lo is below it."""
    p, e = two_product(x, v.hi)
    e = e + x * v.lo
    return p, e if low is None else e + low * v.hi


def _slices(part: Any, low: Matrix | None) -> Iterator[tuple[slice, Any, Matrix | None]]:
    """Slices of rows with at most `ENTRIES` entries each, so that the temporaries stay small."""
    rows = part.shape[0]
    entries = int(part.indptr[-1]) if issparse(part) else rows * part.shape[1]
    step = rows if entries <= ENTRIES else max(1, rows * ENTRIES // entries)
    if step >= rows:
        yield slice(0, rows), part, low
        return
    for start in range(0, rows, step):
        cut = slice(start, min(start + step, rows))
        yield cut, part[cut], None if low is None else low[cut]
