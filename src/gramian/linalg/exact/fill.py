"""Exact accumulator: the exact moments of one unit while its rows are added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.linalg.columns import Layout
from gramian.linalg.exact.digits import ROWS, WIDEST, Values, normal
from gramian.linalg.exact.moments import LOG_WEIGHT, ExactMoments, total
from gramian.linalg.exact.plan import COUNTS, WEIGHTS, Plan, make_plan, wanted
from gramian.linalg.exact.sums import Filling, Sums
from gramian.linalg.monomials import Monomial, degree, monomial
from gramian.typing import Codes, Level, Mask, Vector

SPARE = 16  # one row in so many may miss the plan
MANY = 4  # a new plan is made where more than one row in so many does
WIDE = 2048  # digits of all columns that may be multiplied together, however few the columns

Rows = Mapping[str, Values]
NONE = np.zeros(0, np.int64)


class ExactAccumulator:
    """Adds rows in any number of blocks; the result does not depend on how they are cut or in which order they come.

    Most rows fit a plan of few digits a column. The others wait until they are many, or until the end, and are summed
    with a plan of their own; those with extreme exponents in ever smaller groups.
    """

    def __init__(
        self,
        layout: Layout,
        powers: Mapping[str, int] | None = None,
        *,
        weighted: bool = False,
        counted: bool = False,
    ) -> None:
        """`powers` : variable -> how many unweighted power sums are kept. weighted, counted : what rows come with."""
        self.layout = layout
        logs = [LOG_WEIGHT] if weighted else []
        known = [monomial({v: p}) for v, top in (powers or {}).items() for p in range(top + 1)]
        self.singles: tuple[Monomial, ...] = tuple(dict.fromkeys([*known, *logs]))
        used = (*layout.rows, *(m for _, monomials in layout.tables for m in monomials), *known)
        self.variables = tuple(dict.fromkeys(v for m in used for v, _ in m))
        self.wanted = wanted(layout, self.singles, weighted=weighted, counted=counted)
        self.share = 1.0 / (SPARE * max(len(self.variables), 1))
        self.widest = max(WIDE, sum(WIDEST * max(degree(m), 1) for m in self.wanted.monomials))
        self.not_finite = {v: np.zeros(3, np.int64) for v in self.variables}
        self.left_out = 0
        self.closed: list[tuple[Sums, dict[str, int]]] = []
        self.scale: dict[str, int] = {}
        self.sums = Sums.empty(self.wanted)
        self.main: Filling | None = None
        self.waiting: list[tuple[Rows, Mapping[str, Codes]]] = []
        self.sizes: Mapping[str, int] = {}

    def add(
        self,
        values: Rows,
        codes: Mapping[str, Codes],
        sizes: Mapping[str, int],
        *,
        weight: Vector | None = None,
        count: Vector | None = None,
        scale: Mapping[str, int] | None = None,
    ) -> Codes:
        """Add rows; returns the numbers of those that are not finite, which are only counted.

        values : variable or response -> (n,), float64, integers, or integers that tell value 10^scale. codes, sizes :
        of factors. weight : > 0, multiplies products exactly. count : whole, how many rows each stands for.
        """
        rows = {v: normal(values[v]) for v in self.variables}
        if weight is not None:
            rows |= {WEIGHTS: weight, LOG_WEIGHT[0][0]: np.log(weight)}
        if count is not None:
            rows[COUNTS] = count
        scale = {v: k for v, k in (scale or {}).items() if k}
        if scale != self.scale:
            self._close()
            self.scale = scale
        self.sizes = dict(sizes)
        size, start, found = len(rows[self.variables[0]]), 0, [NONE]
        with np.errstate(all="ignore"):
            while start < size:
                stop = min(start + (ROWS if self.main is None else self.main.plan.block), size)
                found.append(start + self._add_block(_cut(rows, start, stop), _cut(codes, start, stop)))
                start = stop
        return np.concatenate(found)

    def _add_block(self, rows: Rows, codes: Mapping[str, Codes]) -> Codes:
        filling, fresh = self._filling(rows)
        wrong = filling.slice(rows)
        bad = self._count_not_finite(rows, wrong) if wrong.any() else NONE
        if not fresh and (int(wrong.sum()) - len(bad)) * MANY > len(wrong):
            filling = self._planned(rows)
            wrong = filling.slice(rows)
        filling.add(codes, self.sizes, rows.get(COUNTS), wrong)
        if filling.full:
            self.sums += filling.take()
        if len(bad) < wrong.sum():
            late = np.setdiff1d(np.flatnonzero(wrong), bad)
            self.waiting.append((_at(rows, late), _at(codes, late)))
            self._drain(ROWS)
        return bad

    def _filling(self, rows: Rows) -> tuple[Filling, bool]:
        """Where these rows go by default, and whether its plan was made for them."""
        if self.main is None or not self.main.plan.fits(rows):
            return self._planned(rows), True
        return self.main, False

    def _planned(self, rows: Rows) -> Filling:
        if self.main is not None:
            self.sums += self.main.take()
        self.main = Filling(self.wanted, make_plan(self.wanted, rows, self.share))
        return self.main

    def _count_not_finite(self, rows: Rows, wrong: Mask) -> Codes:
        at = np.flatnonzero(wrong)
        count = rows[COUNTS][at].astype(np.int64) if COUNTS in rows else np.ones(len(at), np.int64)
        bad = np.zeros(len(at), np.bool_)
        for name, counter in self.not_finite.items():
            values = rows[name][at] if rows[name].dtype.kind == "f" else np.zeros(len(at))
            if not np.isfinite(values).all():
                kinds = (np.isnan(values), np.isposinf(values), np.isneginf(values))
                counter += [int(count[kind].sum()) for kind in kinds]
                bad |= ~np.isfinite(values)
        self.left_out += int(count[bad].sum())
        return at[bad]

    def _drain(self, least: int) -> None:
        """Sum the rows that wait, if there are at least so many."""
        if sum(len(rows[self.variables[0]]) for rows, _ in self.waiting) < least:
            return
        rows, codes = (_joined([pair[i] for pair in self.waiting]) for i in (0, 1))
        self.waiting = []
        size = len(rows[self.variables[0]])
        for start in range(0, size, ROWS):
            self._add_apart(_cut(rows, start, start + ROWS), _cut(codes, start, start + ROWS))

    def _add_apart(self, rows: Rows, codes: Mapping[str, Codes]) -> None:
        """Sum rows with a plan that all of them fit; cut where their exponents are too far apart."""
        plan = make_plan(self.wanted, rows, 0.0)
        size = len(rows[self.variables[0]])
        if plan.height > self.widest and size > 1:
            order = np.argsort(_magnitude(rows[_widest(plan, rows)]), kind="stable")
            for half in (order[: size // 2], order[size // 2 :]):
                self._add_apart(_at(rows, half), _at(codes, half))
            return
        filling = Filling(self.wanted, plan)
        wrong = filling.slice(rows)
        filling.add(codes, self.sizes, rows.get(COUNTS), wrong)
        self.sums += filling.take()

    def _close(self) -> None:
        """Bring everything into the sums, and set these apart with their scale."""
        with np.errstate(all="ignore"):
            self._drain(1)
        if self.main is not None:
            self.sums += self.main.take()
        self.closed.append((self.sums, self.scale))
        self.sums, self.main = Sums.empty(self.wanted), None

    def finish(self, levels: Mapping[str, Sequence[Level]]) -> ExactMoments:
        """The unit's moments; levels : of the codes, whatever their order."""
        self._close()
        counters = {v: (int(n[0]), int(n[1]), int(n[2])) for v, n in self.not_finite.items() if n.any()}
        known = {name: tuple(values) for name, values in levels.items()}
        none = Sums.empty(self.wanted)
        start = ExactMoments(
            self.layout, self.singles, 0, known, none.dense, none.tables, none.plain, counters, self.left_out
        )
        parts = [
            ExactMoments(self.layout, self.singles, s.rows, known, s.dense, s.tables, s.plain, scale=scale)
            for s, scale in self.closed
        ]
        return total([start, *parts])


def _cut(arrays: Mapping[str, NDArray[Any]], start: int, stop: int) -> dict[str, NDArray[Any]]:
    return {name: array[start:stop] for name, array in arrays.items()}


def _at(arrays: Mapping[str, NDArray[Any]], rows: Codes) -> dict[str, NDArray[Any]]:
    return {name: array[rows] for name, array in arrays.items()}


def _joined(parts: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _widest(plan: Plan, rows: Rows) -> str:
    return max(rows, key=lambda v: plan.grids[monomial({v: 1})].digits if ((v, 1),) in plan.grids else 0)


def _magnitude(values: Values) -> Codes:
    if values.dtype.kind == "O":
        return np.array([int(v).bit_length() for v in values], np.int64)
    return np.asarray(np.frexp(values.astype(np.float64))[1], np.int64)
