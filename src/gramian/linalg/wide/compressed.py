"""Sparse matrices that share the arrays of others.

SciPy's constructors copy arrays that are slices of larger ones; here an empty matrix gets the arrays as attributes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csc_array, csr_array

INT32_MAX = np.iinfo(np.int32).max


def transpose(part: Any) -> Any:
    """The transposed matrix without a copy: of a CSR part the CSC matrix of the same arrays. part : dense or CSR."""
    if isinstance(part, np.ndarray):
        return part.T
    return _over(csc_array((part.shape[1], part.shape[0])), part.data, part.indices, part.indptr)


def rows_between(matrix: Any, start: int, stop: int) -> csr_array:
    """Rows start to stop of a CSR matrix; entries are not copied."""
    first, last = int(matrix.indptr[start]), int(matrix.indptr[stop])
    ends = matrix.indptr[start : stop + 1] - matrix.indptr[start]
    empty = csr_array((stop - start, matrix.shape[1]))
    return _over(empty, matrix.data[first:last], matrix.indices[first:last], ends)


def with_int32_indices(part: Any) -> Any:
    """The CSR matrix with positions of 32 bits where these suffice: a product then reads a quarter less memory."""
    if part.indices.dtype == np.int32 or max(part.shape[1], int(part.indptr[-1])) > INT32_MAX:
        return part
    return _over(csr_array(part.shape), part.data, part.indices.astype(np.int32), part.indptr.astype(np.int32))


def with_entries(part: Any, data: Any) -> csr_array:
    """A CSR matrix with other entries at the same positions."""
    return _over(csr_array(part.shape), data, part.indices, part.indptr)


def _over(empty: Any, data: Any, indices: Any, ends: Any) -> Any:
    """An empty sparse matrix, given these arrays."""
    empty.data, empty.indices, empty.indptr = data, indices, ends
    return empty
