"""GramData: the content of a Gram; a design, its moments, dropped rows, and the inputs that were read."""

from __future__ import annotations

from dataclasses import dataclass

from gramian.fit.gram.clusters import StoredClusters
from gramian.fit.gram.group_sums import GroupSums
from gramian.fit.gram.moments import AnyMoments
from gramian.fit.gram.provenance import Provenance
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.schema import Schema


@dataclass(frozen=True, slots=True, eq=False)
class GramData:
    """The sums of one pass, or of several that were added or subtracted.

    Attributes
    ----------
    design : Design
        The stored terms, with the levels and coordinates of the moments.
    schema : Schema
        The columns that were read.
    moments : Moments or ExactMoments
        Sums of products of the stored columns over all rows.
    dropped_rows : DroppedRows
        Rows that did not enter, by cause and by column.
    provenance : Provenance
        The inputs that were read.
    group_sums : GroupSums or None
        Sums of every fold or group, which add up to `moments`; None without folds or groups.
    clusters : StoredClusters or None
        Products by cluster; None without clusters.
    """

    design: Design
    schema: Schema
    moments: AnyMoments
    dropped_rows: DroppedRows
    provenance: Provenance
    group_sums: GroupSums | None = None
    clusters: StoredClusters | None = None
