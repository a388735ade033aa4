"""Products with a vector, and sums of a residual, in twice the precision by the compiled kernels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from gramian.kernels.library import Library
from gramian.kernels.sums import addresses, shape_of
from gramian.typing import Codes, Matrix, Vector


class Operand(NamedTuple):
    """Columns A + low, (n, k), and what they are multiplied by, v + v_low, (k,).

    Attributes
    ----------
    A : (n, k)
        Leading parts, of a type that kernels read.
    low : (n, k) or None
        Trailing parts, at most an ulp of A.
    v, v_low : (k,)
        Contiguous.
    """

    A: Matrix
    low: Matrix | None
    v: Vector
    v_low: Vector


def twofold_times(library: Library, A: Matrix, low: Matrix | None, v: Vector, v_low: Vector) -> tuple[Vector, Vector]:
    """(A + low) (v + v_low), (n,), as hi and lo, as if computed in twice the precision."""
    (x, _owner), (x_low, _owner_low) = _unshifted(A), (None, None) if low is None else _unshifted(low)
    v, v_low = np.ascontiguousarray(v), np.ascontiguousarray(v_low)
    hi, lo = np.empty((2, len(A)))
    data, low_data, *others = addresses(x, x_low, v, v_low, hi, lo)
    library.functions.gramian_twofold_times(data, low_data, len(A), *others)
    return hi, lo


def twofold_products(
    library: Library, A: Matrix, low: Matrix | None, w: Vector, w_low: Vector
) -> tuple[Vector, Vector]:
    """(A + low)' (w + w_low), (k,), as hi and lo, as if computed in twice the precision."""
    (x, _owner), (x_low, _owner_low) = _unshifted(A), (None, None) if low is None else _unshifted(low)
    w, w_low = np.ascontiguousarray(w), np.ascontiguousarray(w_low)
    hi, lo = np.empty((2, A.shape[1]))
    data, low_data, *others = addresses(x, x_low, w, w_low, hi, lo)
    library.functions.gramian_twofold_products(data, low_data, len(A), *others)
    return hi, lo


def residual_sums(
    library: Library, operands: Sequence[Operand], weight: tuple[Vector, Vector] | None
) -> tuple[Vector, Vector]:
    """Sums of the residual r = X v of some rows, in twice the precision and in one trip over them.

    Parameters
    ----------
    library : Library
        The compiled functions.
    operands : sequence of Operand
        One or two, whose columns side by side are X, (n, k).
    weight : pair of (n,), or None
        Weights W of the rows, hi and lo.

    Returns
    -------
    hi, lo : (k + 1,)
        X'Wr, and behind it r'Wr.
    """
    first = operands[0]
    given = [_unshifted(o.A) for o in operands], [None if o.low is None else _unshifted(o.low) for o in operands]
    x, x_low = (np.concatenate([_NOTHING if part is None else part[0] for part in parts]) for parts in given)
    v, v_low = (np.concatenate([o[i] for o in operands]) for i in (2, 3)) if len(operands) > 1 else first[2:]
    w, w_low = (None, None) if weight is None else map(np.ascontiguousarray, weight)
    hi, lo = np.empty((2, len(v) + 1))
    data, low_data, *others = addresses(x, x_low, v, v_low, w, w_low, hi, lo)
    library.functions.gramian_residual_sums(len(operands), data, low_data, len(first.A), *others)
    return hi, lo


_NOTHING = np.zeros((1, 7), np.int64)  # a part without data


def _unshifted(A: Matrix) -> tuple[Codes, Matrix]:
    """A matrix as one part, without a shift and with the scale one, and what is to be held while the part is used."""
    coordinates = _zeros_and_ones(A.shape[1])
    return np.array([(*shape_of(A), *addresses(*coordinates))], np.int64), coordinates


@lru_cache(16)
def _zeros_and_ones(count: int) -> Matrix:
    """So many zeros, and as many ones."""
    return np.repeat([[0.0], [1.0]], count, axis=1)
