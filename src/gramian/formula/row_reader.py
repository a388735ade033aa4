"""Reading a batch through a design: numbers, codes and weights of its complete rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gramian.batch import Batch
from gramian.column import Numbers
from gramian.errors import DataError
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows, count_marked
from gramian.formula.functions import evaluate
from gramian.formula.levels import LevelIndex
from gramian.formula.splines import Spline
from gramian.formula.syntax import Name, Node
from gramian.typing import Codes, Mask, Matrix, Vector

T = TypeVar("T", bound=np.generic)
WEIGHTS, COUNTS, OFFSET = "=weights", "=counts", "=offset"  # no column or expression can be called so


@dataclass(frozen=True, slots=True)
class Observed:
    """The complete rows of a batch, all vectors (rows,).

    values : variable or response row -> values. codes : factor -> codes. offset, weight, count : None when not used.
    matrix : the columns that are used in place. kept : which rows of the batch these are (None: all).
    """

    rows: int
    values: Mapping[str, Vector]
    codes: Mapping[str, Codes]
    offset: Vector | None
    weight: Vector | None
    count: Vector | None
    matrix: Matrix | None
    where: str
    first_row: int
    row_mask: Mask | None

    def row_number(self, index: int) -> int:
        """The number in its file or frame of the index-th of these rows."""
        return self.first_row + (index if self.row_mask is None else int(np.flatnonzero(self.row_mask)[index]))


class Reader:
    """Reads the batches of one unit; holds the levels seen so far and the tally of rows left out.

    `drop` False makes a row with something missing an error. `response` False reads predictors only, and then a level
    that the design does not know is an error; else levels are added to those it knows.
    """

    def __init__(self, design: Design, *, drop: bool = True, response: bool = True) -> None:
        self.design, self.drop, self.response = design, drop, response
        levels = design.levels or {}
        self.levels = {n: LevelIndex(n, levels.get(n, ()), frozen=not response) for n in design.terms.factors}
        self.dropped_rows = DroppedRows()

    @property
    def sizes(self) -> dict[str, int]:
        """Levels seen so far."""
        return {name: len(index) for name, index in self.levels.items()}

    def read(self, batch: Batch) -> Observed:
        """Evaluate a batch and leave out what is not complete.

        Raises DataError for a negative weight, an unknown level, or a missing value when rows may not be dropped.
        """
        numbers = self._numbers(batch)
        codes = {name: self._codes(name, batch) for name in self.levels}
        complete = self._complete(batch, numbers, codes)
        weight, count = (_weights(numbers.get(k), k[1:], complete, batch) for k in (WEIGHTS, COUNTS))
        for vector in (weight, count):
            if vector is not None and (vector == 0.0).any():
                complete = self._without_zeros(complete, vector, batch)
        rows = None if complete is None else np.flatnonzero(complete)
        values = {k: _take(n.values, rows) for k, n in numbers.items() if not k.startswith("=")}
        return Observed(
            batch.rows if rows is None else len(rows),
            values,
            {name: _take(c, rows) for name, c in codes.items()},
            _take(numbers[OFFSET].values, rows) if OFFSET in numbers else None,
            None if weight is None else _take(weight, rows),
            None if count is None else _take(count, rows),
            self._matrix(batch, rows),
            batch.where,
            batch.first_row,
            complete,
        )

    def _numbers(self, batch: Batch) -> dict[str, Numbers]:
        design, matrix_variables = self.design, set(self.design.matrix_variables)
        spline_columns = {name for spline in design.terms.splines.values() for name in spline.columns}
        nodes = {
            v: node
            for v, node in design.terms.variables.items()
            if v not in matrix_variables and v not in spline_columns
        }
        out = {v: evaluate(node, batch) for v, node in nodes.items()}
        for spline in design.terms.splines.values():
            out |= _columns(spline, evaluate(spline.node, batch))
        if self.response:
            out |= {r: self._outcome(node, batch) for r, node in design.outcome.items()}
            out |= {k: batch.numbers(c) for k, c in ((WEIGHTS, design.weight), (COUNTS, design.count)) if c}
        if design.offsets:
            out[OFFSET] = _sum([evaluate(node, batch) for node in design.offsets])
        return out

    def _outcome(self, node: Node, batch: Batch) -> Numbers:
        if self.design.binary is None or not isinstance(node, Name):
            return evaluate(node, batch)
        column = batch.factor(node.name)
        index = LevelIndex(node.name, self.design.binary, frozen=True)
        codes = index.encode(column.codes, column.levels, batch.where, what="outcome")
        return Numbers(codes.astype(np.float64), codes >= 0 if len(codes) and codes.min() < 0 else None)

    def _codes(self, name: str, batch: Batch) -> Codes:
        column = batch.factor(self.design.terms.factors[name].column)
        return self.levels[name].encode(column.codes, column.levels, batch.where)

    def _complete(self, batch: Batch, numbers: dict[str, Numbers], codes: dict[str, Codes]) -> Mask | None:
        presence = [(k.lstrip("~="), n.present) for k, n in numbers.items() if n.present is not None]
        presence += [(name, c >= 0) for name, c in codes.items() if len(c) and c.min() < 0]
        masks: dict[str, Mask] = {}
        for name, present in presence:  # a column may be called as an option is
            masks[name] = masks[name] & present if name in masks else present
        if not masks:
            return None
        complete: Mask = np.logical_and.reduce(list(masks.values()))
        if not self.drop and not complete.all():
            self._refuse(masks, batch)
        self.count_dropped("null", ~complete, batch, {name: ~mask for name, mask in masks.items()})
        return complete

    def count_dropped(self, cause: str, dropped: Mask, batch: Batch, nulls: Mapping[str, Mask]) -> None:
        """Count rows of a batch that are left out, and which columns have nothing in which rows."""
        self.dropped_rows += DroppedRows({cause: int(np.count_nonzero(dropped))}, count_marked(nulls))

    def _refuse(self, masks: Mapping[str, Mask], batch: Batch) -> None:
        name, mask = next((k, m) for k, m in masks.items() if not m.all())
        row = batch.first_row + int(np.argmin(mask))
        raise DataError(f"row {row}: '{name}' is null (na=\"drop\" leaves such rows out)", batch.where)

    def _without_zeros(self, complete: Mask | None, vector: Vector, batch: Batch) -> Mask:
        before = np.ones(batch.rows, bool) if complete is None else complete
        after = np.asarray(before & (vector != 0.0))
        self.count_dropped("zero weight", before & ~after, batch, {})
        return after

    def _matrix(self, batch: Batch, rows: Codes | None) -> Matrix | None:
        if self.design.matrix is None:
            return None
        matrix = batch.matrices[self.design.matrix[0]].astype(np.float64, copy=False)
        return matrix if rows is None else matrix[rows]


def _columns(spline: Spline, x: Numbers) -> dict[str, Numbers]:
    return {
        name: Numbers(values, x.present) for name, values in zip(spline.columns, spline.basis(x.values), strict=True)
    }


def _take(values: NDArray[T], rows: Codes | None) -> NDArray[T]:
    return values if rows is None else values[rows]


def _sum(parts: list[Numbers]) -> Numbers:
    masks = [n.present for n in parts if n.present is not None]
    total = np.sum([n.values for n in parts], axis=0)
    return Numbers(total, np.logical_and.reduce(masks) if masks else None)


def _weights(numbers: Numbers | None, option: str, complete: Mask | None, batch: Batch) -> Vector | None:
    """Weights that are present are finite and not negative, counts whole as well."""
    if numbers is None:
        return None
    values = numbers.values if complete is None else np.where(complete, numbers.values, 1.0)
    wrong = ~(np.isfinite(values) & (values >= 0.0))
    if option == "counts":
        wrong |= values != np.floor(values)
    if wrong.any():
        row = int(np.argmax(wrong))
        kind = "a whole number that is" if option == "counts" else "finite and"
        raise DataError(
            f"row {batch.first_row + row}: {option} must be {kind} not negative, found {values[row]:g}", batch.where
        )
    return values
