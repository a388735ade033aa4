"""What a Gram holds: a design, the moments of its stored columns, the rows left out, what was read."""

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
    """The sums of one pass, or of several added and taken away.

    design : its terms are the stored ones, its levels those of the moments. schema : the columns that were read.
    apart : the sums of every fold or group, whose sum the moments are. clusters : products by cluster. None for none.
    """

    design: Design
    schema: Schema
    moments: AnyMoments
    dropped_rows: DroppedRows
    provenance: Provenance
    group_sums: GroupSums | None = None
    clusters: StoredClusters | None = None
