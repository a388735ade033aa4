"""Leverages: x'Vx for every row, without writing the columns of factors out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gramian.linalg.columns import Columns, Layout
from gramian.linalg.monomials import Monomial
from gramian.linalg.products import ColumnGroup, cell_index
from gramian.typing import Codes, Matrix, Vector


class _Active(NamedTuple):
    """The one column of a group that a row is in: its position (n,) and its value (n,), zero where there is none."""

    position: Codes
    value: Vector


def quadratic_form(
    columns: Columns, layout: Layout, groups: Sequence[ColumnGroup], sizes: Mapping[str, int], V: Matrix
) -> Vector:
    """x'Vx (n,) for the stored columns x in `groups`, V (q, q) symmetric, in the order of their positions.

    Of a factor's columns each row has one that is not zero, so a row costs (numbers + factors)^2, whatever the levels.
    """
    place = {m: i for i, m in enumerate((*layout.rows, *layout.extra))}
    dense = [(p, place[m]) for g in groups if not g.factors for p, m in zip(g.positions, g.monomials, strict=True)]
    at = np.array([p for p, _ in dense], np.int64)
    D = np.stack([columns.value(i) for _, i in dense]) if dense else np.zeros((0, columns.rows))
    out = np.einsum("ij,ij->j", np.dot(V[np.ix_(at, at)], D), D)
    active = [a for g in groups if g.factors for a in _active(columns, g, place, sizes)]
    for k, (position, value) in enumerate(active):
        out += value**2 * V[position, position]
        out += 2.0 * value * np.einsum("ij,ij->j", V[at][:, position], D)
        for other, factor in active[:k]:
            out += 2.0 * value * factor * V[position, other]
    return np.asarray(out)


def _active(
    columns: Columns, group: ColumnGroup, place: Mapping[Monomial, int], sizes: Mapping[str, int]
) -> list[_Active]:
    codes = np.column_stack([columns.codes[f] for f in group.factors])
    cell = cell_index(group.cells, codes, [sizes[f] for f in group.factors])
    present = cell >= 0
    return [
        _Active(np.where(present, group.at(k)[cell], 0), np.where(present, columns.value(place[m]), 0.0))
        for k, m in enumerate(group.monomials)
    ]
