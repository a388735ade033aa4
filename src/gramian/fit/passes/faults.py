"""What a pass says of rows that it cannot use."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from gramian.errors import DataError, NumericalError
from gramian.linalg.columns import Columns, Layout


def refuse_row(row: int, name: str, where: str) -> NoReturn:
    """A row that is not finite, where rows may not be dropped."""
    raise DataError(f"row {row}: '{name}' is not finite (na=\"drop\" leaves such rows out)", where)


def overflow(columns: Columns, layout: Layout, where: str) -> NoReturn:
    """Finite values whose products are not."""
    sizes = {}
    for position, m in enumerate((*layout.rows, *layout.extra)):
        sizes[m] = float(np.abs(columns.value(position)).max())
    worst = max(sizes, key=lambda m: sizes[m])
    name = " * ".join(f"{v.lstrip('~')}^{p}" if p > 1 else v.lstrip("~") for v, p in worst)
    raise NumericalError(
        f"{where}: squares of '{name}' overflow (values up to {sizes[worst]:.3g} after scaling); rescale the column"
    )
