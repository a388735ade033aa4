"""Self-test of exact sums: whether this machine's BLAS sums integers up to 2^53 without rounding.

It multiplies the worst possible digits, so that emulated precision, reassociation with differences (Strassen) and
flushed denormals show. Where BLAS fails, products are formed in int64, many times slower.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from gramian.errors import NumericalError
from gramian.linalg.exact.digits import DIGIT, ROWS
from gramian.typing import Codes, Matrix

WIDTHS = (3, 40, 150)  # kernels differ by shape
TOP = 1 << (DIGIT - 1)  # largest digit


def blas_product(a: Matrix, b: Matrix) -> Codes:
    """a b' by BLAS, for digits a : (w, m), b : (v, m), m <= 2,048."""
    # unlike `@`, np.dot releases the interpreter lock
    return np.asarray(np.dot(a, b.T).astype(np.int64))


def integer_product(a: Matrix, b: Matrix) -> Codes:
    """a b' in int64."""
    return np.asarray(a.astype(np.int64) @ b.astype(np.int64).T)


@cache
def product() -> Callable[[Matrix, Matrix], Codes]:
    """The fastest product that is exact on this machine, tested once.

    Raises
    ------
    NumericalError
        Where arithmetic flushes denormal numbers to zero.
    """
    if np.float64(5e-324) * np.float64(1.0) == 0.0:
        raise NumericalError("this process flushes denormal numbers to zero; exact sums need them")
    return blas_product if all(is_exact(blas_product, width) for width in WIDTHS) else integer_product


def is_exact(candidate: Callable[[Matrix, Matrix], Codes], width: int) -> bool:
    """Whether a product of worst-case digits equals that in integer arithmetic."""
    rng = np.random.default_rng(22)
    # Odd digits near the largest: every bit of their sums counts up to 2^53.
    odd = rng.integers(TOP // 2, TOP, (width, ROWS)).astype(np.float64) // 2 * 2 + 1.0
    mixed = odd * rng.choice([-1.0, 1.0], odd.shape)
    full = np.full((width, ROWS), float(TOP))
    full[:, ::7] -= 1.0
    pairs = ((odd, odd), (mixed, mixed), (mixed, odd), (full, full))
    few = slice(0, min(width, 8))
    return all(np.array_equal(candidate(a, b)[few], integer_product(a[few], b)) for a, b in pairs)
