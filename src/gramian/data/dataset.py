"""Datasets of pyarrow: a unit is a fragment or row group with its own types; a filtered one is read as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.dataset as pd

from gramian.batch import Batch, Input, Unit
from gramian.data.agreement import Claim, agree, duplicates
from gramian.data.blame import blamed
from gramian.data.columns import usable
from gramian.data.frames import hidden
from gramian.data.reading import Rereadable, batch_rows
from gramian.errors import DataError

WHERE = "pyarrow.dataset"
DECLARED = {"csv", "json"}  # formats without types of their own: those of the dataset hold


def read_dataset(data: Any) -> Rereadable:
    """A dataset; its files must agree as those of a folder do."""
    if not isinstance(data, pd.FileSystemDataset) or getattr(data, "_scan_options", None):
        schema = agree(list(_claims_of_whole(data))).schema
        return Rereadable(schema, (Scan(data, WHERE),), (Input(WHERE, None, None),), None, None)
    with blamed(WHERE):
        fragments = list(data.get_fragments())
        schemas = [_schema(data, fragment) for fragment in fragments]
    places = [fragment.path for fragment in fragments]
    claims = [_claim(place, own) for place, own in zip(places, schemas, strict=True)]
    schema = agree(claims or [_claim(WHERE, data.schema)]).schema
    units = tuple(_units(fragments, schemas, places))
    counts = [unit.rows for unit in units if unit.rows is not None]
    rows = sum(counts) if len(counts) == len(units) else None
    return Rereadable(schema, units, tuple(Input(place, None, None) for place in places), rows, None)


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What a dataset or a part of it holds. schema : the types it is read with, None for its own."""

    part: Any
    name: str
    schema: Any = None
    rows: int | None = None
    first_row: int = 0
    size: int = 0

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order. Raises DataError where fewer are found than were promised."""
        first = self.first_row
        own = {} if self.schema is None else {"schema": self.schema}
        options = {"columns": list(columns), "batch_size": batch_rows(len(columns)), "use_threads": parallel}
        with blamed(self.name):
            for piece in self.part.to_batches(batch_readahead=2, **options, **own):
                arrays = {name: usable(piece.column(name)) for name in columns}
                yield Batch(piece.num_rows, arrays, where=self.name, first_row=first)
                first += piece.num_rows
        if self.rows is not None and first - self.first_row != self.rows:
            raise DataError(f"holds {first - self.first_row} rows, its footer says {self.rows}", self.name)


def _units(fragments: Sequence[Any], schemas: Sequence[Any], places: Sequence[str]) -> Iterator[Unit]:
    for fragment, schema, place in zip(fragments, schemas, places, strict=True):
        if not isinstance(fragment, pd.ParquetFileFragment):
            yield Scan(fragment, place, schema)
            continue
        first = 0
        with blamed(place):
            groups = fragment.split_by_row_group()
        for group in groups:
            known = group.row_groups[0]
            yield Scan(group, f"{place}, row group {known.id}", schema, known.num_rows, first)
            first += known.num_rows


def _schema(data: Any, fragment: Any) -> Any:
    """The types a fragment has, and those of the keys in its path."""
    if fragment.format.default_extname in DECLARED:
        return data.schema
    own = fragment.physical_schema
    keys = pd.get_partition_keys(fragment.partition_expression)
    fields = [data.schema.field(name) for name in keys if name in data.schema.names and name not in own.names]
    return pa.schema([*(field for field in own if field.name in data.schema.names), *fields])


def _claim(where: str, schema: Any) -> Claim:
    names = [name for name in schema.names if not hidden(name)]
    return Claim(where, {name: schema.types[schema.names.index(name)] for name in names}, duplicates(names))


def _claims_of_whole(data: Any) -> Iterator[Claim]:
    """What the dataset says; where its files have types of their own, each must be of the same family."""
    yield _claim(WHERE, data.schema)
    if not isinstance(data, pd.FileSystemDataset) or data.format.default_extname in DECLARED:
        return
    for path in data.files:
        with blamed(path):
            own = data.format.inspect(path, data.filesystem)
        kinds = {field.name: field.type for field in data.schema} | {field.name: field.type for field in own}
        yield _claim(path, pa.schema([(name, kinds[name]) for name in data.schema.names]))
