"""What a file of a fit says of its rows: the paths, and sizes and times of the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gramian.results.fitted_rows import UNKNOWN, Files, FittedRows
from gramian.serialize.codec import Codec
from gramian.serialize.record import record

KEY = "fitted_rows"


def _made(paths: tuple[str, ...], files: Files) -> FittedRows:
    return FittedRows(None, tuple(paths), tuple((name, size, changed) for name, size, changed in files))


FITTED_ROWS: Codec[FittedRows] = record(FittedRows, "paths files", make=_made)


def with_rows(content: Mapping[str, Any], fitted: FittedRows) -> dict[str, Any]:
    """The content of a file with the rows of the fit, as far as they are in files."""
    located = fitted.without_source()
    return {**content, KEY: FITTED_ROWS.dump(located)[0]} if located.paths else dict(content)


def without_rows(content: Mapping[str, Any]) -> tuple[FittedRows, dict[str, Any]]:
    """The rows, and the content without them. Raises ValueError for what makes no sense."""
    rest = {name: value for name, value in content.items() if name != KEY}
    if KEY not in content:
        return replace(UNKNOWN, reason="this file of a fit does not say where its rows are"), rest
    return FITTED_ROWS.load(content[KEY], {}, "the rows of a fit"), rest
