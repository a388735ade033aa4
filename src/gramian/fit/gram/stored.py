"""Stored sums: their formula, rows, columns, inputs, folds, groups and clusters; the sums as arrays and as bytes."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from gramian.fit.gram.provenance import ReadInput
from gramian.fit.gram.sums import GramData
from gramian.formula.dropped_rows import DroppedRows
from gramian.linalg.exact.moments import ExactMoments
from gramian.linalg.keyed.moments import Key
from gramian.results.dropped_rows import HasDroppedRows
from gramian.typing import Level, Matrix, Vector

if TYPE_CHECKING:
    from gramian.fit.gram.result import Gram
    from gramian.fit.leastsquares.solution import Solved
    from gramian.fit.linear.correlation import CentredColumns
    from gramian.fit.vcov.cluster_moments import ClusterMoments
    from gramian.inference.vcov_spec import VcovSpec

KIND = "gram"


class StoredSums(HasDroppedRows):
    """Base of `Gram`: its content."""

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

    def cluster_moments(self, solved: Solved, vcov: VcovSpec) -> ClusterMoments:
        """Products by cluster of the columns of a model of this Gram, for its bootstrap."""
        from gramian.fit.gram.vcov import cluster_moments

        return cluster_moments(self.gram_data, solved, vcov)

    @property
    def digest(self) -> str | None:
        """SHA-256 of exact sums, the same for the same rows in any order or number of parts; None for float64 sums."""
        moments = self.gram_data.moments
        return moments.digest if isinstance(moments, ExactMoments) else None

    @property
    def _centred(self) -> CentredColumns:
        """The columns about their means."""
        from gramian.fit.gram.open import centred_sums  # most Grams are fitted, not opened

        return centred_sums(self.gram_data)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of `matrix` and `means`: numeric columns, every level of a factor, the outcome last."""
        return self._centred.names

    @property
    def means(self) -> Vector:
        """Weighted means, (p,), in the order of `names`."""
        return self._centred.means

    def matrix(self, *, centred: bool = True) -> Matrix:
        """Weighted sums of products of all stored columns, the outcome included: what any linear model is made of.

        Parameters
        ----------
        centred : bool
            Whether products are about the means; otherwise they are about zero.

        Returns
        -------
        ndarray of shape (p, p)
            In the order of `names`.

        Raises
        ------
        NumericalError
            Without rows.
        DataError
            Where the columns are too many for memory.

        Examples
        --------
        >>> import gramian as gm
        >>> gram = gm.gram("y ~ a", {"a": [1, 2, 3, 4], "y": [2, 4, 5, 8]})
        >>> gram.names, gram.matrix().tolist()
        (('a', 'y'), [[5.0, 9.5], [9.5, 18.75]])
        """
        columns = self._centred
        if centred:
            return columns.products
        return columns.products + float(self.gram_data.moments.weight) * np.outer(columns.means, columns.means)

    def covariance(self) -> Matrix:
        """Sample covariance of the columns, (p, p), in the order of `names`.

        The products about the means, divided by rows - 1; weights that are no frequencies are scaled to the mean 1.
        NaN for a single row.
        """
        rows, weight = self.rows, float(self.gram_data.moments.weight)
        return self._centred.products * (rows / weight / (rows - 1) if rows > 1 else np.nan)

    def group(self, key: Level | Key) -> Gram:
        """The Gram of one group's rows, of a Gram with `by`.

        Parameters
        ----------
        key : level or tuple of levels
            One of `groups`.

        Raises
        ------
        OptionError
            For a group without rows, or a Gram without groups.
        """
        return self.total([key])

    def total(self, keys: Iterable[Level | Key]) -> Gram:
        """The Gram of the rows of several groups, of a Gram with `by`.

        Parameters
        ----------
        keys : iterable of levels or tuples of levels
            Some of `groups`, each once.

        Raises
        ------
        OptionError
            For no group, a group that is named twice or has no rows, or a Gram without groups.

        Examples
        --------
        >>> import gramian as gm
        >>> data = {"a": [1, 2, 3, 4, 5, 6], "y": [2, 4, 5, 8, 9, 13], "g": ["u", "u", "v", "v", "w", "w"]}
        >>> gram = gm.gram("y ~ a", data, by="g")
        >>> gram.total(["u", "w"]).rows
        4
        """
        from gramian.fit.gram.open import total_of
        from gramian.fit.gram.result import Gram

        return Gram(total_of(self.gram_data, keys))

    def save(self, path: str | PathLike[str]) -> None:
        """Write the Gram to a file that `gramian.load` reads. Raises ArtifactError if it cannot be written."""
        from gramian.fit.gram.save import GRAM_DATA  # most fits are not saved
        from gramian.serialize import file as store

        store.save(path, KIND, *GRAM_DATA.dump(self.gram_data))

    def to_bytes(self) -> bytes:
        """The bytes of the file that `save` writes; `gramian.load` reads them, too."""
        from gramian.fit.gram.save import GRAM_DATA
        from gramian.serialize import file as store

        out = BytesIO()
        store.write(out, KIND, *GRAM_DATA.dump(self.gram_data))
        return out.getvalue()

    def summary(self) -> str:
        """Formula, rows, inputs, and the mean and standard deviation of every column, as text."""
        from gramian.fit.gram.report import text

        return text(self)

    def _repr_html_(self) -> str:
        from gramian.fit.gram.report import html

        return html(self)

    def __repr__(self) -> str:
        return f"Gram({self.formula!r}, rows={self.rows})"
