"""Accumulation of the exact moments of one unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.linalg.columns import Layout
from gramian.linalg.exact.digits import MAX_DIGITS, ROWS, Values, narrowest_type
from gramian.linalg.exact.left_out import added, exact_power_sums
from gramian.linalg.exact.moments import LOG_WEIGHT, ExactMoments, total
from gramian.linalg.exact.plan import COUNTS, WEIGHTS, Plan, make_plan, requested_sums
from gramian.linalg.exact.sums import BlockSums, Sums
from gramian.linalg.monomials import Monomial, degree, monomial
from gramian.typing import Codes, Level, Mask, Vector

ROWS_PER_MISS = 16  # a plan is chosen so that at most one row in 16 does not fit it
ROWS_PER_REPLAN = 4  # a new plan is made where more than one row in 4 does not fit
MAX_PLAN_DIGITS = 2048  # digits of all columns of a row, up to which rows are summed by one plan

Rows = Mapping[str, Values]
NONE = np.zeros(0, np.int64)


class ExactAccumulator:
    """Adds rows in any number of blocks; the result does not depend on the blocks or the order of rows.

    Most rows fit a plan with few digits a column. The others are deferred until they are many, or until the end, and
    summed with a plan of their own; rows with extreme exponents in ever smaller groups.
    """

    def __init__(
        self,
        layout: Layout,
        powers: Mapping[str, int] | None = None,
        *,
        weighted: bool = False,
        counted: bool = False,
    ) -> None:
        """Start without rows.

        Parameters
        ----------
        layout : Layout
            Which products are summed.
        powers : mapping or None
            Variable -> highest power of its unweighted power sums.
        weighted, counted : bool
            Whether rows come with weights, and with frequency weights.
        """
        self.layout = layout
        logs = [LOG_WEIGHT] if weighted else []
        power_monomials = [monomial({v: p}) for v, top in (powers or {}).items() for p in range(top + 1)]
        self.singles: tuple[Monomial, ...] = tuple(dict.fromkeys([*power_monomials, *logs]))
        used = (*layout.rows, *(m for _, monomials in layout.tables for m in monomials), *power_monomials)
        self.variables = tuple(dict.fromkeys(v for m in used for v, _ in m))
        self.requested = requested_sums(layout, self.singles, weighted=weighted, counted=counted)
        # Divided among the variables: a row fits only if all its values do.
        self.share = 1.0 / (ROWS_PER_MISS * max(len(self.variables), 1))
        self.max_digits = max(MAX_PLAN_DIGITS, sum(MAX_DIGITS * max(degree(m), 1) for m in self.requested.monomials))
        self.not_finite = {v: np.zeros(3, np.int64) for v in self.variables}
        self.dropped_rows = 0
        self.powers = dict(powers or {})
        self.left_out: dict[str, tuple[Fraction, ...]] = {}
        self.finished: list[tuple[Sums, dict[str, int]]] = []
        self.scale: dict[str, int] = {}
        self.sums = Sums.empty(self.requested)
        self.main: BlockSums | None = None
        self.deferred: list[tuple[Rows, Mapping[str, Codes]]] = []
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
        """Add rows; returns the numbers of those that are not finite, which are counted but not summed.

        Parameters
        ----------
        values : mapping
            Variable or response -> (n,) float64, integers, or integers that stand for value 10^scale.
        codes : mapping
            Factor -> (n,) level codes.
        sizes : mapping
            Factor -> number of levels so far.
        weight : (n,) or None
            Weights > 0, which multiply products exactly.
        count : (n,) or None
            Frequency weights, integers.
        scale : mapping or None
            Variable -> decimal places of its values.
        """
        rows = {v: narrowest_type(values[v]) for v in self.variables}
        if weight is not None:
            rows |= {WEIGHTS: weight, LOG_WEIGHT[0][0]: np.log(weight)}
        if count is not None:
            rows[COUNTS] = count
        scale = {v: k for v, k in (scale or {}).items() if k}
        if scale != self.scale:
            self._close()
            self.scale = scale
        self.sizes = dict(sizes)
        size, start, not_finite = len(rows[self.variables[0]]), 0, [NONE]
        with np.errstate(all="ignore"):
            while start < size:
                stop = min(start + (ROWS if self.main is None else self.main.plan.block), size)
                not_finite.append(
                    start + self._add_block(_slice_rows(rows, start, stop), _slice_rows(codes, start, stop))
                )
                start = stop
        return np.concatenate(not_finite)

    def add_left_out(self, variable: str, values: Values, places: int, count: Vector | None) -> None:
        """Add rows that have a variable and enter no other sum to its power sums.

        values : (k,) finite floats, or integers that stand for value 10^places. count : (k,) or None.
        """
        sums = exact_power_sums(values, places, count, self.powers[variable] + 1)
        self.left_out = added(self.left_out, {variable: sums})

    def _add_block(self, rows: Rows, codes: Mapping[str, Codes]) -> Codes:
        """Add one block; returns the numbers of the rows that are not finite."""
        block_sums, is_new = self._main_sums(rows)
        wrong = block_sums.slice(rows)
        bad = self._count_not_finite(rows, wrong) if wrong.any() else NONE
        if not is_new and (int(wrong.sum()) - len(bad)) * ROWS_PER_REPLAN > len(wrong):
            block_sums = self._with_new_plan(rows)
            wrong = block_sums.slice(rows)
        block_sums.add(codes, self.sizes, rows.get(COUNTS), wrong)
        if block_sums.full:
            self.sums += block_sums.take()
        if len(bad) < wrong.sum():
            late = np.setdiff1d(np.flatnonzero(wrong), bad)
            self.deferred.append((_take_rows(rows, late), _take_rows(codes, late)))
            self._add_deferred(ROWS)
        return bad

    def _main_sums(self, rows: Rows) -> tuple[BlockSums, bool]:
        """The sums of the main plan, and whether the plan was made for these rows."""
        if self.main is None or not self.main.plan.fits(rows):
            return self._with_new_plan(rows), True
        return self.main, False

    def _with_new_plan(self, rows: Rows) -> BlockSums:
        """Finish the sums of the main plan, and make a plan for these rows."""
        if self.main is not None:
            self.sums += self.main.take()
        self.main = BlockSums(self.requested, make_plan(self.requested, rows, self.share))
        return self.main

    def _count_not_finite(self, rows: Rows, wrong: Mask) -> Codes:
        """Count NaN and infinities by variable among the rows marked `wrong`; returns the numbers of such rows."""
        at = np.flatnonzero(wrong)
        count = rows[COUNTS][at].astype(np.int64) if COUNTS in rows else np.ones(len(at), np.int64)
        bad = np.zeros(len(at), np.bool_)
        for name, counter in self.not_finite.items():
            values = rows[name][at] if rows[name].dtype.kind == "f" else np.zeros(len(at))
            if not np.isfinite(values).all():
                kinds = (np.isnan(values), np.isposinf(values), np.isneginf(values))
                counter += [int(count[kind].sum()) for kind in kinds]
                bad |= ~np.isfinite(values)
        self.dropped_rows += int(count[bad].sum())
        return at[bad]

    def _add_deferred(self, least: int) -> None:
        """Sum the deferred rows if there are at least so many."""
        if sum(len(rows[self.variables[0]]) for rows, _ in self.deferred) < least:
            return
        rows, codes = (_concatenated([pair[i] for pair in self.deferred]) for i in (0, 1))
        self.deferred = []
        size = len(rows[self.variables[0]])
        for start in range(0, size, ROWS):
            self._add_with_own_plan(_slice_rows(rows, start, start + ROWS), _slice_rows(codes, start, start + ROWS))

    def _add_with_own_plan(self, rows: Rows, codes: Mapping[str, Codes]) -> None:
        """Sum rows with a plan that all of them fit; split in halves by magnitude where that needs too many digits."""
        plan = make_plan(self.requested, rows, 0.0)
        size = len(rows[self.variables[0]])
        if plan.height > self.max_digits and size > 1:
            order = np.argsort(_magnitude(rows[_widest(plan, rows)]), kind="stable")
            # Sorted by magnitude, each half spans fewer exponents.
            for half in (order[: size // 2], order[size // 2 :]):
                self._add_with_own_plan(_take_rows(rows, half), _take_rows(codes, half))
            return
        block_sums = BlockSums(self.requested, plan)
        wrong = block_sums.slice(rows)
        block_sums.add(codes, self.sizes, rows.get(COUNTS), wrong)
        self.sums += block_sums.take()

    def _close(self) -> None:
        """Finish all sums, and store them with their scale; further rows start new sums."""
        with np.errstate(all="ignore"):
            self._add_deferred(1)
        if self.main is not None:
            self.sums += self.main.take()
        self.finished.append((self.sums, self.scale))
        self.sums, self.main = Sums.empty(self.requested), None

    def finish(self, levels: Mapping[str, Sequence[Level]]) -> ExactMoments:
        """The moments of the unit. levels : of the codes, in any order."""
        self._close()
        counters = {v: (int(n[0]), int(n[1]), int(n[2])) for v, n in self.not_finite.items() if n.any()}
        level_tuples = {name: tuple(values) for name, values in levels.items()}
        no_rows = Sums.empty(self.requested)
        start = ExactMoments(
            self.layout,
            self.singles,
            0,
            level_tuples,
            no_rows.dense,
            no_rows.tables,
            no_rows.unweighted,
            counters,
            self.dropped_rows,
            left_out=self.left_out,
        )
        parts = [
            ExactMoments(self.layout, self.singles, s.rows, level_tuples, s.dense, s.tables, s.unweighted, scale=scale)
            for s, scale in self.finished
        ]
        return total([start, *parts])


def _slice_rows(arrays: Mapping[str, NDArray[Any]], start: int, stop: int) -> dict[str, NDArray[Any]]:
    """A range of rows of every array."""
    return {name: array[start:stop] for name, array in arrays.items()}


def _take_rows(arrays: Mapping[str, NDArray[Any]], rows: Codes) -> dict[str, NDArray[Any]]:
    """Some rows of every array."""
    return {name: array[rows] for name, array in arrays.items()}


def _concatenated(parts: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """Arrays of several blocks, one after another."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _widest(plan: Plan, rows: Rows) -> str:
    """The variable with most digits in a plan."""
    return max(rows, key=lambda v: plan.grids[monomial({v: 1})].digits if ((v, 1),) in plan.grids else 0)


def _magnitude(values: Values) -> Codes:
    """Binary exponents of values, (n,)."""
    if values.dtype.kind == "O":
        return np.array([int(v).bit_length() for v in values], np.int64)
    return np.asarray(np.frexp(values.astype(np.float64))[1], np.int64)
