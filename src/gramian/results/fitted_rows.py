"""Where the rows of a fit are, to read them again: in memory, or in files that have not changed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from gramian.batch import Rereadable, Source
from gramian.data.source import source_again, source_of
from gramian.errors import DataError, OptionError

Files: TypeAlias = tuple[tuple[str, int | None, int | None], ...]


@dataclass(frozen=True, slots=True)
class FittedRows:
    """Where the rows of a fit are.

    Attributes
    ----------
    source : Source or None
        The source that the fit has read; a file of the fit, and a copy of it, does without.
    paths : tuple of str
        Without a source: paths, folders and patterns as they were given, absolute; empty where rows are elsewhere.
    files : tuple of (str, int or None, int or None)
        Without a source: path, bytes and time of the last change of each file.
    reading : Mapping[str, str]
        Without a source: how these are read (`gramian.batch.Rereadable`).
    reason : str
        Why they cannot be read again, where they cannot.
    """

    source: Source | None = None
    paths: tuple[str, ...] = ()
    files: Files = ()
    reading: Mapping[str, str] = field(default_factory=dict)
    reason: str = "this fit does not know its rows"

    @property
    def where(self) -> str | None:
        """The condition on rows, where there is one."""
        return (self.reading if self.source is None else getattr(self.source, "reading", {})).get("where")

    @property
    def panel_id(self) -> tuple[str, str] | None:
        """Columns of panels and times, where the rows have lags."""
        panel = (self.reading if self.source is None else getattr(self.source, "reading", {})).get("panel")
        return None if panel is None else tuple(json.loads(panel))

    def without_source(self) -> FittedRows:
        """The same for a file of the fit, or a copy: rows in memory stay where they are, for they are as large."""
        if self.source is None:
            return self
        if isinstance(self.source, Rereadable) and self.source.paths:
            return FittedRows(None, self.source.paths, _files(self.source), self.source.reading)
        if self.source.rereadable:
            return FittedRows(reason="this is a copy of a fit whose rows were in memory")
        return FittedRows(reason="the rows of this fit could be read once only")

    def read_again(self) -> Source:
        """The rows of the fit. Raises DataError where the files have changed, OptionError where there is no source."""
        located = self.without_source()
        if self.source is not None and self.source.rereadable and not located.paths:
            return self.source
        if not located.paths:
            raise OptionError(f"{located.reason}: give the data")
        source = source_again(located.paths, located.reading)
        if _files(source) != located.files:
            changed = sorted({name for name, *_ in {*_files(source)} ^ {*located.files}})
            raise DataError("has changed since the fit, whose rows it holds no more: give the data", changed[0])
        return source

    def __reduce__(self) -> tuple[Any, ...]:
        located = self.without_source()
        return type(self), (None, located.paths, located.files, located.reading, located.reason)


UNKNOWN = FittedRows()


def rows_or_fitted(data: object, fitted: FittedRows) -> Source:
    """The source over data, or without any over the rows of the fit. Raises as `source_of` and `read_again`."""
    return fitted.read_again() if data is None else source_of(data, panel_id=fitted.panel_id)


def _files(source: Source) -> Files:
    """Path, bytes and time of the last change of the inputs."""
    return tuple((os.path.abspath(read.name), read.size, read.changed) for read in source.inputs)
