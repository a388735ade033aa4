"""Conversions of one column (an Arrow array or a NumPy vector) to float64 numbers or to codes of levels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gramian.errors import DataError
from gramian.typing import Codes, Level, Mask, Vector

EXACT_INTEGER = 2**53  # = 9,007,199,254,740,992: from here on float64 skips integers
MAX_PLACES_PER_VALUE = 4  # width of the range of integers, per value, up to which a lookup table pays
MIN_ARROW_LEVELS = 1024  # number of levels from which on they stay an Arrow array, without Python objects
UNITS = ("s", "ms", "us", "ns")
SECONDS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}  # ticks per second of Arrow's time units


class Numbers(NamedTuple):
    """A numeric column.

    Attributes
    ----------
    values : Vector
        (n,) float64, or of another type of numbers where these were asked for as they are stored; arbitrary where the
        row is null.
    present : Mask or None
        (n,) which rows are not null; None when all are present.
    """

    values: Vector
    present: Mask | None


def both_present(first: Mask | None, second: Mask | None) -> Mask | None:
    """Rows that are present in two columns; None where all are."""
    return second if first is None else first if second is None or second is first else first & second


@dataclass(frozen=True, slots=True, eq=False)
class ArrowLevels(Sequence[Level]):
    """A sequence of levels backed by an Arrow array of int64 or large_string without nulls.

    Python objects are made only for the levels that are asked for: factors may have millions of them.
    """

    array: Any

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Iterator[Level]:
        return iter(self.array.to_pylist())

    def __getitem__(self, index: Any) -> Any:
        item = self.array[index]
        return ArrowLevels(item) if isinstance(index, slice) else item.as_py()


class Coded(NamedTuple):
    """A factor column as codes.

    Attributes
    ----------
    codes : Codes
        (n,) int64 positions in `levels`, -1 where the row is null.
    levels : Sequence[Level]
        The levels; some may not occur in any row.
    """

    codes: Codes
    levels: Sequence[Level]


def compact(column: Any) -> Any:
    """A copy of a column that is a small slice of larger memory, else the column itself.

    Pickling a slice would carry the memory behind it.
    """
    if isinstance(column, np.ndarray) or column.get_total_buffer_size() <= 2 * column.nbytes:
        return column
    return pa.concat_arrays([column, column[:0]])


def present(column: Any) -> Mask | None:
    """Mask of the values of an Arrow array that are not null; None when all are."""
    if not column.null_count:
        return None
    bitmap, first = column.buffers()[0], column.offset
    if bitmap is None:  # a column without a type
        return np.zeros(len(column), np.bool_)
    octets = np.frombuffer(bitmap, np.uint8)[first // 8 : (first + len(column) + 7) // 8]
    return np.unpackbits(octets, bitorder="little")[first % 8 :][: len(column)].view(np.bool_)


def _dtype(type_: Any) -> np.dtype[Any]:
    """The type of numbers in NumPy; `to_pandas_dtype` imports pandas in releases of Arrow that are still in use."""
    kind = "f" if pa.types.is_floating(type_) else "u" if pa.types.is_unsigned_integer(type_) else "i"
    return np.dtype(f"{kind}{type_.bit_width // 8}")


def raw(column: Any) -> np.ndarray[Any, Any]:
    """The values of a primitive Arrow array as a NumPy view, without a copy; values of nulls are arbitrary."""
    dtype = _dtype(column.type)
    # buffer 0 is the validity bitmap, buffer 1 the values; a slice shares the buffers and moves the offset
    values = np.frombuffer(column.buffers()[1], dtype=dtype) if len(column) else np.empty(0, dtype)
    return values[column.offset : column.offset + len(column)]


def numbers(column: Any, name: str, where: str, *, as_stored: bool = False) -> Numbers:
    """A column as float64: dates in days since 1970-01-01, timestamps, times and durations in seconds.

    as_stored : whether integers, booleans and float32 keep their type.

    Raises DataError where a number is so large that float64 would round an integer, or the type is not numeric; it
    names the column and the place.
    """
    if isinstance(column, np.ndarray):
        values = _from_numpy(column, name, where)
        return Numbers(values if as_stored and _is_plain(values) else values.astype(np.float64, copy=False), None)
    values = _from_arrow(column, name, where)
    return Numbers(
        values if as_stored and _is_plain(values) else values.astype(np.float64, copy=False), present(column)
    )


def _is_plain(values: np.ndarray[Any, Any]) -> bool:
    """Whether numbers have a type that compiled code reads: at most 64 bits, in this machine's order, aligned."""
    is_number = values.dtype.kind in "iub" or values.dtype.char in "fd"
    return is_number and values.dtype.isnative and values.flags.aligned


