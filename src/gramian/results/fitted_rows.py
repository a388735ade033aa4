"""Where the rows of a fit are, to read them again: in memory, or in files that have not changed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, TypeAlias

from gramian.batch import Source
from gramian.data.batching import Rereadable
from gramian.data.source import source_of
from gramian.errors import DataError, OptionError

Files: TypeAlias = tuple[tuple[str, int | None, int | None], ...]


@dataclass(frozen=True, slots=True)
class FittedRows:
    """Where the rows of a fit are.

    Attributes
    ----------
    paths : tuple of str
        Paths, folders and patterns as they were given, absolute; empty where the rows are elsewhere.
    files : tuple of (str, int or None, int or None)
        Path, bytes and time of the last change of each file.
    source : Source or None
        Rows in memory, or files with options; a file of the fit, and a copy of it, does without.
    reason : str
        Why they cannot be read again, where they cannot.
    """

    paths: tuple[str, ...] = ()
    files: Files = ()
    source: Source | None = None
    reason: str = "this fit does not know its rows"

    def read_again(self) -> Source:
        """The rows of the fit. Raises DataError where the files have changed, OptionError where there is no source."""
        if self.source is not None:
            return self.source
        if not self.paths:
            raise OptionError(f"{self.reason}: give the data")
        source = source_of(list(self.paths))
        found = _files(source)
        if found != self.files:
            changed = sorted({name for name, *_ in {*found} ^ {*self.files}})
            raise DataError("has changed since the fit, whose rows it holds no more: give the data", changed[0])
        return source

    def __reduce__(self) -> tuple[Any, ...]:
        # rows in memory stay where they are: a copy for another process would be as large as they
        reason = self.reason if self.source is None else "this is a copy of a fit whose rows were in memory"
        return type(self), (self.paths, self.files, None, reason)


UNKNOWN = FittedRows()


def fitted_rows(source: Source) -> FittedRows:
    """Where the rows of a fit are, which were read from this source."""
    if isinstance(source, Rereadable) and source.paths:
        return FittedRows(source.paths, _files(source))
    if source.rereadable:
        return FittedRows(source=source, reason="the rows of this fit were in memory")
    return FittedRows(reason="the rows of this fit could be read once only")


def rows_or_fitted(data: object, fitted: FittedRows) -> Source:
    """The source over data, or without any over the rows of the fit. Raises as `source_of` and `read_again`."""
    return fitted.read_again() if data is None else source_of(data)


def _files(source: Source) -> Files:
    """Path, bytes and time of the last change of the inputs."""
    return tuple((os.path.abspath(read.name), read.size, read.changed) for read in source.inputs)
