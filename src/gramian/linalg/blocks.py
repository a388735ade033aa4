"""From the vectors of a batch to blocks of stored columns, in one reused buffer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from gramian.linalg.columns import Columns, Layout
from gramian.linalg.monomials import Coordinate, Monomial
from gramian.typing import Codes, Matrix, Vector

ROWS_PER_BLOCK = 8192  # rows whose columns fit into the cache of one core


class BlockWriter:
    """Writes the monomials of a block into a buffer: shift on the way, powers from lower powers.

    placed : names of the variables that a matrix supplies in place (their coordinates are plain).
    height : rows of a block.
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
        self.matrix_positions = tuple(rows.index(((name, 1),)) for name in matrix_variables)
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
        """Blocks of at most `height` rows, with their place; each is valid until the next is asked for."""
        for start in range(0, rows, self.height):
            place = slice(start, min(start + self.height, rows))
            yield place, self.block(place, values, codes, matrix)

    def release_buffer(self) -> None:
        """Leave its memory to the last block, and take other for the next."""
        self.scratch = np.empty_like(self.scratch)

    def block(
        self, rows: slice, values: Mapping[str, Vector], codes: Mapping[str, Codes], matrix: Matrix | None
    ) -> Columns:
        """One block of rows."""
        width, height = len(self.steps), rows.stop - rows.start
        buffer = self.scratch.ravel()[: width * height].reshape(width, height)  # sums of strided rows round more
        for out, (variable, parents) in zip(buffer, self.steps, strict=True):
            if parents is not None:
                np.multiply(buffer[parents[0]], buffer[parents[1]], out=out)
            elif variable:
                shifted(values[variable][rows], self.coordinates[variable], out)
            else:
                out[:] = 1.0
        return Columns(
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
    pairs = zip(monomials, steps, strict=True)
    return tuple((i, p) for i, (m, (_, p)) in enumerate(pairs) if p is not None and any(v in responses for v, _ in m))


def shifted(values: Vector, coordinate: Coordinate, out: Vector) -> None:
    """u = (x - shift) / 2^exponent."""
    np.subtract(values, coordinate.shift, out=out)
    if abs(coordinate.exponent) > 1000:
        np.ldexp(out, -coordinate.exponent, out=out)
    elif coordinate.exponent:
        np.multiply(out, 2.0**-coordinate.exponent, out=out)


def steps_of(monomials: list[Monomial]) -> list[tuple[str, tuple[int, int] | None]]:
    """How each monomial is made: of a variable, or as the product of two that stand before it."""
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
    for variable, power in m:
        single: Monomial = ((variable, 1),)
        rest = tuple((v, p - 1 if v == variable else p) for v, p in m if v != variable or power > 1)
        if rest in place and single in place:
            return place[rest], place[single]
    raise KeyError(m)
