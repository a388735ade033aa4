"""Sparse matrices of SciPy as data: converted to CSR once, whatever their format."""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_array, issparse

from gramian.errors import SchemaError
from gramian.linalg.wide.compressed import rows_between

NUMERIC = "fiub"


def is_sparse(value: object) -> TypeGuard[Any]:
    """Whether this is a sparse matrix or array."""
    return bool(issparse(value))


def read_sparse(name: str, value: Any) -> csr_array:
    """The matrix in CSR format, with repeated entries summed.

    A matrix that is in canonical CSR format is not copied; booleans become 0 and 1. Raises SchemaError where it has not
    two dimensions or is not numeric.
    """
    if value.ndim != 2:
        raise _unusable(name, value, f"it has {value.ndim} dimension{'s'[: value.ndim != 1]}; give 2, rows and columns")
    if value.dtype.kind not in NUMERIC:
        raise _unusable(name, value, f"its entries are {value.dtype}; give numbers")
    if value.dtype.kind == "b" or (value.dtype.kind in "iu" and value.dtype.itemsize < 8):
        value = value.astype(np.int64)  # the sum of several entries might overflow a small integer
    rows = csr_array(value)
    if rows.has_canonical_format:
        return rows
    rows = rows.copy()  # sum_duplicates() works in place, and the matrix may be the user's
    rows.sum_duplicates()
    return rows


def rows_of(matrix: Any, rows: slice) -> csr_array:
    """Consecutive rows, entries not copied."""
    start, stop, _ = rows.indices(matrix.shape[0])
    return rows_between(matrix, start, stop)


def size_of(column: Any) -> int:
    """Bytes of an array or a sparse matrix; 0 where unknown."""
    if is_sparse(column):
        return int(column.data.nbytes + column.indices.nbytes + column.indptr.nbytes)
    try:
        return int(getattr(column, "nbytes", 0))
    except pa.ArrowException:  # text whose values lie elsewhere has no size of its own in every version
        return int(column.get_total_buffer_size())


def floats(matrix: Any) -> csr_array:
    """The matrix with float64 entries, not copied where it has them."""
    kind = np.dtype(np.float64)
    return matrix if matrix.dtype == kind else matrix.astype(kind)


def _unusable(name: str, value: Any, why: str) -> SchemaError:
    """The error for a matrix that cannot be used."""
    return SchemaError(f"'{name}' ({type(value).__name__}) cannot be a matrix of columns: {why}")
