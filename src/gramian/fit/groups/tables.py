"""Grouped fits as one Arrow table, with the parts of the key as first columns, and as a JSON object."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gramian.fit.leastsquares.solution import Solved
from gramian.formula.coding import level_name
from gramian.linalg.keyed.moments import Key
from gramian.typing import Level

if TYPE_CHECKING:
    from gramian.fit.groups.result import Fits

SCHEMA = "gramian.fits/1"


def tidy(fits: Fits, level: float) -> pa.Table:
    """Coefficients of all fits, one row each. level : coverage of the confidence intervals."""
    return _stacked(fits, (fit.tidy(level) for fit in fits.values()))


def glance(fits: Fits) -> pa.Table:
    """Statistics of all fits, one row each."""
    return _stacked(fits, (fit.glance() for fit in fits.values()))


def to_dict(fits: Fits, level: float) -> dict[str, Any]:
    """The JSON object of `--format json`, with the version of its schema."""
    keyed_fits = zip(fits.grouped.fits, fits.values(), strict=True)
    return {
        "schema": SCHEMA,
        "formula": fits.formula,
        "family": getattr(next(iter(fits.values())), "family", "gaussian"),
        "by": list(fits.key_names),
        "outcomes": list(fits.outcomes),
        "rows": fits.rows,
        "dropped_rows": dict(fits.dropped_rows),
        "missing": dict(fits.missing),
        "without_rows": [
            {"key": _key_dict(fits, key), "dropped_rows": dict(dropped.causes)}
            for key, dropped in fits.grouped.empty.items()
        ],
        "fits": [{"key": _key_dict(fits, key), **fit.to_dict(level)} for key, fit in keyed_fits],
    }


def column_names(fits: Fits, table_columns: Iterable[str]) -> tuple[str, ...]:
    """Names for the key's columns; one that the table already has gets the prefix "by_"."""
    used = set(table_columns)
    return tuple(f"by_{name}" if name in used else name for name in fits.key_names)


def _key_dict(fits: Fits, key: Key) -> dict[str, Any]:
    """Names of the parts of a key -> its levels."""
    return dict(zip(fits.key_names, key, strict=True))


def _stacked(fits: Fits, tables: Iterable[pa.Table]) -> pa.Table:
    """The tables of all fits below each other, each row with its key in front."""
    parts = list(tables)
    table = pa.concat_tables(parts)
    # the keys of `grouped` are tuples always, those of `fits` may be single levels
    keys = zip(*fits.grouped.fits, strict=True)
    columns = {
        name: pa.array([level for level, part in zip(levels, parts, strict=True) for _ in range(part.num_rows)])
        for name, levels in zip(column_names(fits, table.column_names), map(of_one_type, keys), strict=True)
    }
    return pa.table({**columns, **{name: table.column(name) for name in table.column_names}})


def of_one_type(levels: Sequence[Level]) -> Sequence[Level]:
    """Levels as one column of a table: as text where there is text among numbers, as with the full sample."""
    return levels if len({type(level) for level in levels}) == 1 else [level_name(level) for level in levels]


def linear_part(fit: Any) -> Solved:
    """The solution of a linear fit, or that of the last step of a generalized one."""
    solved: Solved = getattr(fit.solved, "linear", fit.solved)
    return solved
