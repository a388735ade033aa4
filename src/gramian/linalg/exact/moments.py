"""Exact moments: sums of products without any rounding, so with the same bits in whatever order rows are added.

A sum of products of float64 numbers is a dyadic rational and therefore unique. Stored as such, moments form an abelian
group: rows can be added in any partition and order, and subtracted again as if they had never been there
(superaccumulators after Kulisch; split into digits for BLAS after Ozaki et al., 2012; reproducible sums after Demmel
and Hida, 2004).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce
from typing import Annotated

import numpy as np

from gramian.errors import NumericalError
from gramian.linalg.columns import Factors, Layout
from gramian.linalg.exact.cells import ExactCells
from gramian.linalg.exact.digest import digest
from gramian.linalg.exact.left_out import PowerSums, added
from gramian.linalg.exact.planes import Planes
from gramian.linalg.factors.levels import canonical, positions, union
from gramian.linalg.monomials import Monomial, monomial
from gramian.typing import Codes, Level

LOG_WEIGHT: Monomial = (("=logs", 1),)  # no column or expression can have this name


@dataclass(frozen=True, slots=True, eq=False)
class ExactMoments:
    """Exact sums over rows, in the variables themselves (no shift, no scale).

    Attributes
    ----------
    layout : Layout
        Which products are summed, as for `Moments`.
    singles : tuple of monomials
        Monomials that are summed without weights.
    rows : int
        Number of rows, the sum of the frequency weights.
    levels : mapping
        Factor -> its levels in canonical order.
    dense : Planes (m, m)
        Products of the dense block, responses last.
    tables : mapping
        Factors -> sums over their cells.
    unweighted : Planes (s,)
        Sums of `singles`, without weights.
    not_finite : mapping
        Variable -> numbers of rows with NaN, infinity and minus infinity, which are not in the sums.
    dropped_rows : int
        Number of all such rows.
    scale : mapping
        Variable -> k where the sums are of value 10^k (numbers that were read as decimals).
    left_out : mapping
        Variable -> power sums of its values in rows that enter no other sum.
    """

    layout: Layout
    singles: tuple[Monomial, ...]
    rows: int
    levels: Mapping[str, Sequence[Level]]
    dense: Planes
    tables: Mapping[Factors, ExactCells]
    unweighted: Planes
    not_finite: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    dropped_rows: int = 0
    scale: Mapping[str, Annotated[int, range(2**12)]] = field(default_factory=dict)
    left_out: PowerSums = field(default_factory=dict)

    def __add__(self, other: ExactMoments, /) -> ExactMoments:
        if (self.layout, self.singles) != (other.layout, other.singles):
            raise NumericalError("exact moments of different columns do not add")
        levels = {name: union(values, other.levels[name]) for name, values in self.levels.items()}
        scale = {v: max(self.scale.get(v, 0), other.scale.get(v, 0)) for v in {**self.scale, **other.scale}}
        # The finer of both scales, since a sum can gain decimal places exactly but not lose them.
        mine, theirs = (m.with_levels(levels).with_scale(scale) for m in (self, other))
        tables = {f: table + theirs.tables[f] for f, table in mine.tables.items()}
        return replace(
            mine,
            rows=self.rows + other.rows,
            dense=mine.dense + theirs.dense,
            tables=tables,
            unweighted=mine.unweighted + theirs.unweighted,
            not_finite=_added(self.not_finite, other.not_finite),
            dropped_rows=self.dropped_rows + other.dropped_rows,
            left_out=added(self.left_out, other.left_out),
        ).without_empty_levels()

    def __neg__(self) -> ExactMoments:
        return replace(
            self,
            rows=-self.rows,
            dense=-self.dense,
            tables={f: -table for f, table in self.tables.items()},
            unweighted=-self.unweighted,
            not_finite={v: (-n[0], -n[1], -n[2]) for v, n in self.not_finite.items()},
            dropped_rows=-self.dropped_rows,
            left_out={v: tuple(-s for s in sums) for v, sums in self.left_out.items()},
        )

    def __sub__(self, other: ExactMoments, /) -> ExactMoments:
        """The moments as if the rows of `other` had never been added."""
        return self + -other

    @property
    def digest(self) -> str:
        """SHA-256 of the layout, the levels, the counts and the sums: equal for equal sums, however they were computed.

        Neither the order of rows nor the number of decimal places enters.
        """
        layout = self.layout
        levels = {f: [_type_and_text(v) for v in entries] for f, entries in self.levels.items()}
        counts = [self.rows, {v: list(n) for v, n in self.not_finite.items()}, self.dropped_rows]
        header = [layout.dense, layout.responses, layout.tables, self.singles, levels, *counts]
        header += [{v: list(map(str, sums)) for v, sums in sorted(self.left_out.items())}] if self.left_out else []
        rows = powers_of_ten(layout.rows, self.scale)
        entries = [i for i, m in enumerate(self.singles) if m != LOG_WEIGHT]  # logarithms differ between machines
        powers = powers_of_ten(self.singles, self.scale)[entries]
        sums = [(self.dense, rows[:, None] + rows), (self.unweighted[entries], powers)]
        tables = [(self.tables[f], powers_of_ten(m, self.scale)) for f, m in layout.tables]
        return digest(
            header,
            [array for table, _ in tables for array in (table.cells, table.rows)],
            [*sums, *((table.sums, np.broadcast_to(k, table.sums.shape)) for table, k in tables)],
        )

    @property
    def weight(self) -> Fraction:
        """Sum of weights."""
        return self.dense.fraction(0, 0)

    @property
    def log_weight(self) -> float:
        """Sum of the logarithms of the weights; logarithms are rounded by this machine, the sum once more."""
        if LOG_WEIGHT not in self.singles:
            return 0.0
        return float(self.unweighted.fraction(self.singles.index(LOG_WEIGHT)))

    def outcome(self, power: int) -> Fraction:
        """Weighted sum of the response (power 0) or of its squares (power 1)."""
        last = len(self.layout.rows) - 1
        places = powers_of_ten(self.layout.rows[-1:], self.scale)
        return self.dense.fraction(last * power, last) / Fraction(10) ** (int(places[0]) * (power + 1))

    def power_sums(self, variable: str, top: int) -> list[Fraction]:
        """Unweighted sums of x^0, ..., x^top, over all rows that have the variable."""
        places = [self.singles.index(monomial({variable: p})) for p in range(top + 1)]
        tens = 10 ** self.scale.get(variable, 0)
        left_out = self.left_out.get(variable, (Fraction(0),) * (top + 1))
        return [self.unweighted.fraction(i) / tens**p + left_out[p] for p, i in enumerate(places)]

    def with_levels(self, levels: Mapping[str, Sequence[Level]]) -> ExactMoments:
        """The same sums with the codes of other (more, or reordered) levels."""
        if levels == self.levels:
            return self
        maps = {name: positions(values, levels[name]) for name, values in self.levels.items()}
        tables = {f: table.recode([maps[name] for name in f]) for f, table in self.tables.items()}
        return replace(self, levels=dict(levels), tables=tables)

    def without_empty_levels(self) -> ExactMoments:
        """The same sums without the levels that occur in no cell."""
        used = {name: {values[code] for code in self._codes(name)} for name, values in self.levels.items()}
        return self.with_levels({name: canonical(values) for name, values in used.items()})

    def _codes(self, factor: str) -> Codes:
        """The codes of a factor that occur in some table."""
        seen = [t.cells[:, f.index(factor)] for f, t in self.tables.items() if factor in f]
        return np.unique(np.concatenate(seen))

    def with_scale(self, scale: Mapping[str, int]) -> ExactMoments:
        """The same values with at least as many decimal places, exactly."""
        if dict(scale) == dict(self.scale):
            return self
        more = {v: k - self.scale.get(v, 0) for v, k in scale.items()}
        rows = powers_of_ten(self.layout.rows, more)
        tables = {f: self.tables[f].times_tens(powers_of_ten(m, more)) for f, m in self.layout.tables}
        return replace(
            self,
            dense=self.dense.times_tens(rows[:, None] + rows),
            tables=tables,
            unweighted=self.unweighted.times_tens(powers_of_ten(self.singles, more)),
            scale=dict(scale),
        )


def _type_and_text(level: Level) -> tuple[str, str]:
    """A level as its type and text; equal numbers are the same level, whatever their type."""
    if isinstance(level, bool | str):
        return type(level).__name__, str(level)
    return "number", str(int(level)) if level == int(level) else repr(level)


def powers_of_ten(monomials: tuple[Monomial, ...], scale: Mapping[str, int]) -> Codes:
    """Decimal places of each monomial, (k,): the sum of those of its variables."""
    return np.array([sum(p * scale.get(v, 0) for v, p in m) for m in monomials], np.int64)


def _added(a: Mapping[str, tuple[int, ...]], b: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, int, int]]:
    """Sums of counts by variable, without zeros."""
    none = (0, 0, 0)
    pairs = {v: (a.get(v, none), b.get(v, none)) for v in {**a, **b}}
    total = {v: (m[0] + n[0], m[1] + n[1], m[2] + n[2]) for v, (m, n) in pairs.items()}
    return {v: n for v, n in total.items() if any(n)}


def total(parts: list[ExactMoments]) -> ExactMoments:
    """The sum of one or more moments."""
    return reduce(lambda a, b: a + b, parts)
