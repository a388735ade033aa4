"""What every result tells of the rows that did not enter it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from gramian.formula.dropped_rows import DroppedRows


class HasDroppedRows(ABC):
    """Counts of rows that were left out; a kind of result says where its tally is."""

    __slots__ = ()

    @property
    @abstractmethod
    def _dropped(self) -> DroppedRows: ...

    @property
    def dropped_rows(self) -> Mapping[str, int]:
        """Rows left out by cause, each row once."""
        return self._dropped.by_cause

    @property
    def missing(self) -> Mapping[str, int]:
        """Rows left out because of a column; a row may count for several."""
        return self._dropped.by_column
