"""Blocks of stored columns: written from the vectors of a batch into one reused buffer, and times coefficients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gramian.linalg.columns import Columns, Layout
from gramian.linalg.factors.cells import MAX_DENSE_CELLS
from gramian.linalg.monomials import Coordinate, Monomial
from gramian.linalg.products import ColumnGroup, cell_index
from gramian.typing import Codes, Matrix, Vector

ROWS_PER_BLOCK = 8192  # rows whose columns fit into the cache of one core


class BlockWriter:
    """Writes the monomials of a block into a buffer: variables shifted, powers from lower powers.

    Parameters
    ----------
    layout : Layout
        The monomials to write.
    coordinates : mapping
        Variable -> shift and scale.
    matrix_variables : tuple of str
        Variables that the caller's matrix holds already, whose coordinates are the identity; they are not copied.
    height : int
        Rows of a block.
    """

    def __init__(
        self,
        layout: Layout,
        coordinates: Mapping[str, Coordinate],
        matrix_variables: tuple[str, ...] = (),
        height: int = ROWS_PER_BLOCK,
    ) -> None:
        self.coordinates, self.height = coordinates, height
        rows = layout.rows
        matrix_monomials = {((name, 1),) for name in matrix_variables}
        self.buffer_positions = tuple(i for i, m in enumerate(rows) if m not in matrix_monomials)
        place = {m: i for i, m in enumerate(rows)}
        self.matrix_positions = tuple(place[((name, 1),)] for name in matrix_variables)
        buffer_monomials = [rows[i] for i in self.buffer_positions]
        self.width = len(buffer_monomials)
        self.steps = steps_of([*buffer_monomials, *layout.extra])
        self.products_with_response = _products_with_response(
            [*buffer_monomials, *layout.extra], set(layout.responses), self.steps
        )
        self.scratch = np.empty((len(self.steps), height))

    def blocks(
        self, rows: int, values: Mapping[str, Vector], codes: Mapping[str, Codes], matrix: Matrix | None
    ) -> Iterator[tuple[slice, Columns]]:
        """Yield the slice and the columns of each block of at most `height` rows.

        Columns share one buffer and are valid until the next block is requested.
        """
        for start in range(0, rows, self.height):
            place = slice(start, min(start + self.height, rows))
            yield place, self.block(place, values, codes, matrix)

    def release_buffer(self) -> None:
        """Leave the present buffer to the block that was written last, and use a new one from now on."""
        self.scratch = np.empty_like(self.scratch)

    def block(
        self, rows: slice, values: Mapping[str, Vector], codes: Mapping[str, Codes], matrix: Matrix | None
    ) -> Columns:
        """The columns of one slice of rows."""
        width, height = len(self.steps), rows.stop - rows.start
        buffer = self.scratch.ravel()[: width * height].reshape(width, height)  # contiguous: summed pairwise by NumPy
        for out, (variable, parents) in zip(buffer, self.steps, strict=True):
            if parents is not None:
                np.multiply(buffer[parents[0]], buffer[parents[1]], out=out)
            elif variable:
                shifted(values[variable][rows], self.coordinates[variable], out)
            else:
                out[:] = 1.0
        return Columns(
            height,
            buffer[: self.width],
            self.buffer_positions,
            None if matrix is None else matrix[rows],
            self.matrix_positions,
            buffer[self.width :],
            {name: code[rows] for name, code in codes.items()},
            self.products_with_response,
        )


def _products_with_response(
    monomials: list[Monomial], responses: set[str], steps: list[tuple[str, tuple[int, int] | None]]
) -> tuple[tuple[int, tuple[int, int]], ...]:
    """Buffer rows that are products with a response, each with the rows of its two factors."""
    pairs = zip(monomials, steps, strict=True)
    return tuple((i, p) for i, (m, (_, p)) in enumerate(pairs) if p is not None and any(v in responses for v, _ in m))


def shifted(values: Vector, coordinate: Coordinate, out: Vector) -> None:
    """Write u = (x - shift) / 2^exponent into `out`. Only the subtraction rounds."""
    np.subtract(values, coordinate.shift, out=out)
    # Beyond about 1000, 2.0**-exponent overflows or is subnormal; ldexp is exact there, but slower.
    if abs(coordinate.exponent) > 1000:
        np.ldexp(out, -coordinate.exponent, out=out)
    elif coordinate.exponent:
        np.multiply(out, 2.0**-coordinate.exponent, out=out)


def steps_of(monomials: list[Monomial]) -> list[tuple[str, tuple[int, int] | None]]:
    """How to compute each monomial: ("x", None) is a variable, ("", None) the constant, ("", (i, j)) a product of two.

    The two factors i, j are places of monomials that stand before it, so every monomial costs one multiplication.
    """
    place: dict[Monomial, int] = {}
    steps: list[tuple[str, tuple[int, int] | None]] = []
    for i, m in enumerate(monomials):
        if not m:
            steps.append(("", None))
        elif len(m) == 1 and m[0][1] == 1:
            steps.append((m[0][0], None))
        else:
            steps.append(("", _parents(m, place)))
        place[m] = i
    return steps


def _parents(m: Monomial, place: Mapping[Monomial, int]) -> tuple[int, int]:
    """Places of the two monomials whose product is m: one variable, and m with one power less of it."""
    for variable, power in m:
        single: Monomial = ((variable, 1),)
        rest = tuple((v, p - 1 if v == variable else p) for v, p in m if v != variable or power > 1)
        if rest in place and single in place:
            return place[rest], place[single]
    raise KeyError(m)


@dataclass(frozen=True, slots=True)
class Predictor:
    """Coefficients of stored columns.

    Attributes
    ----------
    layout : Layout
        Monomials of the blocks.
    groups : tuple of ColumnGroup
        The columns.
    coefficients : (q,)
        In the order of the columns' positions.
    """

    layout: Layout
    groups: tuple[ColumnGroup, ...]
    coefficients: Vector

    def prepare(self) -> PreparedPredictor:
        """A callable for the blocks of one unit."""
        return PreparedPredictor(self)


class PreparedPredictor:
    """Evaluates a predictor; its tables from codes to coefficients are rebuilt when the number of levels changes."""

    def __init__(self, predictor: Predictor) -> None:
        rows, extra = predictor.layout.rows, predictor.layout.extra
        self.place = {m: i for i, m in enumerate((*rows, *extra))}
        self.dense = np.zeros(len(rows))
        self.parts: list[tuple[ColumnGroup, int | None, Vector]] = []  # the place of a monomial, None for the constant
        for group in predictor.groups:
            for m, positions in group.by_monomial():
                b = predictor.coefficients[positions]
                if group.factors:
                    self.parts.append((group, self.place[m] if m else None, b))
                else:
                    self.dense[self.place[m]] = b[0]
        self.sizes: dict[str, int] = {}
        self.tables: list[Vector | None] = []

    def __call__(self, columns: Columns, sizes: Mapping[str, int]) -> Vector:
        """X b, (n,); a cell without a coefficient contributes zero. sizes : factor -> number of levels so far."""
        eta = np.dot(
            self.dense[list(columns.buffer_positions)], columns.buffer
        )  # unlike `@`, it releases the interpreter lock
        if columns.matrix is not None:
            eta += np.dot(columns.matrix, self.dense[list(columns.matrix_positions)])
        if self.parts:
            self._look_up(columns, sizes, eta)
        return np.asarray(eta)

    def of_factors(self, columns: Columns, sizes: Mapping[str, int]) -> Vector | None:
        """The part of X b, (n,), of the columns with factors; None without any."""
        if not self.parts:
            return None
        eta = np.zeros(columns.rows)
        self._look_up(columns, sizes, eta)
        return eta

    def _look_up(self, columns: Columns, sizes: Mapping[str, int], eta: Vector) -> None:
        """Add the contributions of columns with factors to `eta`, in place."""
        if dict(sizes) != self.sizes:
            self.sizes = dict(sizes)
            self.tables = [self._table(group, b) for group, _, b in self.parts]
        for (group, place, b), table in zip(self.parts, self.tables, strict=True):
            codes = [columns.codes[f] for f in group.factors]
            contribution = _sparse(group, codes, b, self._shape(group)) if table is None else table[tuple(codes)]
            eta += contribution if place is None else contribution * columns.value(place)

    def _shape(self, group: ColumnGroup) -> list[int]:
        """Numbers of levels of the group's factors."""
        return [self.sizes[f] for f in group.factors]

    def _table(self, group: ColumnGroup, b: Vector) -> Vector | None:
        """Coefficients by level codes, dense; None where there would be too many cells."""
        shape = self._shape(group)
        if float(np.prod(shape, dtype=float)) > MAX_DENSE_CELLS:
            return None
        table = np.zeros(shape)
        table[tuple(group.cells.T)] = b
        return table


def _sparse(group: ColumnGroup, codes: Sequence[Codes], b: Vector, shape: list[int]) -> Vector:
    """Coefficients (n,) of each row's cell by binary search, zero where the group does not have the cell."""
    cell = cell_index(group.cells, np.column_stack(codes), shape)
    return np.where(cell >= 0, b[cell], 0.0)
