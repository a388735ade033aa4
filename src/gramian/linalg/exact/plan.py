"""Plan of an exact sum: where every digit of a block of rows is written, chosen from the values of some rows.

The plan only decides how fast a block is summed: rows that do not fit are summed separately, and the sums are the same
whatever the plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gramian.kernels.exact import DIGIT as COMPILED_DIGIT
from gramian.kernels.exact import MAX_ROWS, DigitPlaces
from gramian.linalg.columns import Layout
from gramian.linalg.exact.compiled import digit_places
from gramian.linalg.exact.digits import (
    DIGIT,
    ROWS,
    UNITS,
    Grid,
    Values,
    choose_grid,
    multiply,
    slice_floats,
    slice_in_place,
    slice_integers,
)
from gramian.linalg.monomials import CONSTANT, Monomial, degree, monomial, times
from gramian.typing import Codes, Mask, Matrix

BLOCK_DIGITS = 1 << 20  # digits of a block of rows, 8 MB
MIN_ROWS = 256  # rows of a block at least, however many digits
WEIGHTS, COUNTS = "=weights", "=counts"  # no column or expression can have these names


@dataclass(frozen=True, slots=True)
class RequestedSums:
    """The sums to compute.

    Without weights and frequency weights left and right are equal; otherwise the weights multiply the left monomials
    and those of the tables, and frequency weights also the unweighted ones.

    Attributes
    ----------
    left, right : tuple of monomials
        All products of a left with a right monomial are summed.
    tables : tuple of (factors, monomials)
        Sums over cells.
    unweighted : tuple of monomials
        Sums over all rows without weights.
    """

    left: tuple[Monomial, ...]
    right: tuple[Monomial, ...]
    tables: tuple[tuple[tuple[str, ...], tuple[Monomial, ...]], ...]
    unweighted: tuple[Monomial, ...]

    @property
    def monomials(self) -> tuple[Monomial, ...]:
        """All monomials, each once, those of the products first."""
        rest = [m for _, monomials in self.tables for m in monomials]
        return tuple(dict.fromkeys((*self.right, *self.left, *rest, *self.unweighted)))


def requested_sums(layout: Layout, unweighted: Sequence[Monomial], *, weighted: bool, counted: bool) -> RequestedSums:
    """The sums of a layout.

    Parameters
    ----------
    layout : Layout
        Products and tables.
    unweighted : sequence of monomials
        Monomials to sum without weights.
    weighted, counted : bool
        Whether rows have weights, and frequency weights.
    """
    count = monomial({COUNTS: 1}) if counted else CONSTANT
    multiplier = times(monomial({WEIGHTS: 1}), count) if weighted else count
    return RequestedSums(
        tuple(times(m, multiplier) for m in layout.rows),
        layout.rows,
        tuple((f, tuple(times(m, multiplier) for m in monomials)) for f, monomials in layout.tables),
        tuple(times(m, count) for m in unweighted),
    )


def _is_plain(sums: RequestedSums) -> bool:
    """Whether only products of variables with each other are summed."""
    return sums.left == sums.right and not (sums.tables or sums.unweighted) and all(degree(m) < 2 for m in sums.right)


@dataclass(frozen=True, slots=True)
class SliceGroup:
    """Variables that are split into digits together, with the same number of digits.

    Attributes
    ----------
    variables : tuple of str
        Their names.
    grids : tuple of Grid
        Their grids.
    floating : bool
        Whether their values are float64; else it is one integer variable.
    start : int
        First row in the buffer; lowest digits first, variables varying fastest.
    """

    variables: tuple[str, ...]
    grids: tuple[Grid, ...]
    floating: bool
    start: int

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of digits and variables."""
        return self.grids[0].digits, len(self.variables)


