"""What is told of data and of saved fits, as tables for people."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gramian.api import load
from gramian.batch import Field, Input, Kind
from gramian.data.paths import kind_of
from gramian.data.source import source_of
from gramian.fit.plan import readable

LISTED = 20  # files of one kind that are listed
KINDS = {
    Kind.NUMBER: "number",
    Kind.TEXT: "text, a factor",
    Kind.BOOLEAN: "boolean, a factor",
    Kind.DATE: "date, by as_number()",
    Kind.OTHER: "not usable",
}


def is_saved(path: str) -> bool:
    """Whether a file is something that was saved: by its extension, or a zip file that is not named as data."""
    if path.endswith((".fit", ".gram")):
        return True
    return kind_of(path) is None and os.path.isfile(path) and zipfile.is_zipfile(path)


def about_data(paths: Sequence[str]) -> Iterator[RenderableType]:
    """Rows, bytes and units; the files; the columns."""
    source = source_of(paths)
    units = len(source.units) if isinstance(source.units, Sequence) else None
    yield _facts(
        {
            "data": " ".join(paths),
            "rows": _count(source.rows),
            "bytes": "unknown" if source.size is None else f"{source.size:,} ({readable(source.size)})",
            "units": f"{_count(units)}, read independently",
        }
    )
    if len(source.inputs) > 1:
        yield ""
        yield from _files(source.inputs)
    yield ""
    yield _columns(source.schema.fields)


def about_fit(path: str) -> Iterator[RenderableType]:
    """What was fitted, and from how many rows."""
    fit = load(path)
    dropped = ", ".join(f"{n:,} {cause}" for cause, n in fit.dropped_rows.items())
    yield _facts(
        {
            "fit": path,
            "formula": fit.formula,
            "rows": f"{fit.rows:,}" + (f"; left out: {dropped}" if dropped else ""),
            "coefficients": f"{len(fit.names):,}" + (f", {len(fit.aliased):,} of them aliased" if fit.aliased else ""),
        }
    )


def _facts(facts: dict[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        table.add_row(Text(name, style="bold"), Text(value, overflow="fold"))
    return table


def _files(inputs: Sequence[Input]) -> Iterator[RenderableType]:
    table = _table("file", "rows", "bytes", right=("rows", "bytes"))
    for read in inputs[:LISTED]:
        table.add_row(
            Text(read.name, overflow="fold"), _count(read.rows), "" if read.size is None else f"{read.size:,}"
        )
    yield table
    if len(inputs) > LISTED:
        yield Text(f"... {len(inputs) - LISTED:,} more files")


def _columns(fields: Iterable[Field]) -> Table:
    table = _table("column", "type", "kind")
    for field in fields:
        kind = f"not usable: {field.conflict}" if field.conflict else KINDS[field.kind]
        table.add_row(*(Text(cell, overflow="fold") for cell in (field.name, field.type, kind)))
    return table


def _table(*names: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in names:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return table


def _count(number: int | None) -> str:
    return "unknown before they are read" if number is None else f"{number:,}"
