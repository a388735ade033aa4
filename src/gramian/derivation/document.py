"""Structure of a derivation, independent of its format: sections of paragraphs, equations and matrices."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from gramian.derivation.arithmetic import ExactMatrix
from gramian.derivation.numbers import format_fraction

# Wider or longer matrices show their first and last columns or rows.
MAX_COLUMNS, FIRST_COLUMNS, LAST_COLUMNS = 12, 6, 5
MAX_ROWS, FIRST_ROWS, LAST_ROWS = 24, 12, 5
GAP = "..."  # in the place of numbers that are not shown


@dataclass(frozen=True, slots=True)
class Math:
    """Mathematics within a paragraph, in the notation of `gramian.derivation.notation`."""

    text: str


@dataclass(frozen=True, slots=True)
class Name:
    """A name from the data, which every format escapes."""

    text: str


Piece: TypeAlias = str | Math | Name


@dataclass(frozen=True, slots=True)
class Say:
    """A paragraph."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Line(Say):
    """An equation with names of the data, which the notation of mathematics does not have."""


@dataclass(frozen=True, slots=True)
class Equation:
    """Mathematics on a line of its own."""

    text: str


@dataclass(frozen=True, slots=True)
class Grid:
    """Formatted numbers with the labels of rows and columns.

    Attributes
    ----------
    rows, columns : tuple of str
        Labels.
    cells : tuple of tuples of str
        Numbers, or "..." for those that are not shown.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Show:
    """A matrix with its name."""

    text: str
    grid: Grid


@dataclass(frozen=True, slots=True)
class Tabulate:
    """A table of numbers that is no matrix."""

    grid: Grid


Block: TypeAlias = Say | Equation | Show | Tabulate


@dataclass(frozen=True, slots=True)
class Section:
    """One step: a title and blocks."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A title, blocks before the first step, and the steps."""

    title: tuple[Piece, ...]
    opening: tuple[Block, ...]
    sections: tuple[Section, ...]


def say(text: str, *names: str) -> Say:
    """A paragraph from a text with mathematics between dollars and {} for each of the names."""
    remaining = iter(names)
    parts = (part for part in re.split(r"(\$[^$]*\$|\{\})", text) if part)
    return Say(tuple(_piece(part, next(remaining) if part == "{}" else "") for part in parts))


def listed(names: Iterable[str]) -> tuple[Piece, ...]:
    """Names with commas between them."""
    pieces: list[Piece] = []
    for name in names:
        pieces += [", ", Name(name)] if pieces else [Name(name)]
    return tuple(pieces)


def grid(values: ExactMatrix, rows: Sequence[str], columns: Sequence[str]) -> Grid:
    """A matrix as formatted numbers; of very many rows or columns only the first and the last ones."""
    down = _shown_positions(len(rows), MAX_ROWS, FIRST_ROWS, LAST_ROWS)
    across = _shown_positions(len(columns), MAX_COLUMNS, FIRST_COLUMNS, LAST_COLUMNS)
    cells = tuple(tuple(_cell(values, i, j) for j in across) for i in down)
    return Grid(_labels(rows, down), _labels(columns, across), cells)


def numbered(count: int) -> tuple[str, ...]:
    """Labels of rows of data: 1, 2, ..."""
    return tuple(str(i) for i in range(1, count + 1))


def _piece(part: str, name: str) -> Piece:
    """A part of a text: mathematics, a name, or plain text."""
    if part == "{}":
        return Name(name)
    return Math(part[1:-1]) if part.startswith("$") else part


def _shown_positions(count: int, limit: int, first: int, last: int) -> list[int | None]:
    """Positions of the rows or columns that are shown; None stands for those between them."""
    if count <= limit:
        return list(range(count))
    return [*range(first), None, *range(count - last, count)]


def _labels(labels: Sequence[str], positions: list[int | None]) -> tuple[str, ...]:
    """Labels at these positions."""
    return tuple(GAP if i is None else labels[i] for i in positions)


def _cell(values: ExactMatrix, i: int | None, j: int | None) -> str:
    """Formatted number of a cell, "..." where row or column are not shown."""
    return GAP if i is None or j is None else format_fraction(values[i][j])


def column(values: Iterable[Fraction]) -> ExactMatrix:
    """A vector as a matrix of one column."""
    return tuple((v,) for v in values)
