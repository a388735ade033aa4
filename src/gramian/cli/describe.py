"""Descriptions of data files, saved fits and Grams, as tables for people."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gramian.batch import Input
from gramian.cli.kinds import KINDS
from gramian.data.paths import kind_of
from gramian.data.source import source_of
from gramian.errors import listing
from gramian.fit.bootstrap.save import Draws
from gramian.fit.gram.result import Gram
from gramian.fit.passes.keys import describe_key
from gramian.fit.passes.memory import format_bytes
from gramian.linalg.columns import Factors
from gramian.linalg.exact.cells import ExactCells
from gramian.linalg.factors.cells import CellSums
from gramian.saved import Fit, load
from gramian.schema import Field, Kind
from gramian.typing import Codes

MAX_LISTED = 20  # files that are listed
MAX_DISCLOSING_ROWS = 30  # the values of so few rows can be computed from their sums
KIND_NAMES = {
    Kind.NUMBER: "number",
    Kind.TEXT: "text, a factor",
    Kind.BOOLEAN: "boolean, a factor",
    Kind.DATE: "date, by as_number()",
    Kind.OTHER: "not usable",
}


def is_saved(path: str) -> bool:
    """Whether a file is a saved fit or Gram: by its extension, or because it is a zip file not named as data."""
    if path.endswith((".fit", ".gram")):
        return True
    return kind_of(path) is None and os.path.isfile(path) and zipfile.is_zipfile(path)


def describe_data(paths: Sequence[str], data: object = None) -> Iterator[RenderableType]:
    """Tables of data files: rows, bytes and units; files; columns. No rows are read.

    data : the files, with what is known of how they are written.
    """
    source = source_of(paths if data is None else data)
    units = len(source.units) if isinstance(source.units, Sequence) else None
    yield _fact_table(
        {
            "data": " ".join(paths),
            "rows": _count(source.rows),
            "bytes": "unknown" if source.size is None else f"{source.size:,} ({format_bytes(source.size)})",
            "units": f"{_count(units)}, read independently",
        }
    )
    if len(source.inputs) > 1:
        yield ""
        yield from _file_table(source.inputs)
    yield ""
    yield _column_table(source.schema.fields)


def describe_saved(path: str) -> Iterator[RenderableType]:
    """Tables of a saved fit or Gram, or what draws print."""
    saved = load(path)
    if isinstance(saved, Draws):
        return iter([Text(path, style="bold"), Text(str(saved))])
    return describe_gram(path, saved) if isinstance(saved, Gram) else describe_fit(path, saved)


def describe_fit(path: str, fit: Fit) -> Iterator[RenderableType]:
    """Table of a saved fit: formula, rows, coefficients."""
    coefficients = KINDS[type(fit)].coefficients(fit)
    yield _fact_table({"fit": path, "formula": fit.formula, "rows": _rows(fit), **coefficients})


def describe_gram(path: str, gram: Gram) -> Iterator[RenderableType]:
    """Tables of a Gram: what it stores, from which inputs, and warnings where rows could be reconstructed."""
    gram_data = gram.gram_data
    facts = {
        "gram": path,
        "formula": gram.formula,
        "rows": _rows(gram),
        "columns": ", ".join(gram.columns),
        "weights": gram_data.design.weight,
        "counts": gram_data.design.count,
        "factors": ", ".join(f"{name} ({len(levels):,} levels)" for name, levels in gram_data.moments.levels.items()),
        "stored": _stored(gram),
        "separate sums": _grouped_sums(gram),
        "digest": gram.digest,
        "taken away": ", ".join(map(str, gram_data.provenance.over_subtracted)),
    }
    yield _fact_table({name: value for name, value in facts.items() if value})
    yield ""
    yield from _file_table([Input(read.name, read.size, read.rows) for read in gram.inputs])
    for warning in disclosure_warnings(gram):
        yield Text(f"warning: {warning}", style="yellow")


def disclosure_warnings(gram: Gram) -> Iterator[str]:
    """Warnings for groups of so few rows that values of rows can be computed from the sums."""
    moments = gram.gram_data.moments
    if 0 < gram.rows <= MAX_DISCLOSING_ROWS:
        yield f"{gram.rows} rows are few: their values can be worked out from these sums"
    tables: Iterable[tuple[Factors, CellSums | ExactCells]] = moments.tables.items()
    group_sums = gram.gram_data.group_sums
    small = (
        []
        if group_sums is None
        else [key for key, group in group_sums.parts.items() if 0 < group.moments.rows <= MAX_DISCLOSING_ROWS]
    )
    if group_sums is not None and small:
        groups = listing((describe_key(group_sums.grouping, key) for key in small), 5)
        yield f"{groups}: {MAX_DISCLOSING_ROWS} rows or fewer; their values can be worked out from the sums of each"
    clusters = gram.gram_data.clusters
    if clusters is not None and (small_clusters := int((clusters.moments.counts <= MAX_DISCLOSING_ROWS).sum())):
        subject = "1 cluster has" if small_clusters == 1 else f"{small_clusters:,} clusters have"
        yield f"{subject} {MAX_DISCLOSING_ROWS} rows or fewer; their values can be worked out from these products"
    for factors, table in tables:
        # The sums of a cell with one row are that row.
        single_row_cells: Codes = table.cells[table.rows == 1]
        if len(single_row_cells):
            cell_names = [
                ":".join(str(moments.levels[f][c]) for f, c in zip(factors, cell, strict=True))
                for cell in single_row_cells
            ]
            yield f"{':'.join(factors)}: a single row has {listing(cell_names, 5)}; its values are in these sums"


def _rows(saved: Fit | Gram) -> str:
    """Number of rows, with dropped rows by cause."""
    dropped = ", ".join(f"{n:,} {cause}" for cause, n in saved.dropped_rows.items())
    return f"{saved.rows:,}" + (f"; left out: {dropped}" if dropped else "")


def _stored(gram: Gram) -> str:
    """Size of the products, and of the tables of factors."""
    layout = gram.gram_data.design.layout
    tables: Iterable[tuple[Factors, CellSums | ExactCells]] = gram.gram_data.moments.tables.items()
    cells = "".join(f"; {len(t.rows):,} cells of {':'.join(f)}" for f, t in islice(tables, MAX_LISTED))
    return f"{len(layout.rows)} x {len(layout.rows)} products{cells}"


def _grouped_sums(gram: Gram) -> str:
    """Sums that are stored by fold, group or cluster."""
    folds = f"{gram.folds} folds" if gram.folds else ""
    groups = f"{len(gram.groups):,} groups by {' and '.join(gram.by)}" if gram.by else ""
    cluster_products = gram.gram_data.clusters
    clusters = (
        ""
        if cluster_products is None
        else f"{cluster_products.moments.clusters.count:,} clusters by {' and '.join(cluster_products.by)}"
    )
    return "; ".join(item for item in (folds, groups, clusters) if item)


def _fact_table(facts: dict[str, str]) -> Table:
    """Table of names and values."""
    table = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        table.add_row(Text(name, style="bold"), Text(value, overflow="fold"))
    return table


def _file_table(inputs: Sequence[Input]) -> Iterator[RenderableType]:
    """Table of inputs; of very many the first ones."""
    table = _table("file", "rows", "bytes", right=("rows", "bytes"))
    for read in inputs[:MAX_LISTED]:
        table.add_row(
            Text(read.name, overflow="fold"), _count(read.rows), "" if read.size is None else f"{read.size:,}"
        )
    yield table
    if len(inputs) > MAX_LISTED:
        yield Text(f"... {len(inputs) - MAX_LISTED:,} more files")


def _column_table(fields: Iterable[Field]) -> Table:
    """Table of the columns, with their use in a formula."""
    table = _table("column", "type", "kind")
    for field in fields:
        kind = f"not usable: {field.conflict}" if field.conflict else KIND_NAMES[field.kind]
        table.add_row(*(Text(cell, overflow="fold") for cell in (field.name, field.type, kind)))
    return table


def _table(*names: str, right: Sequence[str] = ()) -> Table:
    """An empty table with these columns, those of `right` aligned to the right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in names:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return table


def _count(number: int | None) -> str:
    """A number, or "unknown"."""
    return "unknown before they are read" if number is None else f"{number:,}"
