"""Reads batches through a design: values, codes, offset and weights of the complete rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gramian.batch import Batch
from gramian.column import Numbers
from gramian.errors import DataError
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows, count_marked
from gramian.formula.evaluate import evaluate
from gramian.formula.levels import LevelIndex
from gramian.formula.splines import Spline
from gramian.formula.syntax import Name, Node, label
from gramian.typing import Codes, Level, Mask, Matrix, Vector

T = TypeVar("T", bound=np.generic)
# takes a variable, its values (k,) and frequencies (k,) or None in rows that are left out, and the mask of these rows
LeftOut = Callable[[str, Vector, Vector | None, Mask], None]
WEIGHTS, COUNTS, OFFSET = "=weights", "=counts", "=offset"  # keys beside those of variables: no label begins with "="


@dataclass(frozen=True, slots=True)
class Observed:
    """The complete rows of a batch; n = `rows`.

    Attributes
    ----------
    rows : int
        Number of complete rows.
    values : Mapping[str, Vector]
        Variable or response row -> (n,).
    codes : Mapping[str, Codes]
        Factor -> (n,) codes of levels.
    offset, weight, count : Vector or None
        (n,), None where not used.
    matrix : Matrix or None
        (n, k) columns that are used in place.
    where : str
        File and row group.
    first_row : int
        Number of the first row of the batch in its file or frame.
    row_mask : Mask or None
        Which rows of the batch are complete; None when all are.
    selected : Codes or None
        (n,) numbers of the complete rows among values and matrix, where these hold all rows of the batch; None where
        they hold the complete rows alone.
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
    selected: Codes | None = None

    def evaluated(self) -> Observed:
        """The same with values and matrix of the complete rows alone, in float64."""
        values = {name: _take(v, self.selected).astype(np.float64, copy=False) for name, v in self.values.items()}
        matrix = None if self.matrix is None else _take(self.matrix, self.selected).astype(np.float64, copy=False)
        return replace(self, values=values, matrix=matrix, selected=None)

    def offset_weight_count(self, rows: slice | Mask) -> tuple[Vector | None, Vector | None, Vector | None]:
        """Offset, weight and count of some of the rows."""
        offset, weight, count = (v if v is None else v[rows] for v in (self.offset, self.weight, self.count))
        return offset, weight, count

    def take(self, rows: Codes) -> Observed:
        """Some of the rows, where all of the batch were complete."""
        mask = np.zeros(self.rows, bool)
        mask[rows] = True
        offset, weight, count = self.offset_weight_count(mask)
        return Observed(
            len(rows),
            {name: v[rows] for name, v in self.values.items()},
            {name: c[rows] for name, c in self.codes.items()},
            offset,
            weight,
            count,
            None if self.matrix is None else self.matrix[rows],
            self.where,
            self.first_row,
            mask,
        )

    def value_of(self, variable: str, in_matrix: tuple[str, ...]) -> Vector:
        """Values (n,) of a variable. in_matrix : variables that are columns of the matrix, in order."""
        if variable in self.values:
            return self.values[variable]
        assert self.matrix is not None
        return np.asarray(self.matrix[:, in_matrix.index(variable)])

    def row_number(self, index: int) -> int:
        """The number in its file or frame, from 1, of the complete row `index`."""
        return 1 + self.first_row + (index if self.row_mask is None else int(np.flatnonzero(self.row_mask)[index]))


