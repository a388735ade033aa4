"""Fits: several linear fits by key; read-only, what `by=` and several outcomes give."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from gramian.errors import OptionError, did_you_mean, listing
from gramian.fit.groups import tables as fits_tables
from gramian.fit.groups.fit import GroupedFits
from gramian.fit.linear.result import LinearFit
from gramian.fit.passes.accumulate_keyed import unwrap_key
from gramian.formula.coding import level_name
from gramian.formula.dropped_rows import DroppedRows
from gramian.linalg.keyed.moments import Key
from gramian.results.dropped_rows import HasDroppedRows
from gramian.typing import Level


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Fits(HasDroppedRows, Mapping[Level | Key, LinearFit]):
    """Linear fits by key, from one pass.

    A key is the group's level, with several columns the tuple of their levels; with several outcomes the name of the
    outcome stands first. `key_names` says what the parts of a key are called.
    """

    grouped: GroupedFits
    fits: Mapping[Level | Key, LinearFit] = field(init=False)

    def __post_init__(self) -> None:
        fits = {unwrap_key(key): LinearFit(solved) for key, solved in self.grouped.fits.items()}
        object.__setattr__(self, "fits", fits)

    @property
    def _dropped(self) -> DroppedRows:
        return self.grouped.dropped_rows

    @property
    def formula(self) -> str:
        """The formula as it was given."""
        return self.grouped.formula

    @property
    def key_names(self) -> tuple[str, ...]:
        """What the parts of a key are called: "outcome", then the columns of `by`."""
        return self.grouped.names

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names of the outcomes."""
        return self.grouped.outcomes

    @property
    def rows(self) -> int:
        """Rows that entered, each once however many outcomes there are."""
        return sum(fit.rows for fit in self.fits.values()) // len(self.outcomes)

    @property
    def without_rows(self) -> Mapping[Level | Key, Mapping[str, int]]:
        """Groups without a complete row, which therefore have no fit: how many rows were left out, and why."""
        return {unwrap_key(key): dict(dropped.causes) for key, dropped in self.grouped.empty.items()}

    def __getitem__(self, key: Level | Key) -> LinearFit:
        if key in self.fits:
            return self.fits[key]
        keys = [_format_key(k) for k in self.fits]
        parts = "(" + ", ".join(self.key_names) + ")" if len(self.key_names) > 1 else self.key_names[0]
        hint = did_you_mean(_format_key(key), keys)
        raise OptionError(f"no fit for {parts} = {_format_key(key)}{hint} (there are {listing(keys)})")

    def __contains__(self, key: object) -> bool:
        return key in self.fits

    def get(self, key: Level | Key, default: Any = None) -> Any:
        """The fit of that key, or the default."""
        return self.fits.get(key, default)

    def __iter__(self) -> Iterator[Level | Key]:
        return iter(self.fits)

    def __len__(self) -> int:
        return len(self.fits)

    def tidy(self, level: float = 0.95) -> pa.Table:
        """The tables of all fits below each other, the parts of the key as first columns."""
        return fits_tables.tidy(self, level)

    def glance(self) -> pa.Table:
        """One row for each fit, the parts of the key as first columns."""
        return fits_tables.glance(self)

    def to_dict(self, level: float = 0.95) -> dict[str, Any]:
        """All fits as plain JSON, schema `gramian.fits/1`; what is not a finite number is None."""
        return fits_tables.to_dict(self, level)

    def summary(self, level: float = 0.95) -> str:
        """All of it as plain text."""
        from gramian.fit.groups.report import text  # rich takes a while to import

        return text(self, level)

    def __repr__(self) -> str:
        return f"Fits({self.formula!r}, by {', '.join(self.key_names)}: {len(self)} fits, rows={self.rows})"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.summary())}</pre>"


def _format_key(key: Level | Key) -> str:
    return ", ".join(map(level_name, key)) if isinstance(key, tuple) else level_name(key)
