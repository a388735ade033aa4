"""Dense rows that take the place of the stored columns: demeaned ones, or those of an orthonormal basis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gramian.linalg.columns import Columns, Layout
from gramian.typing import Matrix


class DenseRows(Protocol):
    """What computes them, block by block."""

    @property
    def width(self) -> int:
        """Number of columns."""

    def rows(self, columns: Columns, layout: Layout, sizes: Mapping[str, int]) -> Matrix:
        """The rows of a block, (n, width). sizes : factor -> levels."""
