"""Calls of compiled functions for graphs of levels: their components, and conjugate gradient with the bits of NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gramian.kernels.library import Library, library
from gramian.kernels.sums import address, addresses, contiguous
from gramian.kernels.threads import in_parts
from gramian.typing import AnyCodes, Matrix, Vector

CACHED_BYTES = 2**20  # a second factor of this size stays in the second cache, and is not fetched


def components(kernel: Library, first: AnyCodes, second: AnyCodes, sizes: tuple[int, int]) -> int:
    """Number of connected components of two sets of nodes. first, second : (edges,) codes, which each edge joins."""
    first, second = (np.ascontiguousarray(codes, np.int64) for codes in (first, second))
    nodes = sum(sizes)
    parents = np.empty(nodes, np.int64)
    return int(
        kernel.functions.gramian_components(
            address(first), address(second), len(first), sizes[0], nodes, address(parents)
        )
    )


def with_short_indices(A: Any) -> Any:
    """A SciPy matrix in row order with indices of 32 bits, which the kernel reads, where they are large enough."""
    if max(A.nnz, *A.shape) < 2**31 and A.indices.dtype != np.int32:
        return type(A)((A.data, A.indices.astype(np.int32), A.indptr.astype(np.int32)), shape=A.shape)
    return A


def sparse_times(A: Any, X: Matrix, divisors: Vector | None = None) -> Matrix:
    """A X for a SciPy matrix A in row order and X : (n, k), by the kernel where it can read them.

    divisors : by which each row of the product is divided.
    """
    out = np.empty((A.shape[0], X.shape[1]))
    rows = _product(A, X, divisors, out, subtracts=False)
    if rows is not None:
        in_parts(rows, A.shape[0], A.nnz * X.shape[1], A.indptr)
        return out
    product = np.asarray(A @ X)
    if divisors is not None:
        product /= divisors[:, None]
    return product


def difference_of_products(A: Any, X: Matrix, B: Any, Y: Matrix) -> Matrix:
    """A X - B Y for SciPy matrices A and B with the same rows; shapes as of `sparse_times`."""
    out = np.empty((A.shape[0], X.shape[1]))
    first, second = _product(A, X, None, out, subtracts=False), _product(B, Y, None, out, subtracts=True)
    if first is None or second is None:
        return np.asarray(A @ X - B @ Y)

    def rows(start: int, stop: int) -> None:
        first(start, stop)
        second(start, stop)

    # both together may have more entries than 32 bits count
    in_parts(rows, A.shape[0], (A.nnz + B.nnz) * X.shape[1], A.indptr.astype(np.int64) + B.indptr)
    return out


def _product(
    A: Any, X: Matrix, divisors: Vector | None, out: Matrix, *, subtracts: bool
) -> Callable[[int, int], None] | None:
    """What sets or changes rows of `out` by the kernel; None where it cannot read the matrices."""
    kernel = library()
    readable = A.indptr.dtype == A.indices.dtype == np.int32 and A.data.dtype == X.dtype == np.float64
    if kernel is None or not readable:
        return None
    X, divisors, columns = np.ascontiguousarray(X), contiguous(divisors), X.shape[1]
    arrays, call = (A.indptr, A.indices, A.data), kernel.functions.gramian_sparse_times
    fetches = X.nbytes > CACHED_BYTES

    def rows(first: int, last: int) -> None:
        described = np.array([*addresses(*arrays), first, last, address(divisors), subtracts, fetches], np.int64)
        call(address(described), address(X), columns, address(out))

    return rows


def column_products(p: Matrix, q: Matrix) -> Vector:
    """Sums of p q over the rows, (k,), for p, q : (n, k)."""
    kernel = library()
    if kernel is None or p.shape[1] < 2:
        return np.asarray((p * q).sum(axis=0))
    p, q, out = np.ascontiguousarray(p), np.ascontiguousarray(q), np.empty(p.shape[1])
    kernel.functions.gramian_column_products(*p.shape, address(p), address(q), address(out))
    return out


def move(rate: Vector, p: Matrix, q: Matrix, inverse: Matrix, X: Matrix, r: Matrix) -> Vector:
    """X += rate p and r -= rate q in place; sums of inverse r^2, (k,).

    rate : (k,). p, q, X, r : (n, k), contiguous. inverse : (n, 1).
    """
    kernel = library()
    if kernel is None or len(rate) < 2:
        X += rate * p
        r -= rate * q
        return np.asarray((r * (inverse * r)).sum(axis=0))
    out = np.empty(len(rate))
    kernel.functions.gramian_cg_move(
        *X.shape, address(rate), address(p), address(q), address(inverse), address(X), address(r), address(out)
    )  # fmt: skip
    return out


def turn(ratio: Vector, inverse: Matrix, r: Matrix, p: Matrix) -> None:
    """p = inverse r + ratio p in place; shapes as of `move`."""
    kernel = library()
    if kernel is None or len(ratio) < 2:
        p *= ratio
        p += inverse * r
        return
    kernel.functions.gramian_cg_turn(*p.shape, address(ratio), address(inverse), address(r), address(p))
