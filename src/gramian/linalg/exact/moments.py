"""Exact moments: sums of products of numbers without any rounding, so with the same bits in whatever order.

A sum of products of float64 numbers is a dyadic rational and therefore unique; kept as such, moments form an abelian
group: rows can be added in any cut and order, and taken away again as if they had never been there (superaccumulators
after Kulisch; cut into digits for BLAS after Ozaki et al., 2012; reproducible sums after Demmel and Hida, 2004).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce

import numpy as np

from gramian.errors import NumericalError
from gramian.linalg.columns import Factors, Layout
from gramian.linalg.exact.cells import ExactCells
from gramian.linalg.exact.digest import digest
from gramian.linalg.exact.planes import Planes
from gramian.linalg.factors.levels import canonical, positions, union
from gramian.linalg.monomials import Monomial, monomial
from gramian.typing import Codes, Level

LOG_WEIGHT: Monomial = (("=logs", 1),)  # no column or expression can be called so


@dataclass(frozen=True, slots=True, eq=False)
class ExactMoments:
    """Exact sums over rows, in the variables themselves (no shift, no scale).

    layout : which sums, as for `moments.Moments`. singles : monomials whose sums `plain` over all rows are without
    weights. rows : number of rows (sum of counts). dense : (m, m) products, responses last. tables : factors -> sums
    over their cells. scale : variable -> k where its values are told as value 10^k (numbers read as decimals).
    not_finite : variable -> rows (nan, infinite, minus infinite) that did not enter. left_out : all such rows.
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
    scale: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: ExactMoments, /) -> ExactMoments:
        if (self.layout, self.singles) != (other.layout, other.singles):
            raise NumericalError("exact moments of different columns do not add")
        levels = {name: union(values, other.levels[name]) for name, values in self.levels.items()}
        scale = {v: max(self.scale.get(v, 0), other.scale.get(v, 0)) for v in {**self.scale, **other.scale}}
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
        )

    def __sub__(self, other: ExactMoments, /) -> ExactMoments:
        """As if the rows of `other` had never been added."""
        return self + -other

    @property
    def digest(self) -> str:
        """SHA-256 of what the sums are of and what they are: equal for equal sums, however they came about.

        Names, levels, counts and sums enter; not the order of rows, nor how many decimal places they were told with.
        """
        layout = self.layout
        levels = {f: [_type_and_text(v) for v in entries] for f, entries in self.levels.items()}
        counts = [self.rows, {v: list(n) for v, n in self.not_finite.items()}, self.dropped_rows]
        header = [layout.dense, layout.responses, layout.tables, self.singles, levels, *counts]
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
        """Sum of the logarithms of the weights, as this machine rounds them, rounded once more."""
        if LOG_WEIGHT not in self.singles:
            return 0.0
        return float(self.unweighted.fraction(self.singles.index(LOG_WEIGHT)))

    def outcome(self, power: int) -> Fraction:
        """Sum of the response (0) or of its squares (1), weighted."""
        last = len(self.layout.rows) - 1
        places = powers_of_ten(self.layout.rows[-1:], self.scale)
        return self.dense.fraction(last * power, last) / Fraction(10) ** (int(places[0]) * (power + 1))

    def power_sums(self, variable: str, top: int) -> list[Fraction]:
        """Unweighted sums of x^0, ..., x^top."""
        places = [self.singles.index(monomial({variable: p})) for p in range(top + 1)]
        tens = 10 ** self.scale.get(variable, 0)
        return [self.unweighted.fraction(i) / tens**p for p, i in enumerate(places)]

    def with_levels(self, levels: Mapping[str, Sequence[Level]]) -> ExactMoments:
        """The same sums told with other (more, or reordered) levels."""
        if levels == self.levels:
            return self
        maps = {name: positions(values, levels[name]) for name, values in self.levels.items()}
        tables = {f: table.recode([maps[name] for name in f]) for f, table in self.tables.items()}
        return replace(self, levels=dict(levels), tables=tables)

    def without_empty_levels(self) -> ExactMoments:
        """Without the levels that no cell has."""
        used = {name: {values[code] for code in self._codes(name)} for name, values in self.levels.items()}
        return self.with_levels({name: canonical(values) for name, values in used.items()})

    def _codes(self, factor: str) -> Codes:
        seen = [t.cells[:, f.index(factor)] for f, t in self.tables.items() if factor in f]
        return np.unique(np.concatenate(seen))

    def with_scale(self, scale: Mapping[str, int]) -> ExactMoments:
        """The same sums with more decimal places, exactly."""
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
    """A level as its type and text; numbers that are equal are one level, whatever their type."""
    if isinstance(level, bool | str):
        return type(level).__name__, str(level)
    return "number", str(int(level)) if level == int(level) else repr(level)


def powers_of_ten(monomials: tuple[Monomial, ...], scale: Mapping[str, int]) -> Codes:
    """How many decimal places each monomial has."""
    return np.array([sum(p * scale.get(v, 0) for v, p in m) for m in monomials], np.int64)


def _added(a: Mapping[str, tuple[int, ...]], b: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, int, int]]:
    none = (0, 0, 0)
    pairs = {v: (a.get(v, none), b.get(v, none)) for v in {**a, **b}}
    total = {v: (m[0] + n[0], m[1] + n[1], m[2] + n[2]) for v, (m, n) in pairs.items()}
    return {v: n for v, n in total.items() if any(n)}


def total(parts: list[ExactMoments]) -> ExactMoments:
    """The sum of at least one."""
    return reduce(lambda a, b: a + b, parts)
