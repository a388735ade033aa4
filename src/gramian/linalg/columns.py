"""Stored columns, and their values in a block of rows.

A stored column is the indicator of a cell of factors times a monomial in shifted variables. Only monomials are written
out, one contiguous row of a buffer each; factors stay vectors of codes, never one-hot matrices.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Annotated, Any, TypeAlias

import numpy as np

from gramian.linalg.monomials import CONSTANT, Monomial, times
from gramian.linalg.self_products import MAX_COMPILED_WIDTH, products_of_parts, self_products
from gramian.typing import Codes, Distinct, Mask, Matrix, Vector

Factors = tuple[str, ...]  # sorted labels; () is "no factor"
Monomials: TypeAlias = Annotated[tuple[Monomial, ...], Distinct("monomials that differ")]


@dataclass(frozen=True)
class Layout:
    """Which sums of products a pass accumulates.

    Attributes
    ----------
    dense : tuple of monomials
        Monomials of the dense block, the constant first; all products of two of them are summed.
    responses : tuple of str
        Response variables, further rows of the dense block.
    tables : tuple of (factors, monomials)
        Monomials that are summed over the cells of these factors; a response r appears as the monomial r^1.
    """

    dense: Monomials
    responses: tuple[str, ...]
    tables: tuple[tuple[Factors, Monomials], ...]

    @cached_property
    def rows(self) -> tuple[Monomial, ...]:
        """Monomials of the dense block followed by the responses, (m,) in the order of the products."""
        return (*self.dense, *(((name, 1),) for name in self.responses))

    @property
    def variables(self) -> frozenset[str]:
        """The variables of which it has powers or products."""
        return frozenset(v for m in (*self.rows, *self.extra) for v, _ in m)

    @cached_property
    def extra(self) -> tuple[Monomial, ...]:
        """Monomials that only the tables need, by degree."""
        dense_rows = set(self.rows)
        needed = {m: None for _, monomials in self.tables for m in monomials if m not in dense_rows}
        return tuple(sorted(needed, key=lambda m: (sum(p for _, p in m), m)))


def layout(blocks: Mapping[Factors, list[Monomial]], responses: tuple[str, ...]) -> Layout:
    """The sums from which every product of two stored columns can be read.

    Parameters
    ----------
    blocks : mapping
        Factors -> monomials stored in each cell of these factors, closed downwards (with m all that divide it); () is
        the dense block.
    responses : tuple of str
        Names of the response variables.

    Notes
    -----
    The product of a column in a cell of F and one in a cell of G is summed over the cells of the union of F and G.
    """
    outcome: list[Monomial] = [((name, 1),) for name in responses]
    tables: dict[Factors, dict[Monomial, None]] = {}
    all_blocks = {(): [*blocks.get((), [CONSTANT]), *outcome], **{f: m for f, m in blocks.items() if f}}
    for left, a in all_blocks.items():
        for right, b in all_blocks.items():
            union = tuple(sorted({*left, *right}))
            if union:
                tables.setdefault(union, {}).update({times(m, n): None for m in a for n in b})
    dense = tuple(blocks.get((), [CONSTANT]))
    return Layout(dense, responses, tuple((f, tuple(m)) for f, m in sorted(tables.items())))


@dataclass(frozen=True, slots=True)
class Columns:
    """A block of n rows: the values of every monomial, and the codes of every factor.

    Attributes
    ----------
    rows : int
        Number of rows n.
    buffer : (d, n)
        Monomials of the dense block that were written, one contiguous row each; may be overwritten.
    buffer_positions : tuple of d int
        Their positions in the dense block.
    matrix : (n, k) or None
        Rows of the caller's own memory, read in place and never written.
    matrix_positions : tuple of k int
        Positions of its columns in the dense block.
    extra : (e, n)
        Monomials that only the tables need.
    codes : mapping
        Factor -> (n,) codes of its levels.
    products_with_response : tuple
        Rows (buffer, then extra) that are products of two others, one of them with the response.
    workspace : (d + e, n) or None
        Memory for the rows times roots of weights; None: they are weighted in place.
    """

    rows: int
    buffer: Matrix
    buffer_positions: tuple[int, ...]
    matrix: Matrix | None
    matrix_positions: tuple[int, ...]
    extra: Matrix
    codes: Mapping[str, Codes]
    products_with_response: tuple[tuple[int, tuple[int, int]], ...] = ()
    workspace: Matrix | None = None

    def set_response(self, values: Vector | float) -> None:
        """Replace the response, the last row of the buffer, and recompute the products with it."""
        self.buffer[-1] = values
        for product_row, (left, right) in self.products_with_response:
            np.multiply(self._row(left), self._row(right), out=self._row(product_row))

    def _row(self, index: int) -> Vector:
        """One row of the buffer followed by the extra monomials."""
        width = len(self.buffer)
        return np.asarray(self.buffer[index] if index < width else self.extra[index - width])

    def value(self, position: int) -> Vector:
        """Values (n,) of one monomial, by its position in the dense block followed by the extra ones."""
        width = len(self.buffer_positions) + len(self.matrix_positions)
        if position >= width:
            return np.asarray(self.extra[position - width])
        # Positions are rising; columns of the caller's matrix are interspersed.
        row = bisect_left(self.buffer_positions, position)
        if row < len(self.buffer_positions) and self.buffer_positions[row] == position:
            return np.asarray(self.buffer[row])
        assert self.matrix is not None
        return np.asarray(self.matrix[:, self.matrix_positions.index(position)])

    def surely_finite(self) -> bool:
        """Whether the sums of all monomials are finite; False also where finite values overflow in the sum."""
        total = np.add.reduce(self.buffer, axis=None) + np.add.reduce(self.extra, axis=None)
        return bool(np.isfinite(total)) and (self.matrix is None or bool(np.isfinite(self.matrix).all()))

    def finite(self) -> Mask:
        """Mask (n,) of the rows in which every monomial is finite."""
        good = np.logical_and(np.isfinite(self.buffer).all(axis=0), np.isfinite(self.extra).all(axis=0))
        return np.asarray(good) if self.matrix is None else np.logical_and(good, np.isfinite(self.matrix).all(axis=1))

    def take(self, mask: Mask) -> Columns:
        """The rows that `mask` marks, copied."""
        return Columns(
            int(np.count_nonzero(mask)),
            np.ascontiguousarray(self.buffer[:, mask]),
            self.buffer_positions,
            None if self.matrix is None else self.matrix[mask],
            self.matrix_positions,
            np.ascontiguousarray(self.extra[:, mask]),
            {name: codes[mask] for name, codes in self.codes.items()},
            self.products_with_response,
        )

    def products(self) -> Matrix:
        """Symmetric products (m, m) of the dense block over the rows."""
        width = len(self.buffer_positions) + len(self.matrix_positions)
        out = np.zeros((width, width))
        self._add_products(self._parts(None), out)
        return out

    def add_products(self, out: Matrix, scratch: Matrix | None) -> bool:
        """Add the products to out : (m, m); False, with nothing added, where a value is not finite.

        Those of more than `MAX_COMPILED_WIDTH` columns may reach its upper triangle only: in the end `mirror_upper`.
        scratch : (d, d) or (k, k), memory for the products of the wider part; None to allocate it.
        """
        if max(len(self.buffer_positions), len(self.matrix_positions)) > MAX_COMPILED_WIDTH:
            return self._add_wide_products(out)
        parts = self._parts(scratch)
        # A NaN or infinity anywhere in a column reaches the diagonal, so m numbers are tested in place of n m.
        if not all(np.isfinite(block.diagonal().sum()) for rows, columns, block in parts if rows is columns):
            return False
        if len(parts) == 1:
            out += parts[0][2]
        else:
            self._add_products(parts, out)
        return True

    def _add_wide_products(self, out: Matrix) -> bool:
        """As `add_products`, in place where the columns are consecutive."""
        from gramian.linalg.symmetric_update import add_to_upper

        parts = [(self.buffer_positions, self.buffer.T)]
        if self.matrix is not None:
            parts.append((self.matrix_positions, self.matrix))
        # sums of squares bound all products, so if they are finite nothing overflows
        if not all(np.isfinite(np.einsum("ij,ij->j", A, A)).all() for _, A in parts):
            return False
        for positions, A in parts:
            at = grid(positions, positions)
            if not (isinstance(at[0], slice) and add_to_upper(A, out[at])):
                out[at] += self_products(A)
        if self.matrix is not None:
            (a, buffer), (b, matrix) = parts
            self._add_products([(a, b, np.dot(buffer.T, matrix))], out)
        return True

    def _parts(self, scratch: Matrix | None) -> list[tuple[tuple[int, ...], tuple[int, ...], Matrix]]:
        """Blocks of the products, with the positions of their rows and columns."""
        a, b = self.buffer_positions, self.matrix_positions
        if self.matrix is None:
            return [(a, a, self_products(self.buffer.T, scratch))]
        sources = self.buffer.T, self.matrix
        whole = products_of_parts([sources[which][:, columns] for which, columns in runs(a, b)], scratch)
        if whole is not None:
            every = tuple(range(len(whole)))
            return [(every, every, whole)]
        return [
            (a, a, self_products(self.buffer.T)),
            (a, b, np.dot(self.buffer, self.matrix)),
            (b, b, self_products(self.matrix, scratch)),
        ]

    @staticmethod
    def _add_products(parts: list[tuple[tuple[int, ...], tuple[int, ...], Matrix]], out: Matrix) -> None:
        """Add blocks of the products, and the mirror images of those off the diagonal, to their places."""
        for rows, columns, block in parts:
            out[grid(rows, columns)] += block
            if rows is not columns:
                out[grid(columns, rows)] += block.T


@cache
def runs(*positions: tuple[int, ...]) -> tuple[tuple[int, slice], ...]:
    """Runs of columns that are consecutive in one of several arrays, in the order of all: the array and its columns.

    positions : for each array the positions of its columns among all.
    """
    placed = sorted((p, which, i) for which, at in enumerate(positions) for i, p in enumerate(at))
    out: list[tuple[int, slice]] = []
    for _, which, i in placed:
        if out and out[-1][0] == which and out[-1][1].stop == i:
            out[-1] = which, slice(out[-1][1].start, i + 1)
        else:
            out.append((which, slice(i, i + 1)))
    return tuple(out)


def grid(rows: Sequence[int], columns: Sequence[int]) -> Any:
    """An index of these rows and columns, by slices where both are consecutive: that is five times as fast."""
    spans = [
        slice(at[0], at[0] + len(at)) for at in (rows, columns) if tuple(at) == tuple(range(at[0], at[0] + len(at)))
    ]
    return tuple(spans) if len(spans) == 2 else np.ix_(rows, columns)
