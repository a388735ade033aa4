"""Predictions as CSV, Parquet or Arrow, written batch by batch, so that memory does not grow with the rows."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gramian.cli.output import replacing
from gramian.errors import OptionError
from gramian.typing import Matrix

Write = Callable[[Matrix], None]
Format = Callable[[IO[bytes], Any], Any]  # opens a writer with this schema


@contextmanager
def writing(opened: Format, output: Path | None, names: Sequence[str]) -> Iterator[Write]:
    """Context with a function that writes columns (columns, n), with NaN as null, to a file or to stdout.

    opened : opens a writer of the format. output : a file that is replaced at the end, None for stdout.
    """
    schema = pa.schema([(name, pa.float64()) for name in names])
    if output is None:
        with opened(sys.stdout.buffer, schema) as writer:
            yield partial(_write, writer, schema)
        return
    with replacing(output) as temporary, open(temporary, "wb") as sink:
        with opened(sink, schema) as writer:
            yield partial(_write, writer, schema)
        # The data reach the disk before the file takes the place of another one.
        sink.flush()
        os.fsync(sink.fileno())


class _CSVWriter:
    """Writer of CSV with a header; a null is `NA`.

    A column of empty fields would be blank lines, which most readers skip, so that the rows after them would move up;
    some skip a line of two quotes, too.
    """

    def __init__(self, sink: IO[bytes], schema: Any) -> None:
        self._sink = sink
        sink.write(",".join(schema.names).encode() + b"\n")

    def __enter__(self) -> _CSVWriter:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def write_table(self, table: Any) -> None:
        """Write the rows of a table of numbers."""
        fields = [column.cast(pa.string()).fill_null("NA") for column in table.columns]
        lines = pc.binary_join_element_wise(*fields, ",")
        self._sink.write("".join(f"{line}\n" for line in lines.to_pylist()).encode())


def _parquet(sink: IO[bytes], schema: Any) -> Any:
    """Writer of Parquet."""
    return pq.ParquetWriter(sink, schema)


def _arrow(sink: IO[bytes], schema: Any) -> Any:
    """Writer of an Arrow IPC file."""
    return pa.ipc.new_file(sink, schema)


FORMATS: dict[str, Format] = {".csv": _CSVWriter, ".parquet": _parquet, ".arrow": _arrow}


def format_of(output: Path | None) -> Format:
    """Writer for the file's extension; CSV for stdout. Raises OptionError for an unknown extension."""
    extension = ".csv" if output is None else output.suffix.lower()
    if extension not in FORMATS:
        raise OptionError(f"{output} has an unknown extension; known are {', '.join(FORMATS)}")
    return FORMATS[extension]


def _write(writer: Any, schema: Any, values: Matrix) -> None:
    """Write one batch of columns."""
    arrays = [pa.array(row, mask=np.isnan(row)) for row in values]
    writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
