"""Matrices and vectors of other libraries as NumPy arrays: frames of numbers, and tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gramian.column import EXACT_INTEGER
from gramian.errors import SchemaError
from gramian.typing import Matrix


def is_matrix(value: object) -> bool:
    """Whether this has two dimensions, or is a table of Arrow."""
    return isinstance(value, pa.Table | pa.RecordBatch) or len(getattr(value, "shape", ())) == 2


def foreign_matrix(name: str, value: Any) -> Matrix:
    """The values of a frame or tensor as a matrix (n, k). Raises SchemaError where they are not numbers."""
    try:
        if hasattr(value, "__arrow_c_stream__"):
            return _of_frame(pa.table(value))
        array: Matrix = host_array(value)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise _no_matrix(name, value, str(error)) from error
    if array.ndim != 2 or array.dtype.kind not in "fiub":
        raise _no_matrix(name, value, f"its values are {array.dtype}; give numbers")
    return array


def host_array(value: Any) -> Any:
    """An array or tensor as a NumPy array, without a copy where it lies in the memory of this machine.

    Raises TypeError or ValueError where it cannot be had, as for a tensor that records gradients.
    """
    try:
        return np.from_dlpack(value)
    except (AttributeError, BufferError, RuntimeError, TypeError):
        pass  # no protocol, a type that it does not know, memory of another device, or read-only
    if hasattr(value, "get") and not hasattr(value, "keys"):
        return value.get()  # CuPy copies to the host by request only
    try:
        return np.asarray(value)
    except RuntimeError as error:
        raise ValueError(str(error)) from error


def _of_frame(table: Any) -> Matrix:
    """The columns of a table of numbers as a matrix; nulls become NaN."""
    columns = [column.to_numpy() for column in map(_numeric, table.column_names, table.columns)]
    return np.column_stack(columns) if columns else np.empty((table.num_rows, 0))


def _numeric(name: str, column: Any) -> Any:
    """A column of a table. Raises ValueError where it holds no numbers, or integers that float64 would round."""
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        raise ValueError(f"its column '{name}' is {kind}; give numbers, or the frame itself as data")
    if pa.types.is_integer(kind) and kind.bit_width == 64:
        bounds = pc.min_max(column).as_py().values()
        if any(bound is not None and abs(bound) > EXACT_INTEGER for bound in bounds):
            raise ValueError(f"its column '{name}' holds integers beyond 2^53, which a matrix of float64 would round")
    return column.cast(pa.float64()) if column.null_count else column


def _no_matrix(name: str, value: Any, why: str) -> SchemaError:
    """The error for a value that cannot be a matrix."""
    return SchemaError(f"'{name}' ({type(value).__name__}) cannot be a matrix: {why}")