class Reader:
    """Reads the batches of one unit; collects the levels and counts the dropped rows.

    Parameters
    ----------
    design : Design
        What to read. Its levels, if any, are where the index of levels starts.
    drop : bool
        Whether rows with nulls are dropped; else they are an error.
    response : bool
        Whether outcome and weights are read. Without them (prediction) a level that the design does not have is an
        error.

    Attributes
    ----------
    sizes : dict of str to int
        Factor -> number of levels seen so far.
    native : bool
        Whether a matrix that is used in place keeps its number type, for a kernel that reads it; else it is float64.
    as_stored : bool
        Whether values and matrix keep their number types and their incomplete rows, for a kernel that is given the
        numbers of the complete ones (`Observed.selected`).
    """

    def __init__(self, design: Design, *, drop: bool = True, response: bool = True) -> None:
        self.design, self.drop, self.response = design, drop, response
        levels = design.levels or {}
        self.levels = {n: LevelIndex(n, levels.get(n, ()), frozen=not response) for n in design.terms.factors}
        self.sizes = self._sizes()
        # columns of the matrix are used in place, and the columns of a spline are evaluated together
        in_place = {*design.matrix_variables, *(name for s in design.terms.splines.values() for name in s.columns)}
        self.variables = {v: node for v, node in design.terms.variables.items() if v not in in_place}
        self.conditions = {f"={label(node)}": node for node in design.present}
        nodes = {**self.variables, **self._other_expressions()}
        self.plain_columns = {key: node.name for key, node in nodes.items() if isinstance(node, Name)}
        self.expressions = {key: node for key, node in nodes.items() if not isinstance(node, Name)}
        self.dropped_rows = DroppedRows()
        self.left_out: LeftOut | None = None
        self.native = self.as_stored = False
        self.stored_keys = {*self.variables, *design.outcome}

    def read(self, batch: Batch) -> Observed:
        """Evaluate a batch and drop the rows that are not complete.

        Raises DataError for a negative weight, an unknown level, or a null where rows may not be dropped.
        """
        numbers = self._numbers(batch)
        factors = self._with_computed_factors(batch)
        codes = {name: self._codes(name, factors) for name in self.levels}
        self.sizes = self._sizes()
        complete = self._complete(batch, numbers, codes)
        weight, count = (_weights(numbers.get(k), k[1:], complete, batch) for k in (WEIGHTS, COUNTS))
        for vector in (weight, count):
            if vector is not None and (vector == 0.0).any():
                # a row of weight 0 has no influence, but would count in the degrees of freedom
                complete = self._without_zeros(complete, vector, batch)
        if self.left_out is not None and complete is not None:
            self._report_left_out(~complete, numbers, batch, self.left_out)
        rows = None if complete is None else np.flatnonzero(complete)
        taken = None if self.as_stored else rows
        values = {k: _take(n.values, taken) for k, n in numbers.items() if not k.startswith("=")}
        return Observed(
            batch.rows if rows is None else len(rows),
            values,
            {name: _take(c, rows) for name, c in codes.items()},
            _take(numbers[OFFSET].values, rows) if OFFSET in numbers else None,
            None if weight is None else _take(weight, rows),
            None if count is None else _take(count, rows),
            self._matrix(batch, taken),
            batch.where,
            batch.first_row,
            complete,
            rows if self.as_stored else None,
        )

    def translated(
        self, codes: Mapping[str, Codes], levels: Mapping[str, Sequence[Level]], where: str
    ) -> dict[str, Codes]:
        """Codes of factors (n,) in the levels of this reader. levels : factor -> the levels that they refer to."""
        own = {name: self.levels[name].encode(c, levels[name], where) for name, c in codes.items()}
        self.sizes = self._sizes()
        return own

    def first_values(self, batch: Batch, names: Iterable[str]) -> dict[str, Vector]:
        """The finite values of variables and response rows, each in the rows that have it.

        A response is the outcome less its offsets. Names without a value are left out.
        """
        numbers = self._numbers(batch)
        offset = numbers.get(OFFSET)
        found: dict[str, Vector] = {}
        for name in names:
            own = numbers[name]
            if offset is not None and name in self.design.outcome:
                own = _sum([own, Numbers(-offset.values, offset.present)])
            rows = _present(own)
            if rows.any():
                found[name] = own.values[rows]
        return found

    def _sizes(self) -> dict[str, int]:
        """Factor -> number of levels seen so far."""
        return {name: len(index) for name, index in self.levels.items()}

    def _report_left_out(self, dropped: Mask, numbers: dict[str, Numbers], batch: Batch, left_out: LeftOut) -> None:
        """Report the values of variables in dropped rows, where columns of the model depend on their distribution.

        As in R, where poly(), center() and scale() are evaluated before incomplete rows are dropped.
        """
        counts = numbers.get(COUNTS)
        repeated = dropped if counts is None else dropped & _present(counts) & (counts.values > 0)
        for variable in self.design.terms.power_sums:
            number = numbers.get(variable) or Numbers(self._in_place(variable, batch), None)
            rows = repeated & _present(number)
            if rows.any():
                left_out(variable, number.values[rows], None if counts is None else counts.values[rows], rows)

    def _in_place(self, variable: str, batch: Batch) -> Vector:
        """A column of the matrix that is used in place."""
        assert self.design.matrix is not None
        name, _ = self.design.matrix
        return np.asarray(batch.matrices[name][:, self.design.matrix_variables.index(variable)], np.float64)

    def _numbers(self, batch: Batch) -> dict[str, Numbers]:
        """All numeric columns of a batch, before rows are dropped: variable, response row or option -> numbers."""
        stored = self.stored_keys if self.as_stored else ()
        numbers = {key: batch.numbers(column, as_stored=key in stored) for key, column in self.plain_columns.items()}
        if self.expressions:
            numbers |= evaluate(self.expressions, batch)
        design = self.design
        out: dict[str, Numbers] = {name: numbers[name] for name in self.variables}
        for text, spline in design.terms.splines.items():
            out |= _columns(spline, numbers[text])
        if self.response:
            out |= {r: numbers[r] if r in numbers else self._success(node, batch) for r, node in design.outcome.items()}
            out |= {key: numbers[key] for key in (WEIGHTS, COUNTS) if key in numbers}
            out |= {key: _finite(numbers[key]) for key in self.conditions}
        if design.offsets:
            out[OFFSET] = _sum([numbers[f"{OFFSET}{i}"] for i in range(len(design.offsets))])
        return out

    def _other_expressions(self) -> dict[str, Node]:
        """The variables of splines, outcomes, weights and offsets, by the keys under which they are evaluated."""
        design = self.design
        nodes = {text: spline.node for text, spline in design.terms.splines.items()}
        if self.response:
            nodes |= {r: node for r, node in design.outcome.items() if not self._is_text(node)}
            nodes |= {key: Name(c) for key, c in ((WEIGHTS, design.weight), (COUNTS, design.count)) if c}
            nodes |= self.conditions
        return nodes | {f"{OFFSET}{i}": node for i, node in enumerate(design.offsets)}

    def _is_text(self, outcome: Node) -> bool:
        """Whether an outcome is a column of two texts."""
        return self.design.binary is not None and isinstance(outcome, Name)

    def _success(self, outcome: Node, batch: Batch) -> Numbers:
        """A text outcome as 0 for failure and 1 for success."""
        assert isinstance(outcome, Name)
        assert self.design.binary is not None
        column = batch.factor(outcome.name)
        index = LevelIndex(outcome.name, self.design.binary, frozen=True)
        codes = index.encode(column.codes, column.levels, batch.where, what="outcome")
        return Numbers(codes.astype(np.float64), codes >= 0 if len(codes) and codes.min() < 0 else None)

    def _with_computed_factors(self, batch: Batch) -> Batch:
        """The batch with the values of expressions that are factors as columns."""
        nodes = {f.column: f.node for f in self.design.terms.factors.values() if f.node is not None}
        return with_columns(batch, nodes)

    def _codes(self, name: str, batch: Batch) -> Codes:
        """Codes of a factor for all rows of a batch."""
        column = batch.factor(self.design.terms.factors[name].column, self.levels[name].integers)
        return self.levels[name].encode(column.codes, column.levels, batch.where)

    def _complete(self, batch: Batch, numbers: dict[str, Numbers], codes: dict[str, Codes]) -> Mask | None:
        """Rows without nulls, which are counted as dropped; None when no column has a null."""
        presence = [(k.lstrip("~="), n.present) for k, n in numbers.items() if n.present is not None]
        presence += [(name, c >= 0) for name, c in codes.items() if len(c) and c.min() < 0]
        masks: dict[str, Mask] = {}
        for (
            name,
            present,
        ) in presence:  # a column may be called "weights", as an option is: then both count under the name
            masks[name] = masks[name] & present if name in masks else present
        if not masks:
            return None
        complete: Mask = np.logical_and.reduce(list(masks.values()))
        if not self.drop and not complete.all():
            self._refuse(masks, batch)
        self.count_dropped("null", ~complete, batch, {name: ~mask for name, mask in masks.items()})
        return complete

    def count_dropped(self, cause: str, dropped: Mask, batch: Batch, nulls: Mapping[str, Mask]) -> None:
        """Count dropped rows of a batch.

        cause : why. dropped : (rows,) mask of the rows. nulls : column -> mask of the rows in which it is null.
        """
        self.dropped_rows += DroppedRows({cause: int(np.count_nonzero(dropped))}, count_marked(nulls))

    def _refuse(self, masks: Mapping[str, Mask], batch: Batch) -> None:
        """Raise DataError that names the first row with a null."""
        name, mask = next((k, m) for k, m in masks.items() if not m.all())
        row = 1 + batch.first_row + int(np.argmin(mask))
        raise DataError(f"row {row}: '{name}' is null (na=\"drop\" leaves such rows out)", batch.where)

    def _without_zeros(self, complete: Mask | None, vector: Vector, batch: Batch) -> Mask:
        """Complete rows whose weight is not 0; the others are counted as dropped."""
        before = np.ones(batch.rows, bool) if complete is None else complete
        after = np.asarray(before & (vector != 0.0))
        self.count_dropped("zero weight", before & ~after, batch, {})
        return after

    def _matrix(self, batch: Batch, rows: Codes | None) -> Matrix | None:
        """The rows of the matrix that is used in place; a view where no row is dropped."""
        if self.design.matrix is None:
            return None
        matrix = batch.matrices[self.design.matrix[0]]
        matrix = matrix if self.native or self.as_stored else matrix.astype(np.float64, copy=False)
        return matrix if rows is None else matrix[rows]


