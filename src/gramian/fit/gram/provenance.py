"""Provenance of a Gram: the inputs in its sums, so that none is added twice or subtracted without being there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from gramian.batch import Input, Source
from gramian.errors import DataError, listing
from gramian.fit.gram.moments import AnyMoments
from gramian.linalg.exact.moments import ExactMoments

ENDS = 2**16  # bytes


@dataclass(frozen=True, slots=True)
class ReadInput:
    """Identity of an input: a file by path and size, data in memory by the digest of their moments.

    Attributes
    ----------
    name : str
        Absolute path of a file, or the kind of data in memory.
    size : int or None
        Bytes of a file.
    units : int or None
        Row groups of a Parquet file, batches of an Arrow file, 1 for CSV.
    rows : int or None
        Number of rows; None for a file that does not state it.
    sha256 : str or None
        Digest of the moments of data in memory.
    identity : str or None
        What a file is known by, whatever its name (`Input.identity`); files of the same identity are one.
    ends : str or None
        Digest of the first and the last bytes of a file on this machine, which differs where it was replaced.
    """

    name: str
    size: int | None = None
    units: int | None = None
    rows: int | None = None
    sha256: str | None = None
    # not compared: a copy at the same path and of the same size counts as the same input, too
    identity: str | None = field(default=None, compare=False)
    ends: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.name if self.rows is None else f"{self.name} ({self.rows:,} rows)"


@dataclass(frozen=True, slots=True)
class Provenance:
    """The inputs of a Gram.

    Attributes
    ----------
    multiplicity : mapping of ReadInput to int
        How often each input is in the sums: normally once; negative if it was subtracted by force without being there.
    """

    multiplicity: Mapping[ReadInput, int] = field(default_factory=dict)

    @property
    def inputs(self) -> tuple[ReadInput, ...]:
        """Inputs in the sums, each as often as it was added."""
        return tuple(read for read, n in self.multiplicity.items() for _ in range(n))

    @property
    def over_subtracted(self) -> tuple[ReadInput, ...]:
        """Inputs that were subtracted without being in the sums."""
        return tuple(read for read, n in self.multiplicity.items() for _ in range(-n))


def provenance_of(source: Source, moments: AnyMoments, rows: int) -> Provenance:
    """The provenance of one pass. rows : number of rows that were read, complete or not."""
    inputs = source.inputs
    if inputs and all(map(is_file, inputs)):
        return Provenance({file_read(read): 1 for read in inputs})
    name = inputs[0].name if len(inputs) == 1 else f"{len(inputs)} inputs"
    return Provenance({ReadInput(name, rows=rows, sha256=fingerprint(moments)): 1})


def is_file(read: Input) -> bool:
    """Whether an input is a file, here or in an object store, that is known again."""
    return read.size is not None and read.identity is not None and (is_remote(read.name) or os.path.isfile(read.name))


def is_remote(name: str) -> bool:
    """Whether this is the address of a file elsewhere."""
    return "://" in name


def file_read(read: Input) -> ReadInput:
    """The identity of a file."""
    if is_remote(read.name):
        return ReadInput(read.name, read.size, read.units, read.rows, identity=read.identity)
    path = os.path.abspath(read.name)
    return ReadInput(path, read.size, read.units, read.rows, identity=read.identity, ends=digest_of_ends(path))


def digest_of_ends(path: str) -> str:
    """SHA-256 of the first and the last bytes of a file: its whole content would cost another read.

    The last ones of Parquet say of every column where it lies, how long it is, and which values are lowest and highest.
    """
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read(ENDS))
        file.seek(max(os.fstat(file.fileno()).st_size - ENDS, 0))
        digest.update(file.read(ENDS))
    return digest.hexdigest()


def is_replaced(now: ReadInput, before: ReadInput) -> bool:
    """Whether a file has the name and size that it had, and is another one all the same.

    Elsewhere the identity is that of the content, as the store says it; here a copy of the same content has another.
    """
    if None in (now.identity, before.identity) or now.identity == before.identity:
        return False
    return is_remote(now.name) or (before.ends is not None and now.ends != before.ends)


def fingerprint(moments: AnyMoments) -> str:
    """SHA-256 of moments, as hexadecimal text: of their columns, levels, counts and sums."""
    if isinstance(moments, ExactMoments):
        return moments.digest
    # the same data summed in another order differ in the last bits and are taken for others: a check against the usual
    # mistake of adding one data frame twice, no proof
    layout, levels = moments.layout, [(f, tuple(names)) for f, names in sorted(moments.levels.items())]
    header = [layout.dense, layout.responses, layout.tables, levels, sorted(moments.coordinates.items()), moments.rows]
    digest = hashlib.sha256(repr(header).encode())
    digest.update(np.ascontiguousarray(moments.dense).tobytes())
    for table in moments.tables.values():
        for array in (table.cells.astype(np.int64), table.rows, table.sums):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def add_provenance(a: Provenance, b: Provenance, *, force: bool) -> Provenance:
    """The inputs of both. Raises DataError if an input would be counted twice, unless forced."""
    total = _sum(a.multiplicity, b.multiplicity)
    twice = [read for read in _as_named_in(a.multiplicity, b.multiplicity) if total.get(read, 0) > 1]
    if twice and not force:
        raise DataError(f"already there: {_listed(twice)}; gm.add(a, b, force=True) or --force counts it twice")
    return Provenance(total)


def check_separate(a: Provenance, b: Provenance) -> None:
    """Raise DataError if an input is in both: rows on both sides make no comparison."""
    if shared := [read for read in _as_named_in(a.multiplicity, b.multiplicity) if read in a.multiplicity]:
        raise DataError(
            f"in both: {_listed(shared)}; each must have its own rows: where one holds the other, subtract that first"
        )


def subtract_provenance(a: Provenance, b: Provenance, *, force: bool) -> Provenance:
    """The inputs of the first without those of the second. Raises DataError if one is not there, unless forced."""
    total = _sum(a.multiplicity, {read: -n for read, n in b.multiplicity.items()})
    # multiplicities may be negative from an earlier forced subtraction: what counts is the result
    absent = [read for read in _as_named_in(a.multiplicity, b.multiplicity) if total.get(read, 0) < 0]
    if absent and not force:
        raise DataError(
            f"not there: {_listed(absent)}; gm.subtract(a, b, force=True) or --force takes its rows away all the same"
        )
    return Provenance(total)


def _sum(a: Mapping[ReadInput, int], b: Mapping[ReadInput, int]) -> dict[ReadInput, int]:
    """Multiplicities added by input, without zeros."""
    b = _as_named_in(a, b)
    total = {read: a.get(read, 0) + b.get(read, 0) for read in {**a, **b}}
    return {read: n for read, n in total.items() if n}


def _as_named_in(a: Mapping[ReadInput, int], b: Mapping[ReadInput, int]) -> dict[ReadInput, int]:
    """The inputs of b; where a has the same file under another name, by the name that it has there."""
    known = {(read.identity, read.size): read for read in a if read.identity is not None}
    named: dict[ReadInput, int] = {}
    for read, n in b.items():
        name = read if read in a else known.get((read.identity or "", read.size), read)
        named[name] = named.get(name, 0) + n
    return named


def _listed(inputs: Iterable[ReadInput]) -> str:
    """The first five inputs as text for messages."""
    return listing(map(str, inputs), 5)
