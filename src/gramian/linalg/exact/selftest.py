"""Exact self-test: whether this machine's BLAS really sums whole numbers up to 2^53 without rounding.

The worst digits there are, so that emulated precision, reassociation with differences (Strassen) and flushed denormals
show. Where BLAS fails the same products are formed in int64, many times slower.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from gramian.errors import NumericalError
from gramian.linalg.exact.digits import DIGIT, ROWS
from gramian.typing import Codes, Matrix

WIDTHS = (3, 40, 150)  # kernels differ by shape
TOP = 1 << (DIGIT - 1)


def blas_product(a: Matrix, b: Matrix) -> Codes:
    """a b' for digits: (w, m) and (v, m), m <= 2,048."""
    return (a @ b.T).astype(np.int64)


def integer_product(a: Matrix, b: Matrix) -> Codes:
    """The same in int64."""
    return np.asarray(a.astype(np.int64) @ b.astype(np.int64).T)


@cache
def product() -> Callable[[Matrix, Matrix], Codes]:
    """The quickest product that is exact here. Raises NumericalError where arithmetic drops denormals."""
    if np.float64(5e-324) * np.float64(1.0) == 0.0:
        raise NumericalError("this process flushes denormal numbers to zero; exact sums need them")
    return blas_product if all(is_exact(blas_product, width) for width in WIDTHS) else integer_product


def is_exact(candidate: Callable[[Matrix, Matrix], Codes], width: int) -> bool:
    """Compare a product of worst-case digits with integer arithmetic."""
    rng = np.random.default_rng(22)
    odd = rng.integers(TOP // 2, TOP, (width, ROWS)).astype(np.float64) // 2 * 2 + 1.0
    mixed = odd * rng.choice([-1.0, 1.0], odd.shape)
    full = np.full((width, ROWS), float(TOP))
    full[:, ::7] -= 1.0
    pairs = ((odd, odd), (mixed, mixed), (mixed, odd), (full, full))
    few = slice(0, min(width, 8))
    return all(np.array_equal(candidate(a, b)[few], integer_product(a[few], b)) for a, b in pairs)
