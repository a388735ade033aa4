"""What a file of a fit says of its rows: the paths, and sizes and times of the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gramian.results.fitted_rows import UNKNOWN, FittedRows
from gramian.serialize.codec import Codec, require
from gramian.serialize.record import record

KEY = "fitted_rows"
NEEDED = {"": set(), "csv": {"dialect"}, "delta": {"version"}, "iceberg": {"name"}}  # by format, beside it


def _check(rows: FittedRows) -> None:
    """Raise ValueError where what is said of the format is not what it needs."""
    kind = rows.reading.get("format", "")
    one_path = kind in ("", "csv") or len(rows.paths) == 1
    complete = rows.reading.keys() - {"format", "where", "panel"} == NEEDED.get(kind)
    require(one_path and complete, "rows of a fit that can be read again", dict(rows.reading))
    require(rows.reading.get("version", "0").isdecimal(), "rows of a fit to a version of a table", rows.reading)


FITTED_ROWS: Codec[FittedRows] = record(FittedRows, "paths files ~reading", _check)


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
