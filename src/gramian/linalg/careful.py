"""Residuals and their products with the columns in double-double: X v, X'Wr and r'Wr, a block at a time.

Products are split into a float64 and its exact error (Dekker), sums into a part that adds without rounding and a small
rest (Rump, Ogita and Oishi, "Accurate floating-point summation", 2008).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gramian.linalg.doubledouble import Pair, pair, quick_two_sum, split, two_sum
from gramian.linalg.gather import steps_of
from gramian.linalg.monomials import Coordinate, Monomial, closed
from gramian.linalg.products import Group, cell_index
from gramian.typing import Codes, Vector

ZERO = np.zeros(1)  # the low part of numbers that have none
ROWS, BYTES = 32_768, 2**26  # of a block at most: long vectors, for threads wait for one another between them
WIDE = 1_000_000  # cells up to which a table says where a cell's coefficient stands


@dataclass(frozen=True, slots=True)
class Column:
    """One monomial of a block, hi + lo : (n,), with hi in two halves whose products are exact; lo None where zero."""

    hi: Vector
    lo: Vector | None
    high: Vector
    low: Vector


def column(values: Pair) -> Column:
    """A column of values."""
    plain = values.lo is ZERO or not values.lo.any()
    return Column(values.hi, None if plain else values.lo, *split(values.hi))


def shifted(values: Vector, coordinate: Coordinate) -> Pair:
    """u = (x - shift) / 2^exponent, without rounding."""
    if coordinate.plain:
        return Pair(values, ZERO)
    hi, lo = two_sum(values, np.full(1, -coordinate.shift))
    return Pair(np.ldexp(hi, -coordinate.exponent), np.ldexp(lo, -coordinate.exponent))


class Monomials:
    """Writes the monomials of stored columns in double-double."""

    def __init__(self, groups: Sequence[Group], coordinates: Mapping[str, Coordinate]) -> None:
        self.coordinates = coordinates
        self.names = closed(m for g in groups for m in g.monomials)
        self.steps = steps_of(self.names)
        self.rows = min(ROWS, max(BYTES // (32 * max(len(self.names), 1)), 1024))

    def blocks(
        self, rows: int, values: Mapping[str, Vector], outcome: Pair, response: str
    ) -> Iterator[tuple[slice, dict[Monomial, Column]]]:
        """Blocks of rows: a column for each monomial. outcome : the response, unrounded."""
        for start in range(0, rows, self.rows):
            place = slice(start, min(start + self.rows, rows))
            yield place, self._block(place, values, outcome, response)

    def _block(self, rows: slice, values: Mapping[str, Vector], outcome: Pair, response: str) -> dict[Monomial, Column]:
        made: list[Pair] = []
        for variable, parents in self.steps:
            if parents is not None:
                made.append(made[parents[0]] * made[parents[1]])
            elif variable == response:
                made.append(self._response(Pair(outcome.hi[rows], outcome.lo[rows]), response))
            elif variable:
                made.append(shifted(np.ascontiguousarray(values[variable][rows]), self.coordinates[variable]))
            else:
                made.append(pair(np.ones(rows.stop - rows.start)))
        return {m: column(v) for m, v in zip(self.names, made, strict=True)}  # powers need the pairs, sums the halves

    def _response(self, y: Pair, response: str) -> Pair:
        coordinate = self.coordinates[response]
        if coordinate.plain:
            return y
        moved = y + pair(np.full(len(y.hi), -coordinate.shift))
        return Pair(np.ldexp(moved.hi, -coordinate.exponent), np.ldexp(moved.lo, -coordinate.exponent))


class Products:
    """X v for the stored columns of `groups` and v : (q,), and X'Wr and r'Wr of r = X v, added up over blocks."""

    def __init__(self, groups: Sequence[Group], v: Pair, sizes: Mapping[str, int]) -> None:
        self.groups, self.v = groups, v
        self.places = [_Places(g, sizes) for g in groups]
        self.sums = pair(np.zeros(len(v.hi)))
        self.square = pair(np.zeros(1))

    def add(self, columns: Mapping[Monomial, Column], codes: Mapping[str, Codes], weight: Pair | None) -> None:
        """Add a block. weight : (n,) what each row's products are multiplied by."""
        cells = [place.cells(codes) if place.group.factors else None for place in self.places]
        r = self._residual(columns, cells)
        wr = r if weight is None else r * weight
        right = column(wr)
        self.square = self.square + Pair(*(np.array([s]) for s in dot(column(r), right)))
        hi, lo = np.zeros(len(self.v.hi)), np.zeros(len(self.v.hi))
        for group, cell in zip(self.groups, cells, strict=True):
            for k, m in enumerate(group.monomials):
                if cell is not None:
                    _by_cell(columns[m] if m else None, wr, cell, group.at(k), hi, lo)
                else:
                    at = group.positions[k]
                    hi[at], lo[at] = dot(columns[m], right) if m else total(wr.hi, wr.lo)
        self.sums = self.sums + Pair(hi, lo)

    def _residual(self, columns: Mapping[Monomial, Column], cells: Sequence[Codes | None]) -> Pair:
        rows = len(next(iter(columns.values())).hi)
        hi, lo = np.zeros(rows), np.zeros(rows)
        for group, cell in zip(self.groups, cells, strict=True):
            for k, m in enumerate(group.monomials):
                if cell is not None:
                    at = group.at(k)
                    b = Pair(np.append(self.v.hi[at], 0.0)[cell], np.append(self.v.lo[at], 0.0)[cell])
                    p, e = product(columns[m], column(b)) if m else b
                else:
                    place = group.positions[k]
                    p, e = scaled(columns[m], float(self.v.hi[place]), float(self.v.lo[place]))
                hi, f = two_sum(hi, p)
                lo += e
                lo += f
        return Pair(*quick_two_sum(hi, lo))


