"""What is known of stored sums: their formula, rows, columns, inputs, folds, groups and clusters."""

from __future__ import annotations

from gramian.fit.gram.provenance import ReadInput
from gramian.fit.gram.sums import GramData
from gramian.formula.dropped_rows import DroppedRows
from gramian.linalg.exact.moments import ExactMoments
from gramian.linalg.keyed.moments import Key
from gramian.results.dropped_rows import HasDroppedRows
from gramian.typing import Level


class StoredSums(HasDroppedRows):
    """Base of `Gram`: facts about its sums."""

    __slots__ = ()

    gram_data: GramData

    @property
    def _dropped(self) -> DroppedRows:
        return self.gram_data.dropped_rows

    @property
    def formula(self) -> str:
        """The formula whose terms are stored."""
        return self.gram_data.design.formula

    @property
    def rows(self) -> int:
        """Number of rows that entered; with frequency weights their sum."""
        return self.gram_data.moments.rows

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data that a formula may name."""
        return self.gram_data.schema.names

    @property
    def inputs(self) -> tuple[ReadInput, ...]:
        """Inputs that were read: files by path, data in memory by the digest of their sums."""
        return self.gram_data.provenance.inputs

    @property
    def folds(self) -> int | None:
        """Number of folds whose sums are stored, None without folds."""
        group_sums = self.gram_data.group_sums
        return None if group_sums is None else group_sums.folds

    @property
    def groups(self) -> tuple[Level | Key, ...]:
        """Keys of the groups whose sums are stored, for `ols(where=...)`; empty without groups."""
        group_sums = self.gram_data.group_sums
        return () if group_sums is None else group_sums.groups

    @property
    def by(self) -> tuple[str, ...]:
        """Columns that make the groups; empty without groups."""
        group_sums = self.gram_data.group_sums
        return () if group_sums is None else group_sums.by

    @property
    def cluster(self) -> tuple[str, ...]:
        """Columns by whose clusters products are stored, for cluster-robust covariances; empty without clusters."""
        return () if self.gram_data.clusters is None else self.gram_data.clusters.by

    @property
    def digest(self) -> str | None:
        """SHA-256 of exact sums, the same for the same rows in any order or number of parts; None for float64 sums."""
        moments = self.gram_data.moments
        return moments.digest if isinstance(moments, ExactMoments) else None