def with_columns(batch: Batch, nodes: Mapping[str, Node]) -> Batch:
    """A batch with the values of expressions that are factors as further columns."""
    if not nodes:
        return batch
    from gramian.formula.choices import factor_columns  # only some formulas have such factors

    return replace(batch, columns={**batch.columns, **factor_columns(nodes, batch)})


def _present(numbers: Numbers) -> Mask:
    """Rows (n,) that have a finite number."""
    finite = np.isfinite(numbers.values)
    return finite if numbers.present is None else finite & numbers.present


def _finite(numbers: Numbers) -> Numbers:
    """The numbers, present only where they are finite."""
    return Numbers(numbers.values, _present(numbers))


def _columns(spline: Spline, x: Numbers) -> dict[str, Numbers]:
    """The columns of a spline on a batch."""
    return {
        name: Numbers(values, x.present) for name, values in zip(spline.columns, spline.basis(x.values), strict=True)
    }


def _take(values: NDArray[T], rows: Codes | None) -> NDArray[T]:
    """The values of some rows; all of them, without a copy, where `rows` is None."""
    return values if rows is None else values[rows]


def _sum(parts: list[Numbers]) -> Numbers:
    """Sum of offsets; a row is present when all are."""
    masks = [n.present for n in parts if n.present is not None]
    total = np.sum([n.values for n in parts], axis=0)
    return Numbers(total, np.logical_and.reduce(masks) if masks else None)


def _weights(numbers: Numbers | None, option: str, complete: Mask | None, batch: Batch) -> Vector | None:
    """Weights or frequencies of a batch, (rows,), 1 where the row is not complete.

    Raises DataError unless they are finite and not negative, and frequencies are integers.
    """
    if numbers is None:
        return None
    # values of null rows are arbitrary, and must not be reported as wrong weights
    values = numbers.values if complete is None else np.where(complete, numbers.values, 1.0)
    wrong = ~(np.isfinite(values) & (values >= 0.0))
    if option == "counts":
        wrong |= values != np.floor(values)
    if wrong.any():
        row = int(np.argmax(wrong))
        kind = "a whole number that is" if option == "counts" else "finite and"
        raise DataError(
            f"row {1 + batch.first_row + row}: {option} must be {kind} not negative, found {values[row]:g}", batch.where
        )
    return values
