"""Counts of dropped rows, which every result has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from gramian.formula.dropped_rows import DroppedRows


class HasDroppedRows(ABC):
    """Base of results that count the rows that did not enter them."""

    __slots__ = ()

    @property
    @abstractmethod
    def _dropped(self) -> DroppedRows: ...

    @property
    @abstractmethod
    def rows(self) -> int:
        """Number of rows that entered."""

    @property
    def dropped_rows(self) -> Mapping[str, int]:
        """Number of rows that did not enter the fit, by cause.

        Returns
        -------
        mapping of str to int
            Each dropped row is counted once, under the first cause that was met.
        """
        return self._dropped.by_cause

    @property
    def missing(self) -> Mapping[str, int]:
        """Number of dropped rows by the column that was missing or had no valid value.

        Returns
        -------
        mapping of str to int
            A row with several such columns is counted for each of them.
        """
        return self._dropped.by_column
