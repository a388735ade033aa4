"""What a Gram holds: a design, the moments of its stored columns, the rows left out, what was read."""

from __future__ import annotations

from dataclasses import dataclass

from gramian.fit.apart import GroupSums
from gramian.fit.ledger import Provenance
from gramian.fit.stored_clusters import StoredClusters
from gramian.fit.sums import AnyMoments
from gramian.formula.design import Design
from gramian.formula.tally import DroppedRows
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