def _from_numpy(column: np.ndarray[Any, Any], name: str, where: str) -> np.ndarray[Any, Any]:
    """A NumPy vector of numbers, checked."""
    if column.dtype.kind in "iu" and column.dtype.itemsize == 8 and column.size:
        _check_integers(int(column.min()), int(column.max()), name, where)
    if column.dtype.kind not in "fiub":
        raise DataError(f"column '{name}' holds {column.dtype}, not numbers", where)
    return column


def _from_arrow(column: Any, name: str, where: str) -> np.ndarray[Any, Any]:
    """An Arrow array as numbers; the values of null rows are arbitrary."""
    kind = column.type
    if pa.types.is_floating(kind):
        return raw(column)
    if pa.types.is_integer(kind):
        if kind.bit_width == 64 and len(column) > column.null_count:
            low, high = (scalar.as_py() for scalar in pc.min_max(column).values())
            _check_integers(low, high, name, where)
        return raw(column)
    if pa.types.is_boolean(kind):
        return raw(column.cast(pa.uint8()))
    if pa.types.is_decimal(kind):
        return decimals(column, name, where)
    if pa.types.is_temporal(kind):
        return _instants(column, name, where)
    if pa.types.is_null(kind):
        return np.zeros(len(column))
    raise DataError(f"column '{name}' holds {kind}, not numbers", where)


def _check_integers(low: int, high: int, name: str, where: str) -> None:
    """Raise DataError where the smallest or the largest integer of a column has no exact float64."""
    worst = high if abs(high) >= abs(low) else low
    if abs(worst) > EXACT_INTEGER:
        raise DataError(
            f"column '{name}' holds the integer {worst}, beyond 2^53: as float64 it would be rounded; "
            "use factor() if it is an identifier, or subtract an offset first",
            where,
        )


def decimals(column: Any, name: str, where: str) -> Vector:
    """Decimals as float64, each rounded once; nulls become 0. Raises DataError for decimals beyond 2^53."""
    kind = column.type
    if kind.bit_width == 128 and kind.precision <= 15 and 0 <= kind.scale <= 22 and len(column):
        # up to 15 digits the value fits the low 64 bits of the 128, and 10^scale with scale <= 22 is exact in float64
        words = np.frombuffer(column.buffers()[1], dtype=np.int64)[::2]
        # both sides are exact, so the quotient rounds once
        integers = words[column.offset : column.offset + len(column)].astype(np.float64)
        return np.asarray(np.where(np.abs(integers) < 1e15, integers, 0.0) / 10.0**kind.scale)
    # up to 15 digits before the point there is none beyond 2^53
    if kind.precision - kind.scale > 15 and len(column) > column.null_count:
        low, high = (scalar.as_py() for scalar in pc.min_max(column).values())
        _check_decimals(low, high, name, where)
    return raw(column.cast(pa.string()).cast(pa.float64()).fill_null(0.0))


def _check_decimals(low: Decimal, high: Decimal, name: str, where: str) -> None:
    """Raise DataError where float64 would round the integer part of a decimal."""
    worst = high if abs(high) >= abs(low) else low
    if abs(worst) > EXACT_INTEGER:
        raise DataError(
            f"column '{name}' holds the decimal {worst}, beyond 2^53: as float64 it would be rounded; "
            "cast it to text if it is an identifier, or subtract an offset first",
            where,
        )


