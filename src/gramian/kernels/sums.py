"""Sums of products by the compiled kernels. Every function here needs a library; `library()` says whether there is one.

Arrays are read in place, whatever their strides and number type; nothing is copied but into blocks that stay in the
processor's cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gramian.kernels.library import Library
from gramian.typing import Codes, Mask, Matrix, Vector

# number types in the order of the enumeration `Kind` of the source; bool is read as uint8
TYPES = ("f8", "f4", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1")
SIZES = tuple(np.dtype(name).itemsize for name in TYPES)
KINDS = {np.dtype(name): kind for kind, name in enumerate(TYPES)} | {np.dtype(bool): TYPES.index("u1")}
# variance functions and links in the order of the enumerations `Family` and `Link` of the source
VARIANCES = ("mu(1-mu)", "mu", "mu^2", "constant")
LINKS = ("identity", "log", "logit", "probit", "cloglog", "inverse")
UNUSUAL = {(v, link) for v in VARIANCES[1:] for link in ("logit", "probit", "cloglog")} | {
    (VARIANCES[0], link) for link in ("identity", "inverse")
}
ITEM = 8  # bytes of a float64 and of an address
DATA, DOWN = 0, 2  # places of the address and of the stride from row to row in the structure `Part` of the source


class Part(NamedTuple):
    """Columns (values - shift) * scale, side by side; each of the two operations rounds.

    Attributes
    ----------
    values : array
        (n, k) or, for one column, (n,), of a type in `KINDS`.
    shift, scale : float
        The same for all columns.
    """

    values: NDArray[Any]
    shift: float = 0.0
    scale: float = 1.0


def readable(*arrays: NDArray[Any]) -> bool:
    """Whether a kernel can read arrays in place: aligned numbers of this machine's byte order."""
    return all(A.dtype in KINDS and A.flags.aligned for A in arrays)


def self_products(
    library: Library,
    parts: Sequence[Part],
    out: Matrix | None = None,
    *,
    numbers: Codes | None = None,
    factors: Vector | None = None,
) -> Matrix:
    """Products (p, p) of the columns of all parts side by side; symmetric to the last bit.

    Every entry is the same sum of the same roundings, whatever the memory order and the processor: a chain of fused
    multiply-adds over 128 rows, and such sums added with their rounding errors.

    Parameters
    ----------
    library : Library
        The compiled functions.
    parts : sequence of Part
        The columns.
    out : (p, p), optional
        Memory for the result.
    numbers : (n,), optional
        Numbers of the rows that are summed, each below the length of the parts; all of them by default.
    factors : (n,), optional
        What the values of each row are multiplied by.
    """
    rows = len(parts[0].values) if numbers is None else len(numbers)
    columns, width = described(parts)
    if out is None or out.shape != (width, width) or not out.flags.c_contiguous:
        out = np.empty((width, width))
    memory = np.empty(library.functions.gramian_memory(width))
    numbers, factors = contiguous(numbers), contiguous(factors)
    library.functions.gramian_products(
        *columns.arguments, rows, address(numbers), address(factors), address(out), address(memory)
    )  # fmt: skip
    return out


def group_products(library: Library, parts: Sequence[Part], starts: Codes, factors: Vector | None = None) -> Matrix:
    """Products (g, p, p) of the columns of all parts over each of g groups of rows, as `self_products` sums them.

    Parameters
    ----------
    library, parts, factors
        | As for `self_products`.
    starts : (g + 1,)
        Where each group begins among the rows, and where the last one ends.
    """
    columns, width = described(parts)
    out, memory = np.empty((len(starts) - 1, width, width)), np.empty(library.functions.gramian_memory(width))
    factors, here = contiguous(factors), columns.parts.copy()
    first, step = columns.parts[:, DATA], columns.parts[:, DOWN]
    parts_at, count, factors_at, out_at, memory_at = address(here), len(here), *map(address, (factors, out, memory))
    for group, (start, stop) in enumerate(pairwise(starts.tolist())):
        here[:, DATA] = first + start * step
        library.functions.gramian_products(
            parts_at, count, stop - start, 0, factors_at and factors_at + ITEM * start,
            out_at + ITEM * group * width * width, memory_at
        )  # fmt: skip
    return out


