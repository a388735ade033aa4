"""Source over a dict of arrays or sequences.

A 2-D array `X` gives the columns `X[0]`, `X[1]`, ... and is never copied. So does a sparse matrix of SciPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gramian.batch import Input, Rereadable
from gramian.data.columns import first_texts, ordered_levels, with_declared_order
from gramian.data.in_memory import InMemoryTable
from gramian.data.libraries.matrices import foreign_matrix, host_array, is_matrix
from gramian.data.sparse import is_sparse, read_sparse, size_of
from gramian.data.unify_schema import FileSchema, unify
from gramian.errors import SchemaError, listing
from gramian.schema import SPARSE, Field, Kind, Schema

NUMERIC = "fiub"  # NumPy kinds that need no conversion
MAX_LISTED_COLUMNS = 1000  # columns of a matrix up to which each has its own field in the schema
SEQUENCES = (list, tuple, range)


def read_arrays(data: Mapping[Any, Any], where: str = "dict of arrays") -> Rereadable:
    """A source over arrays in memory. Raises SchemaError where they are not columns of one table."""
    table, schema = table_of_arrays(data)
    size = sum(size_of(c) for c in (*table.columns.values(), *table.matrices.values()))
    return Rereadable(schema, table.units(where), (Input(where, size, table.rows),), table.rows, size)


def table_of_arrays(data: Mapping[Any, Any]) -> tuple[InMemoryTable, Schema]:
    """The arrays as columns (1-D) and matrices (2-D), with their schema."""
    columns: dict[str, Any] = {}
    matrices: dict[str, Any] = {}
    for key, value in data.items():
        column = to_column(str(key), value)
        (matrices if getattr(column, "ndim", 1) == 2 else columns)[str(key)] = column
    table = InMemoryTable(common_length(columns | matrices), columns, matrices)
    return table, _schema(table)


def to_column(name: str, value: Any) -> Any:
    """One column as an Arrow array, a chunked array, a numeric NumPy array (1-D or 2-D), or a CSR matrix."""
    if is_sparse(value):
        return read_sparse(name, value)
    if isinstance(value, SEQUENCES):
        value = _from_sequence(name, value)
    if isinstance(value, np.ndarray):
        return _from_numpy(name, value)
    if is_matrix(value):
        return foreign_matrix(name, value)
    try:
        return _from_numpy(name, host_array(value)) if _is_tensor(value) else _from_arrow(value)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise _not_a_column(name, value, str(error)) from error


def is_pair(data: object) -> bool:
    """Whether this is a matrix and a vector, as in `(X, y)`."""
    if not (isinstance(data, tuple) and len(data) == 2):
        return False
    dimensions = [len(getattr(part, "shape", ())) for part in data]
    return dimensions in ([1, 1], [2, 1])


def read_records(data: Any) -> Rereadable:
    """A source over a NumPy array of records: a column a field."""
    return read_arrays({name: data[name] for name in data.dtype.names}, "array of records")


def _is_tensor(value: object) -> bool:
    """Whether this is an array of another library that NumPy understands, and Arrow does not."""
    if hasattr(value, "__arrow_c_array__") or hasattr(value, "__arrow_c_stream__"):
        return False
    return hasattr(value, "__dlpack__") or (hasattr(value, "__array__") and not hasattr(value, "__iter__"))


def _from_arrow(value: Any) -> Any:
    """An object that supports one of Arrow's or NumPy's protocols, as an Arrow array."""
    if isinstance(value, pa.Array | pa.ChunkedArray):
        return value
    dtype = getattr(value, "dtype", None)
    if hasattr(value, "__arrow_c_stream__"):
        return with_declared_order(pa.chunked_array(value), dtype)
    if hasattr(value, "__arrow_c_array__") or hasattr(value, "__array__"):
        return with_declared_order(pa.array(value, from_pandas=True), dtype)
    raise TypeError("give an array, a list or a column of a frame; of rows as dicts make a list")


def _from_sequence(name: str, value: Any) -> Any:
    """A list or tuple as a NumPy array; a list of rows as a matrix."""
    if len(value) and all(isinstance(row, list | tuple | np.ndarray) for row in value):
        try:
            return np.asarray(value)
        except ValueError as error:
            raise _not_a_column(name, value, "its rows have different lengths") from error
    # dtype object leaves the type to Arrow: np.asarray([1, None]) or [1, "a"] would choose a wrong one
    return np.fromiter(value, dtype=object, count=len(value)) if not isinstance(value, range) else np.asarray(value)


def _from_numpy(name: str, value: np.ndarray[Any, Any]) -> Any:
    """A NumPy array as a column or matrix; numeric ones are not copied.

    Raises SchemaError for records, complex numbers and more than two dimensions.
    """
    if value.ndim not in (1, 2):
        raise _not_a_column(name, value, f"it has {value.ndim} dimensions; give 1 (a column) or 2 (a matrix)")
    if value.dtype.names:
        raise _not_a_column(name, value, "its rows are records; give one array per field")
    if isinstance(value, np.ma.MaskedArray):
        return _from_masked(name, value)
    if value.dtype.kind in NUMERIC:
        return value
    if value.ndim == 2:
        raise _not_a_column(name, value, f"a matrix of {value.dtype}; give numbers, or one array per column")
    if value.dtype.kind == "c":
        raise _not_a_column(name, value, "complex numbers; give the real and the imaginary part")
    try:
        return pa.array(
            # Arrow reads the native byte order only
            value if value.dtype.isnative else value.astype(value.dtype.newbyteorder("=")),
            from_pandas=True,
        )
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise _not_a_column(name, value, str(error)) from error


def _from_masked(name: str, value: Any) -> Any:
    """A masked array with nulls where it is masked."""
    if value.mask is np.ma.nomask or not np.any(value.mask):
        return _from_numpy(name, value.data)
    if value.ndim == 2:
        raise _not_a_column(
            name, value, "a matrix with masked values; give NaN in their place, or one array per column"
        )
    column = _from_numpy(name, value.data)
    if isinstance(column, np.ndarray):
        return pa.array(column.astype(column.dtype.newbyteorder("="), copy=False), mask=np.asarray(value.mask))
    return pc.if_else(pa.array(~value.mask), column, None)


def common_length(columns: Mapping[str, Any]) -> int:
    """The number of rows. Raises SchemaError where arrays have different lengths."""
    if not columns:
        raise SchemaError("the dict holds no columns")
    lengths: dict[int, list[str]] = {}
    for name, column in columns.items():
        # sparse matrices and arrays of zarr have no length
        rows = column.shape[0] if hasattr(column, "shape") else len(column)
        lengths.setdefault(rows, []).append(name)
    if len(lengths) > 1:
        descriptions = "; ".join(f"{rows} rows: {listing(names, 5)}" for rows, names in lengths.items())
        raise SchemaError(f"arrays of different lengths ({descriptions}); give arrays of one length")
    return next(iter(lengths))


def types_of(table: InMemoryTable) -> dict[str, Any]:
    """Name -> Arrow type of each column, those of matrices included. Raises SchemaError where names clash."""
    types = {name: _type_of(column) for name, column in table.columns.items()}
    for name, matrix in table.matrices.items():
        expanded = dict.fromkeys((f"{name}[{i}]" for i in range(matrix.shape[1])), _type_of(matrix))
        if clash := sorted(expanded.keys() & types.keys()):
            raise SchemaError(f"column '{clash[0]}' is also a column of the matrix '{name}'; rename one of them")
        types |= expanded
    return types


def _schema(table: InMemoryTable) -> Schema:
    """The schema of a table of arrays."""
    levels = {name: ordered for name, column in table.columns.items() if (ordered := _levels(column)) is not None}
    wide_fields = {name: _field_of(name, matrix) for name, matrix in table.matrices.items() if _is_wide(matrix)}
    _check_names(table, wide_fields)
    listed = replace(table, matrices={name: m for name, m in table.matrices.items() if name not in wide_fields})
    arrow = {name: column for name, column in table.columns.items() if not isinstance(column, np.ndarray)}
    agreed = unify([FileSchema("", types_of(listed), examples=first_texts(arrow))], levels)
    return Schema(agreed.schema.fields, {name: matrix.shape[1] for name, matrix in table.matrices.items()}, wide_fields)


def _is_wide(matrix: Any) -> bool:
    """Whether a matrix has one field in the schema for all its columns."""
    return is_sparse(matrix) or matrix.shape[1] > MAX_LISTED_COLUMNS


def _field_of(name: str, matrix: Any) -> Field:
    """The field of a wide matrix."""
    kind = _type_of(matrix)
    type_name = f"{SPARSE} {kind}" if is_sparse(matrix) else str(kind)
    return Field(name, Kind.BOOLEAN if kind == pa.bool_() else Kind.NUMBER, type_name)


def _check_names(table: InMemoryTable, wide: Mapping[str, Field]) -> None:
    """Raise SchemaError for a column that is called like a column of a wide matrix."""
    for name in table.columns:
        base, _, index = name.removesuffix("]").rpartition("[")
        if base in wide and index.isdecimal() and int(index) < table.matrices[base].shape[1]:
            raise SchemaError(f"column '{name}' is also a column of the matrix '{base}'; rename one of them")


def _type_of(column: Any) -> Any:
    """Arrow type of a column or matrix."""
    if not isinstance(column, np.ndarray) and not is_sparse(column):
        return column.type
    dtype = column.dtype.newbyteorder("=")
    # Arrow has no extended precision: batches convert such columns to float64
    return pa.float64() if dtype.kind == "f" and dtype.itemsize > 8 else pa.from_numpy_dtype(dtype)


def _levels(column: Any) -> Any:
    """Levels of an ordered categorical, else None."""
    return None if isinstance(column, np.ndarray) else ordered_levels(column)


def _not_a_column(name: str, value: Any, why: str) -> SchemaError:
    """The error for a value that cannot be a column."""
    return SchemaError(f"'{name}' ({type(value).__name__}) cannot be a column: {why}")
