"""Leverages x'Vx of all rows of a block, without writing out the indicator columns of factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gramian.linalg.columns import Columns, Layout
from gramian.linalg.monomials import Monomial
from gramian.linalg.products import ColumnGroup, cell_index
from gramian.typing import Codes, Matrix, Vector


class _Active(NamedTuple):
    """For each row the one column of a group that is not zero in it.

    Attributes
    ----------
    position : (n,)
        Position of the column.
    value : (n,)
        Value of the column, zero where the row is in none.
    """

    position: Codes
    value: Vector


def quadratic_form(
    columns: Columns, layout: Layout, groups: Sequence[ColumnGroup], sizes: Mapping[str, int], V: Matrix
) -> Vector:
    """x'Vx, (n,), for the stored columns x in `groups`.

    Parameters
    ----------
    columns : Columns
        The block.
    layout : Layout
        Its monomials.
    groups : sequence of ColumnGroup
        The columns of x, which define the order of V.
    sizes : mapping
        Factor -> number of levels.
    V : (q, q)
        Symmetric.

    Notes
    -----
    Of the columns of a factor each row has one that is not zero, so a row costs (numeric columns + factors)^2
    multiplications, independent of the numbers of levels.
    """
    place = {m: i for i, m in enumerate((*layout.rows, *layout.extra))}
    dense = [(p, place[m]) for g in groups if not g.factors for p, m in zip(g.positions, g.monomials, strict=True)]
    at = np.array([p for p, _ in dense], np.int64)
    D = np.stack([columns.value(i) for _, i in dense]) if dense else np.zeros((0, columns.rows))
    out = np.einsum("ij,ij->j", np.dot(V[np.ix_(at, at)], D), D)
    active = [a for g in groups if g.factors for a in _active(columns, g, place, sizes)]
    for k, (position, value) in enumerate(active):
        out += value**2 * V[position, position]
        # V is symmetric, so every pair of different columns counts twice.
        out += 2.0 * value * np.einsum("ij,ij->j", V[at][:, position], D)
        for other, factor in active[:k]:
            out += 2.0 * value * factor * V[position, other]
    return np.asarray(out)


def _active(
    columns: Columns, group: ColumnGroup, place: Mapping[Monomial, int], sizes: Mapping[str, int]
) -> list[_Active]:
    """The active column of each row, for each monomial of a group."""
    codes = np.column_stack([columns.codes[f] for f in group.factors])
    cell = cell_index(group.cells, codes, [sizes[f] for f in group.factors])
    present = cell >= 0
    return [
        _Active(np.where(present, group.at(k)[cell], 0), np.where(present, columns.value(place[m]), 0.0))
        for k, m in enumerate(group.monomials)
    ]
