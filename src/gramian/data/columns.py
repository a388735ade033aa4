"""Arrow types as formulas distinguish them, and conversion of columns to types that a batch can hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from gramian.schema import Kind
from gramian.typing import Level

VIEW = "string_view"
FIRST_ROWS = 20  # whose texts are looked at

# the first test that holds decides: test of the type, family, kind
FAMILIES = (
    (pt.is_null, "null", Kind.NUMBER),
    (pt.is_boolean, "boolean", Kind.BOOLEAN),
    (pt.is_integer, "integer", Kind.NUMBER),
    (pt.is_floating, "float", Kind.NUMBER),
    (pt.is_decimal, "decimal", Kind.NUMBER),
    (pt.is_string, "text", Kind.TEXT),
    (pt.is_large_string, "text", Kind.TEXT),
    (lambda kind: str(kind) == VIEW, "text", Kind.TEXT),
    (pt.is_date, "date", Kind.DATE),
    (lambda kind: pt.is_timestamp(kind) and kind.tz is not None, "timestamp with time zone", Kind.DATE),
    (pt.is_timestamp, "timestamp", Kind.DATE),
    (pt.is_time, "time", Kind.DATE),
    (pt.is_duration, "duration", Kind.DATE),
)


def storage_type(kind: Any) -> Any:
    """The type below extension types and run-end encodings."""
    if isinstance(kind, pa.BaseExtensionType):
        return storage_type(kind.storage_type)
    return storage_type(kind.value_type) if pt.is_run_end_encoded(kind) else kind


@lru_cache(maxsize=1024)  # many columns and files have the same few types
def family(kind: Any) -> str:
    """Name of the family of a type; types of one family are read in the same way and may differ between files."""
    kind = storage_type(kind)
    if pt.is_dictionary(kind):
        inner = family(kind.value_type)
        # dictionaries of texts and plain texts are read alike; categories of numbers are factors, numbers are not
        return inner if inner == "text" else f"categories of {inner}"
    return next((name for test, name, _ in FAMILIES if test(kind)), str(kind))


@lru_cache(maxsize=1024)
def kind_of(kind: Any) -> Kind:
    """The kind that a column of this Arrow type has in a formula."""
    kind = storage_type(kind)
    if pt.is_dictionary(kind):
        return Kind.OTHER if pt.is_nested(storage_type(kind.value_type)) else Kind.TEXT
    return next((column_kind for test, _, column_kind in FAMILIES if test(kind)), Kind.OTHER)


def usable(column: Any) -> Any:
    """An Arrow array (not chunked) in a type that most functions of Arrow support.

    Extension types, run-end encodings and string views become their plain forms. Raises ArrowInvalid where a code has
    no level, or text is not UTF-8: readers of Parquet hand over what a damaged page holds, unchecked.
    """
    return _checked(_plain(column))


def _checked(column: Any) -> Any:
    """The column, after a check of its codes and texts."""
    if pt.is_dictionary(column.type):
        check_codes(column)
        _checked(column.dictionary)
    elif pt.is_string(column.type) or pt.is_large_string(column.type):
        column.validate(full=True)
    return column


def check_codes(column: Any) -> None:
    """Raise ArrowInvalid where a code of an Arrow dictionary array is no position in its dictionary."""
    # much faster than column.validate(full=True), which says the same
    lowest, highest = (bound.as_py() for bound in pc.min_max(column.indices).values())
    levels = len(column.dictionary)
    if lowest is not None and not 0 <= lowest <= highest < levels:
        raise pa.ArrowInvalid(f"the code {lowest if lowest < 0 else highest} has no level: there are {levels}")


def _plain(column: Any) -> Any:
    """A column without extension types, run-end encodings and string views."""
    if isinstance(column.type, pa.BaseExtensionType):
        return _plain(column.storage)
    if pt.is_run_end_encoded(column.type):
        return _plain(pc.run_end_decode(column))
    if pt.is_dictionary(column.type) and str(column.type.value_type) == VIEW:
        levels = column.dictionary.cast(pa.large_string())
        return pa.DictionaryArray.from_arrays(column.indices, levels, ordered=column.type.ordered)
    return column.cast(pa.large_string()) if str(column.type) == VIEW else column


def with_declared_order(column: Any, dtype: Any) -> Any:
    """An Arrow column made of a pandas one: a categorical as ordered, for its levels have an order in any case.

    Dictionaries of Arrow and polars list levels as they were met, unless they say that they are ordered.
    """
    if type(dtype).__name__ != "CategoricalDtype" or not pt.is_dictionary(column.type) or column.type.ordered:
        return column
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([with_declared_order(chunk, dtype) for chunk in column.chunks])
    return pa.DictionaryArray.from_arrays(column.indices, column.dictionary, ordered=True)


def ordered_levels(column: Any) -> tuple[Level, ...] | None:
    """The levels of an ordered categorical, in order; None for others, or where its chunks have different levels."""
    if not (pt.is_dictionary(column.type) and column.type.ordered) or kind_of(column.type) is Kind.OTHER:
        return None
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    level_orders = {tuple(chunk.dictionary.to_pylist()) for chunk in chunks}
    return level_orders.pop() if len(level_orders) == 1 else None


def constant(value: int | str | None, kind: Any, rows: int) -> Any:
    """A column with the same value in all rows."""
    if value is None or not isinstance(value, str):
        return pa.repeat(pa.scalar(value, kind), rows)
    # a text as a dictionary of one level: no copy of the text for each row
    codes = pa.repeat(pa.scalar(0, pa.int32()), rows)
    return pa.DictionaryArray.from_arrays(codes, pa.array([value], kind))


def usable_columns(piece: Any, names: Iterable[str]) -> dict[str, Any]:
    """Columns of a record batch in types that most functions of Arrow support, by name."""
    return {name: usable(piece.column(name)) for name in names}


def text_columns(types: Mapping[str, Any]) -> frozenset[str]:
    """The columns of text, of those with these Arrow types."""
    return frozenset(name for name, kind in types.items() if family(kind) == "text")


def first_texts(columns: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Column of plain text -> its values in the first rows, without missing ones; messages say what they look like."""
    texts = {
        name: column for name, column in columns.items() if pt.is_string(column.type) or pt.is_large_string(column.type)
    }
    return {name: _first_values(column) for name, column in texts.items()}


def _first_values(column: Any) -> tuple[str, ...]:
    """The first values of a column of text; none where it is damaged, which is said when it is read."""
    first = column if isinstance(column, pa.Array) else next(column.iterchunks(), pa.array([], column.type))
    try:
        values = usable(first.slice(0, FIRST_ROWS)).to_pylist()
    except pa.ArrowInvalid:
        return ()
    return tuple(value for value in values if value is not None)