def _instants(column: Any, name: str, where: str) -> Vector:
    """Dates as days since 1970-01-01; timestamps, times and durations in seconds, each rounded once.

    Raises DataError where float64 would make different times equal.
    """
    if pa.types.is_date(column.type):
        return raw(column.cast(pa.date32()).cast(pa.int32())).astype(np.float64)
    ticks, unit = ticks_of(column)
    if (np.abs(ticks) > EXACT_INTEGER).any():
        raise DataError(
            f"column '{name}' holds {column.type} with more digits than float64 has: its times would be rounded; "
            "cast it to microseconds, or subtract the first time, as a duration",
            where,
        )
    return np.asarray(ticks / SECONDS[unit])


def ticks_of(column: Any) -> tuple[np.ndarray[Any, Any], str]:
    """Timestamps, times or durations as integers, and their unit; 0 where null.

    Where there are more ticks than float64 can count, the unit is the coarsest in which all are whole: pandas, say,
    stores seconds as nanoseconds.
    """
    kind = column.type
    ticks, unit = raw(column.cast(pa.int32() if kind.bit_width == 32 else pa.int64()).fill_null(0)), kind.unit
    while unit != "s" and (np.abs(ticks) > EXACT_INTEGER).any() and not (ticks % 1000).any():
        ticks, unit = ticks // 1000, UNITS[UNITS.index(unit) - 1]
    return ticks, unit


def close_integers(column: Any, known: range | None = None) -> Coded | None:
    """Codes of integers that lie close together, whose levels are the range from the least to the largest value.

    No dictionary is built: code = value - minimum. Returns None for other types, unsigned 64-bit integers, no values,
    or a range wider than `MAX_PLACES_PER_VALUE` places per value that is not a part of `known`.
    """
    if isinstance(column, np.ndarray):
        values, mask = column, None
    elif pa.types.is_integer(column.type):
        values, mask = raw(column), present(column)
    else:
        return None
    valid = values if mask is None else values[mask]
    if values.dtype.kind not in "iu" or (values.itemsize == 8 and values.dtype.kind == "u") or not len(valid):
        return None
    low, high = int(valid.min()), int(valid.max())
    is_known = known is not None and known.start <= low and high < known.stop
    if high - low >= MAX_PLACES_PER_VALUE * len(values) and not is_known:
        return None
    codes = np.subtract(values, low, dtype=np.int64)
    return Coded(codes if mask is None else np.where(mask, codes, -1), range(low, high + 1))


def arrow_levels(dictionary: Any) -> ArrowLevels | None:
    """A dictionary of many integers or texts as `ArrowLevels`; None where it is short, has a null or another type."""
    kind = dictionary.type
    if len(dictionary) < MIN_ARROW_LEVELS or dictionary.null_count:
        return None
    if pa.types.is_integer(kind) and not pa.types.is_uint64(kind):
        return ArrowLevels(dictionary.cast(pa.int64()))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return ArrowLevels(dictionary.cast(pa.large_string()))
    return None


def coded(column: Any) -> Coded:
    """Codes and levels of an Arrow dictionary array; a null or NaN level counts as null in every row that has it."""
    indices = column.indices
    if indices.null_count:
        indices = indices.cast(pa.int64()).fill_null(-1)  # unsigned indices cannot hold -1
    codes = raw(indices).astype(np.int64)
    if (many := arrow_levels(column.dictionary)) is not None:
        return Coded(codes, many)
    levels = column.dictionary.to_pylist()
    # level != level is true for NaN alone
    null_codes = [i for i, level in enumerate(levels) if level is None or level != level]
    if null_codes:
        codes = np.where(np.isin(codes, null_codes), -1, codes)
    return Coded(codes, levels)