@dataclass(frozen=True, slots=True)
class Plan:
    """Rows of the digit buffer.

    Attributes
    ----------
    grids : mapping
        Monomial -> its grid.
    at : mapping
        Monomial -> rows of its digits, the lowest first.
    slice_groups : tuple of SliceGroup
        Variables.
    steps : tuple of (out, left, right)
        Products of monomials, in the order in which they are computed.
    right, left : slice
        Rows of the two sides of the products.
    height : int
        Number of rows.
    floating : mapping
        Variable -> whether its values are float64.
    compiled : DigitPlaces or None
        Where the kernel puts the digits of all columns; None where they are written to the buffer.
    """

    grids: Mapping[Monomial, Grid]
    at: Mapping[Monomial, Codes]
    slice_groups: tuple[SliceGroup, ...]
    steps: tuple[tuple[Monomial, Monomial, Monomial], ...]
    right: slice
    left: slice
    height: int
    floating: Mapping[str, bool]
    compiled: DigitPlaces | None = None

    @property
    def block(self) -> int:
        """Rows of data that are split together."""
        if self.compiled is not None:
            return MAX_ROWS
        return int(np.clip(BLOCK_DIGITS // max(self.height, 1), MIN_ROWS, ROWS))

    def fits(self, values: Mapping[str, Values]) -> bool:
        """Whether the plan was made for values of these types."""
        return all((values[name].dtype.kind == "f") == floating for name, floating in self.floating.items())

    def fill(self, values: Mapping[str, Values], buffer: Matrix) -> Mask:
        """Write the digits of a block; returns the mask of rows that do not fit, whose digits are zero."""
        wrong = np.zeros(buffer.shape[1], np.bool_)
        for group in self.slice_groups:
            (n, k), m = group.shape, buffer.shape[1]
            out = buffer[group.start : group.start + n * k].reshape(n, k, m)
            wrong |= _slice(group, values, out)
        buffer[self.at.get(CONSTANT, np.zeros(0, np.int64))] = 1.0
        # Zero digits add nothing, so the other rows of the block can still be summed together.
        if wrong.any():
            buffer[:, wrong] = 0.0
        for out_, left, right in self.steps:
            start, stop = self.at[out_][[0, -1]]
            product = buffer[start : stop + 1]
            multiply(buffer[self.at[left]], buffer[self.at[right]], product)
        return wrong

    def places(self, monomials: Sequence[Monomial]) -> tuple[Codes, Codes, Codes]:
        """For every digit of these monomials: its row in the buffer, its exponent, and the index of its monomial."""
        none = np.zeros(0, np.int64)
        rows = np.concatenate([none, *(self.at[m] for m in monomials)])
        powers = [self.grids[m].low + self.grids[m].digit * np.arange(self.grids[m].digits) for m in monomials]
        counts = np.array([self.grids[m].digits for m in monomials], np.int64)
        return rows, np.concatenate([none, *powers]), np.repeat(np.arange(len(monomials)), counts)


def _slice(group: SliceGroup, values: Mapping[str, Values], out: Matrix) -> Mask:
    """Write the digits of a group of variables; returns the rows that do not fit."""
    if not group.floating:
        return slice_integers(values[group.variables[0]], group.grids[0], out[:, 0])
    lows, bits = (np.array([getattr(g, a) for g in group.grids], np.int64) for a in ("low", "bits"))
    columns = [values[name] for name in group.variables]
    wrong = slice_in_place(columns, lows, bits, out)
    if wrong is not None:
        return wrong
    raw = np.empty(out.shape[1:])
    for row, column in zip(raw, columns, strict=True):
        row[:] = column
    return slice_floats(raw, lows, bits, out)


def make_plan(sums: RequestedSums, values: Mapping[str, Values], share: float) -> Plan:
    """A plan that all but a share of these rows fit.

    Parameters
    ----------
    sums : RequestedSums
        The sums to compute.
    values : mapping
        Variable -> (n,) values.
    share : float
        Share of the rows that may be left out, by variable.
    """
    if _is_plain(sums) and all(v.dtype == np.float64 for v in values.values()):
        plan = _plan(sums, values, share, COMPILED_DIGIT)
        groups = [(group.grids, group.start) for group in plan.slice_groups]
        places = digit_places(groups, int(plan.at.get(CONSTANT, (-1,))[0]), plan.height)
        if places is not None:
            return replace(plan, compiled=places)
    return _plan(sums, values, share, DIGIT)


def _plan(sums: RequestedSums, values: Mapping[str, Values], share: float, digit: int) -> Plan:
    """A plan with digits of so many bits."""
    steps, order = _steps(sums.monomials)
    multiplied = {v for m in order if degree(m) > 1 for v, _ in m}
    variables = list(dict.fromkeys(m[0][0] for m in order if degree(m) == 1))
    grids: dict[Monomial, Grid] = {CONSTANT: UNITS}
    for name in variables:
        grids[monomial({name: 1})] = choose_grid(values[name], share, tight=name in multiplied, digit=digit)
    for out, left, right in steps:
        grids[out] = grids[left].times(grids[right])
    floating = {name: values[name].dtype.kind == "f" for name in variables}
    return _placed(sums, order, steps, grids, floating)


def _steps(monomials: Iterable[Monomial]) -> tuple[tuple[tuple[Monomial, Monomial, Monomial], ...], list[Monomial]]:
    """The products to compute, by degree, and all monomials they need, the requested ones first in their order."""
    order = dict.fromkeys(monomials)
    steps: dict[Monomial, tuple[Monomial, Monomial]] = {}
    todo = [m for m in order if degree(m) > 1]
    while todo:
        m = todo.pop()
        steps[m] = parents = _parents(m, order)
        for parent in parents:
            if parent not in order:
                order[parent] = None
                todo += [parent] if degree(parent) > 1 else []
    ordered = sorted(steps, key=degree)
    return tuple((m, *steps[m]) for m in ordered), list(order)


def _parents(m: Monomial, available: Mapping[Monomial, None]) -> tuple[Monomial, Monomial]:
    """A monomial and a variable whose product is `m`: an available one, else the one without a weight."""
    # Weights first: the product without weights is often needed anyway.
    options = [(_without(m, v), monomial({v: 1})) for v in sorted((v for v, _ in m), key=lambda v: v[0] != "=")]
    return next((o for o in options if o[0] in available), options[0])


def _without(m: Monomial, variable: str) -> Monomial:
    """The monomial with one power less of a variable."""
    return monomial({v: p - (v == variable) for v, p in m})


def _placed(
    sums: RequestedSums,
    order: Sequence[Monomial],
    steps: tuple[tuple[Monomial, Monomial, Monomial], ...],
    grids: Mapping[Monomial, Grid],
    floating: Mapping[str, bool],
) -> Plan:
    """Assign rows of the buffer: right side first, then the left one, then all else, so that both sides are slices."""
    right, left = set(sums.right), set(sums.left)
    at: dict[Monomial, Codes] = {}
    slice_groups: list[SliceGroup] = []
    slices, height = [], 0
    for part in (
        [m for m in order if m in right],
        [m for m in order if m in left and m not in right],
        [m for m in order if m not in left and m not in right],
    ):
        start = height
        height = _place(part, grids, floating, at, slice_groups, height)
        slices.append(slice(start, height))
    other = slices[0] if sums.left == sums.right else slices[1]
    return Plan(grids, at, tuple(slice_groups), steps, slices[0], other, height, floating)


def _place(
    monomials: Sequence[Monomial],
    grids: Mapping[Monomial, Grid],
    floating: Mapping[str, bool],
    at: dict[Monomial, Codes],
    slice_groups: list[SliceGroup],
    height: int,
) -> int:
    """Assign rows to some monomials from `height` on; returns the next free row."""
    together: dict[tuple[bool, int, str], list[Monomial]] = {}
    for m in monomials:
        if degree(m) == 1:
            name = m[0][0]
            key = (True, grids[m].digits, "") if floating[name] else (False, 0, name)
            together.setdefault(key, []).append(m)
        else:
            at[m] = height + np.arange(grids[m].digits)
            height += grids[m].digits
    for (is_float, _, _), members in together.items():
        n, k = grids[members[0]].digits, len(members)
        slice_groups.append(
            SliceGroup(tuple(m[0][0] for m in members), tuple(grids[m] for m in members), is_float, height)
        )
        for i, m in enumerate(members):
            at[m] = height + i + k * np.arange(n)
        height += n * k
    return height
