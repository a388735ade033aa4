"""Which exact sums the kernel makes in one trip over the rows: those of products of variables with each other.

It sums products over 128 rows only before they become integers of 64 bits, so its digits are longer than those whose
products BLAS sums over 2,048 rows: three of 24 bits hold what takes four of 22 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np

from gramian.kernels.exact import DigitPlaces
from gramian.kernels.library import library
from gramian.linalg.exact.digits import MAX_DIGITS, SAFE_EXPONENT, Grid

MAX_WIDTH = 600  # digits of all columns above which BLAS is quicker


def digit_places(groups: Sequence[tuple[Sequence[Grid], int]], constant: int, width: int) -> DigitPlaces | None:
    """Where the kernel puts the digits of groups of columns; None where NumPy has to cut them.

    groups : grids with equally many digits, and the place of the first digit; lowest digits first, columns varying
    fastest. constant : place of the constant, or -1. width : number of all digits.
    """
    grids = list(chain.from_iterable(group for group, _ in groups))
    if not grids or library() is None or width > MAX_WIDTH:
        return None
    if any(grid.digits > MAX_DIGITS or abs(grid.highest) >= SAFE_EXPONENT for grid in grids):
        return None
    first = [start + i for group, start in groups for i in range(len(group))]
    step = [len(group) for group, _ in groups for _ in group]
    return DigitPlaces(
        np.array([2.0**-grid.highest for grid in grids]),
        np.array([grid.limit for grid in grids]),
        np.array([grid.digits for grid in grids], np.int64),
        np.array(first, np.int64),
        np.array(step, np.int64),
        constant,
        width,
    )
