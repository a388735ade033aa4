"""Rows of the stored columns as a dense matrix, for predictions and leverages, block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gramian.linalg.columns import Columns, Layout
from gramian.linalg.products import ColumnGroup, cell_index
from gramian.typing import Matrix


def stored_rows(columns: Columns, layout: Layout, groups: Sequence[ColumnGroup], sizes: Mapping[str, int]) -> Matrix:
    """Values (n, q) of the stored columns in `groups`, in the order of their positions.

    Parameters
    ----------
    columns : Columns
        The block.
    layout : Layout
        Its monomials.
    groups : sequence of ColumnGroup
        The columns.
    sizes : mapping
        Factor -> number of levels that its codes refer to.
    """
    width = sum(len(g.positions) for g in groups)
    place = {m: i for i, m in enumerate((*layout.rows, *layout.extra))}
    out = np.zeros((columns.rows, width))
    for group in groups:
        if group.factors:
            codes = np.column_stack([columns.codes[f] for f in group.factors])
            cell = cell_index(group.cells, codes, [sizes[f] for f in group.factors])
            rows = np.flatnonzero(cell >= 0)
            for k, m in enumerate(group.monomials):
                out[rows, group.at(k)[cell[rows]]] = columns.value(place[m])[rows]
        else:
            for position, m in zip(group.positions, group.monomials, strict=True):
                out[:, position] = columns.value(place[m])
    return out
