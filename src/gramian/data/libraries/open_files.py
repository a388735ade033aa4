"""Source over a file that is open, or bytes that are read like one: copied once, so that it can be read again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gramian.batch import Input, Rereadable
from gramian.data.files import read_files
from gramian.data.frames import type_name
from gramian.data.libraries.copies import Folder, OfCopy, copy_stream, with_suffix
from gramian.data.read_errors import error_context
from gramian.errors import DataError


def read_open_file(data: Any) -> Rereadable:
    """A source over what a file still holds, from its place on. Raises DataError where that is nothing."""
    folder, where = Folder(), type_name(data)
    path = os.path.join(folder.name, _name(data))
    with error_context(where):
        size = copy_stream(data.read, path)
    if not size:
        raise DataError("holds no bytes from its place on; rewind it, by seek(0), or open it again", where)
    source = read_files(with_suffix(path))
    of_files: Sequence[Any] = source.units
    known = source.inputs[0]
    inputs = (Input(where, size, known.rows, None, known.units),)
    return replace(source, units=tuple(OfCopy(unit, folder) for unit in of_files), inputs=inputs, paths=())


def _name(data: Any) -> str:
    """The name of the file, without its folder; `file` where it has none."""
    name = getattr(data, "name", None)
    return (os.path.basename(name) if isinstance(name, str) else "") or "file"
