"""Sums of products by the compiled kernels. Every function here needs a library; `library()` says whether there is one.

Arrays are float64 views of any strides; nothing is copied but into blocks that stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gramian.kernels.library import Library
from gramian.typing import Codes, Matrix, Vector

ITEM = 8  # bytes of a float64


def readable(A: Matrix) -> bool:
    """Whether a kernel can read an array in place: aligned float64 of this machine's byte order."""
    return A.dtype == np.float64 and A.flags.aligned and all(step % ITEM == 0 for step in A.strides)


def self_products(library: Library, parts: Sequence[Matrix], out: Matrix | None = None) -> Matrix:
    """Products (p, p) of the columns of all parts side by side, each (n, .); symmetric to the last bit.

    Every entry is the same sum of the same roundings, whatever the memory order and the processor: a chain of fused
    multiply-adds over 128 rows, and such sums added with their rounding errors.
    """
    rows, width = len(parts[0]), sum(part.shape[1] for part in parts)
    if out is None or out.shape != (width, width) or not out.flags.c_contiguous:
        out = np.empty((width, width))
    memory = np.empty(library.functions.gramian_products_memory(width))
    described = _described(parts)
    library.functions.gramian_products(_at(described), len(parts), rows, _at(out), _at(memory))
    return out


def twofold_times(library: Library, A: Matrix, low: Matrix | None, v: Vector, v_low: Vector) -> tuple[Vector, Vector]:
    """(A + low) (v + v_low), (n,), as hi and lo, as if computed in twice the precision."""
    x, x_low = _described([A]), _described_low(low)
    v, v_low = np.ascontiguousarray(v), np.ascontiguousarray(v_low)
    hi, lo = np.empty(len(A)), np.empty(len(A))
    library.functions.gramian_twofold_times(
        _at(x), _at(x_low), len(A), _at(v), _at(v_low), _at(hi), _at(lo)
    )  # fmt: skip
    return hi, lo


def twofold_products(
    library: Library, A: Matrix, low: Matrix | None, w: Vector, w_low: Vector
) -> tuple[Vector, Vector]:
    """(A + low)' (w + w_low), (k,), as hi and lo, as if computed in twice the precision."""
    x, x_low = _described([A]), _described_low(low)
    w, w_low = np.ascontiguousarray(w), np.ascontiguousarray(w_low)
    hi, lo = np.empty(A.shape[1]), np.empty(A.shape[1])
    library.functions.gramian_twofold_products(
        _at(x), _at(x_low), len(A), _at(w), _at(w_low), _at(hi), _at(lo)
    )  # fmt: skip
    return hi, lo


def _described(parts: Sequence[Matrix]) -> Codes:
    """Address, number of columns and strides of each part, in float64: the structure `Part` of the source."""
    return np.array([(_at(A), A.shape[1], A.strides[0] // ITEM, A.strides[1] // ITEM) for A in parts], np.int64)


def _described_low(low: Matrix | None) -> Codes:
    """As `_described` for one part, with the address zero for none."""
    return np.zeros((1, 4), np.int64) if low is None else _described([low])


def _at(array: np.ndarray) -> int:
    """The address of the first element."""
    return int(array.__array_interface__["data"][0])
