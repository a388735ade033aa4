"""Several fits as one Arrow table, the parts of the key as first columns, and as plain JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gramian.linalg.keyed import Key

if TYPE_CHECKING:
    from gramian.results.fits import Fits

SCHEMA = "gramian.fits/1"


def tidy(fits: Fits, level: float) -> pa.Table:
    """All coefficients, one row each."""
    return _below(fits, (fit.tidy(level) for fit in fits.values()))


def glance(fits: Fits) -> pa.Table:
    """All fits, one row each."""
    return _below(fits, (fit.glance() for fit in fits.values()))


def to_dict(fits: Fits, level: float) -> dict[str, Any]:
    """The versioned object of `--format json`."""
    told = zip(fits.several.fits, fits.values(), strict=True)
    return {
        "schema": SCHEMA,
        "formula": fits.formula,
        "family": "gaussian",
        "by": list(fits.key_names),
        "outcomes": list(fits.outcomes),
        "rows": fits.rows,
        "dropped_rows": dict(fits.dropped_rows),
        "missing": dict(fits.missing),
        "without_rows": [
            {"key": _named(fits, key), "dropped_rows": dict(tally.causes)} for key, tally in fits.several.empty.items()
        ],
        "fits": [{"key": _named(fits, key), **fit.to_dict(level)} for key, fit in told],
    }


def column_names(fits: Fits, taken: Iterable[str]) -> tuple[str, ...]:
    """Names of the key's columns beside those of a table; one that is taken gets a "by_" before it."""
    known = set(taken)
    return tuple(f"by_{name}" if name in known else name for name in fits.key_names)


def _named(fits: Fits, key: Key) -> dict[str, Any]:
    return dict(zip(fits.key_names, key, strict=True))


def _below(fits: Fits, tables: Iterable[pa.Table]) -> pa.Table:
    parts = list(tables)
    whole = pa.concat_tables(parts)
    keys = zip(*fits.several.fits, strict=True)
    columns = {
        name: pa.array([level for level, part in zip(levels, parts, strict=True) for _ in range(part.num_rows)])
        for name, levels in zip(column_names(fits, whole.column_names), keys, strict=True)
    }
    return pa.table({**columns, **{name: whole.column(name) for name in whole.column_names}})
