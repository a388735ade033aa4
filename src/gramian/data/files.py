"""Files of any supported format as one source: one schema, units in the order of the paths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gramian.batch import Input, Unit
from gramian.data import csv, ipc, parquet
from gramian.data.agreement import Claim, agree
from gramian.data.facts import Facts
from gramian.data.paths import SUPPORTED, File, find_files, kind_of
from gramian.data.reading import Rereadable
from gramian.errors import DataError


@dataclass(frozen=True, slots=True)
class Format:
    """How files of one format are read: what one says before a row is read, and its units once types are agreed."""

    inspect: Callable[[File], Facts]
    units: Callable[[Facts, Mapping[str, Any]], Iterable[Unit]]


FORMATS = {
    "parquet": Format(parquet.inspect, parquet.units),
    "csv": Format(csv.inspect, csv.units),
    "ipc": Format(ipc.inspect, ipc.units),
}


def read_files(data: object) -> Rereadable:
    """A source over the files that a path, a pattern, a folder or a list of them stands for."""
    files = find_files(data)
    formats = [_format(file) for file in files]
    facts = [known.inspect(file) for file, known in zip(files, formats, strict=True)]
    agreed = agree([_claim(fact) for fact in facts])
    units = [u for known, fact in zip(formats, facts, strict=True) for u in known.units(fact, agreed.types)]
    inputs = tuple(Input(f.file.path, f.file.size, f.rows, f.file.changed, len(f.pieces)) for f in facts)
    return Rereadable(agreed.schema, tuple(units), inputs, _total(facts), sum(file.size for file in files))


def _format(file: File) -> Format:
    kind = kind_of(file.path)
    if kind is None:
        raise DataError(f"unknown kind of file; supported are {SUPPORTED}", file.path)
    return FORMATS[kind]


def _claim(fact: Facts) -> Claim:
    keys = {name: pa.int64() if isinstance(value, int) else pa.string() for name, value in fact.file.keys}
    keys |= {name: pa.null() for name, value in fact.file.keys if value is None}
    both = {
        name: f"column '{name}' is both in the file and in the name of its folder; rename one of them"
        for name in keys.keys() & fact.types.keys()
    }
    return Claim(fact.file.label, {**fact.types, **keys}, {**fact.unusable, **both})


def _total(facts: Sequence[Facts]) -> int | None:
    known = [fact.rows for fact in facts if fact.rows is not None]
    return sum(known) if len(known) == len(facts) else None