def add_working_products(
    library: Library,
    model: tuple[str, str, bool],
    parts: Sequence[Part],
    b: Vector,
    rows: tuple[Vector, Vector | None, Vector | None],
    products: Matrix,
    height: int,
    working: Matrix | None = None,
) -> float:
    """Add the products of weighted columns and working residuals of a generalized linear model.

    The predictor X b, means, weights and products are made in one trip over the rows.

    Parameters
    ----------
    library : Library
        The compiled functions.
    model : tuple
        Variance function, link, and whether weights are of the observed information, see `has_working_products`.
    parts : sequence of Part
        The columns X, p in all.
    b : (p,)
        Coefficients.
    rows : tuple of (n,)
        Outcomes; offset and prior weights, or None.
    products : (p + 1, p + 1)
        Contiguous sums, to which is added; those of the working residuals are the last.
    height : int
        Rows whose sum is rounded before it is added.
    working : (2, n), optional
        Contiguous memory for the weights, times prior ones, and the working residuals of the rows.

    Returns
    -------
    float
        The deviance of these rows; NaN where a value of some row is not finite, and then products are of no use.
    """
    variance, link, observed = model
    code = np.array([VARIANCES.index(variance), LINKS.index(link), observed], np.int64)
    y, offset, prior = (contiguous(values) for values in rows)
    columns, width = described(parts)
    b, memory = np.ascontiguousarray(b), np.empty(library.functions.gramian_memory(width + 1))
    return float(
        library.functions.gramian_working_products(
            *columns.arguments, len(rows[0]), height, address(code), address(b), address(y), address(offset),
            address(prior), address(products), *addresses(*((None, None) if working is None else working)),
            address(memory)
        )
    )  # fmt: skip


def has_working_products(variance: str, link: str) -> bool:
    """Whether a library has the working rows of a variance function and a link."""
    return link in LINKS and variance in VARIANCES and (variance, link) not in UNUSUAL


def digits(library: Library, parts: Sequence[Part], factors: Vector, limits: Vector, out: Matrix) -> Mask:
    """Digits of 2^22 of the columns of all parts, k in all, as `linalg.exact.digits.slice_floats` writes them.

    Parameters
    ----------
    library : Library
        The compiled functions.
    parts : sequence of Part
        Columns (m, .).
    factors, limits : (k,)
        By which each column is multiplied, so that its highest digit has the unit 1; and the largest highest digit.
    out : (n, k, m)
        The digits, lowest first, those of all columns side by side and every row contiguous.

    Returns
    -------
    (m,) bool
        Where a value is not finite, too large, or has lower digits.
    """
    n, k, m = out.shape
    step = out.strides[1] if k > 1 else out.strides[0]  # a stride along one element says nothing
    if (m > 1 and out.strides[2] != ITEM) or (n > 1 and out.strides[0] != k * step):
        raise ValueError("digits need memory of one stride")
    (columns, _), wrong = described(parts), np.zeros(m, np.bool_)
    factors, limits = np.ascontiguousarray(factors), np.ascontiguousarray(limits)
    library.functions.gramian_digits(
        *columns.arguments, m, address(factors), address(limits), n, address(out), step // ITEM, address(wrong)
    )  # fmt: skip
    return wrong


@dataclass(frozen=True, slots=True)
class _Described:
    """Parts as the structure `Part` of the source, (count, 7), and their coordinates, to which it points."""

    parts: Codes
    coordinates: Matrix

    @property
    def arguments(self) -> tuple[int, int]:
        """Address and number of the parts."""
        return address(self.parts), len(self.parts)


def described(parts: Sequence[Part]) -> tuple[_Described, int]:
    """The parts for a library, and the number of their columns.

    Columns that stand beside each other in the rows of one matrix are read together.
    """
    rows: list[Shape] = []
    starts, column, shifts, scales = [], 0, [], []
    for values, shift, scale in parts:
        shape = shape_of(values)
        shifts += [shift] * shape.columns
        scales += [scale] * shape.columns
        joined = _joined(rows[-1], shape) if rows else None
        if joined is None:
            rows.append(shape)
            starts.append(column)
        else:
            rows[-1] = joined
        column += shape.columns
    coordinates = np.array((shifts, scales), np.float64)
    first, second = (address(values) for values in coordinates)
    described = [(*row, first + ITEM * at, second + ITEM * at) for row, at in zip(rows, starts, strict=True)]
    return _Described(np.array(described, np.int64), coordinates), column


class Shape(NamedTuple):
    """Where columns stand in memory: the first fields of the structure `Part`."""

    data: int
    columns: int
    down: int
    along: int
    kind: int


def shape_of(values: NDArray[Any]) -> Shape:
    """The shape of an array (n, k) or (n,)."""
    strides = values.strides
    columns, along = (values.shape[1], strides[1]) if len(strides) == 2 else (1, 0)
    return Shape(address(values), columns, strides[0], along, KINDS[values.dtype])


def _joined(left: Shape, right: Shape) -> Shape | None:
    """Both as one, where the right columns follow the left ones in the same rows; else None."""
    data, columns, down, along, kind = left
    size = SIZES[kind]
    if right.data != data + columns * size or right.down != down or right.kind != kind or down == size:
        return None
    if (columns > 1 and along != size) or (right.columns > 1 and right.along != size):
        return None
    return Shape(data, columns + right.columns, down, size, kind)


def contiguous(values: NDArray[Any] | None) -> NDArray[Any] | None:
    """The values of a vector side by side; nothing for none."""
    return None if values is None else np.ascontiguousarray(values)


def address(array: NDArray[Any] | None) -> int:
    """The address of the first element; zero for none."""
    return 0 if array is None else int(array.__array_interface__["data"][0])


def addresses(*arrays: NDArray[Any] | None) -> tuple[int, ...]:
    """The address of each of several arrays."""
    return tuple(map(address, arrays))