def _by_cell(x: Column | None, wr: Pair, cell: Codes, at: Codes, hi: Vector, lo: Vector) -> None:
    p, e = wr if x is None else product(x, column(wr))
    whole, rest = parts(p)
    hi[at] = np.bincount(cell, whole, len(at) + 1)[:-1]  # cells without a column stand last
    lo[at] = np.bincount(cell, rest + e, len(at) + 1)[:-1]


class _Places:
    """Where the coefficient of a row's cell stands; the last place is for cells that have none."""

    def __init__(self, group: Group, sizes: Mapping[str, int]) -> None:
        self.group = group
        self.shape = [sizes[f] for f in group.factors]
        self.table: Codes | None = None
        if self.shape and float(np.prod(self.shape, dtype=float)) <= WIDE:
            self.table = np.full(self.shape, len(group.cells), np.int64)
            self.table[tuple(group.cells.T)] = np.arange(len(group.cells))

    def cells(self, codes: Mapping[str, Codes]) -> Codes:
        """For each row its cell among the group's, or their number."""
        given = [codes[f] for f in self.group.factors]
        if self.table is not None:
            return np.asarray(self.table[tuple(given)])
        found = cell_index(self.group.cells, np.column_stack(given), self.shape)
        return np.where(found < 0, len(self.group.cells), found)


def scaled(x: Column, hi: float, lo: float) -> tuple[Vector, Vector]:
    """x times a number, as a float64 product and what it lacks."""
    high, low = (float(h[0]) for h in split(np.array([hi])))
    p = x.hi * hi
    e = x.high * high
    e -= p
    e += x.high * low
    e += x.low * high
    e += x.low * low
    if lo:
        e += x.hi * lo
    if x.lo is not None:
        e += x.lo * hi
    return p, e


def product(x: Column, y: Column) -> tuple[Vector, Vector]:
    """x times y row by row, as a float64 product and what it lacks."""
    p = x.hi * y.hi
    e = x.high * y.high
    e -= p
    e += x.high * y.low
    e += x.low * y.high
    e += x.low * y.low
    if y.lo is not None:
        e += x.hi * y.lo
    if x.lo is not None:
        e += x.lo * y.hi
    return p, e


def dot(x: Column, y: Column) -> tuple[float, float]:
    """Sum of products, hi + lo."""
    return total(*product(x, y))


def total(p: Vector, e: Vector) -> tuple[float, float]:
    """Sum of p + e, hi + lo."""
    whole, rest = parts(p)
    rest += e
    return float(whole.sum()), float(rest.sum())


def parts(p: Vector) -> tuple[Vector, Vector]:
    """p as multiples of one power of two, few enough digits that any sum of them is exact, and the rest."""
    largest = max(float(p.max(initial=0.0)), -float(p.min(initial=0.0)))
    sigma = 2.0 ** (np.frexp(largest)[1] + int(np.ceil(np.log2(len(p) + 2))))
    whole = p + sigma
    whole -= sigma
    return whole, p - whole
