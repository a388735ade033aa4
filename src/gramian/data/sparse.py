"""Sparse matrices of SciPy as data: brought to rows (CSR) once, in whatever format they come."""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np
from scipy.sparse import csr_array, issparse

from gramian.errors import SchemaError
from gramian.linalg.wide.compressed import rows_between

NUMERIC = "fiub"


def is_sparse(value: object) -> TypeGuard[Any]:
    """Whether it is a sparse matrix or array."""
    return bool(issparse(value))


def read_sparse(name: str, value: Any) -> csr_array:
    """The matrix by rows, each entry once: what occurs several times is added up.

    A matrix that is so already is not copied. Booleans are the numbers 0 and 1. Raises SchemaError where it has not two
    dimensions or holds no numbers.
    """
    if value.ndim != 2:
        raise _unusable(name, value, f"it has {value.ndim} dimension{'s'[: value.ndim != 1]}; give 2, rows and columns")
    if value.dtype.kind not in NUMERIC:
        raise _unusable(name, value, f"its entries are {value.dtype}; give numbers")
    if value.dtype.kind == "b" or (value.dtype.kind in "iu" and value.dtype.itemsize < 8):
        value = value.astype(np.int64)  # small integers may not hold the sum of several entries
    rows = csr_array(value)
    if rows.has_canonical_format:
        return rows
    rows = rows.copy()  # the matrix may be somebody else's
    rows.sum_duplicates()
    return rows


def rows_of(matrix: Any, rows: slice) -> csr_array:
    """Consecutive rows, entries not copied."""
    start, stop, _ = rows.indices(matrix.shape[0])
    return rows_between(matrix, start, stop)


def size_of(column: Any) -> int:
    """Bytes of an array or a sparse matrix; 0 where nobody knows."""
    if is_sparse(column):
        return int(column.data.nbytes + column.indices.nbytes + column.indptr.nbytes)
    return int(getattr(column, "nbytes", 0))


def floats(matrix: Any) -> csr_array:
    """The same matrix with float64 entries; not copied where it has them."""
    kind = np.dtype(np.float64)
    return matrix if matrix.dtype == kind else matrix.astype(kind)


def _unusable(name: str, value: Any, why: str) -> SchemaError:
    return SchemaError(f"'{name}' ({type(value).__name__}) cannot be a matrix of columns: {why}")
