"""Which absorbed factors are nested in clusters: every level lies in one cluster only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gramian.fit.cluster_names import Clusters
from gramian.typing import Codes

NONE, SEVERAL = -1, -2


@dataclass(frozen=True, slots=True)
class Nesting:
    """Where the rows of levels are.

    owner : factor -> (levels, columns) a cluster that has the value of the level's rows in this column of clusters,
    NONE without rows; all SEVERAL where the values of any level differ.
    """

    owner: Mapping[str, Codes]

    @classmethod
    def empty(cls, sizes: Mapping[str, int], columns: int) -> Nesting:
        """No rows. sizes : factor -> levels."""
        return cls({factor: np.full((size, columns), NONE) for factor, size in sizes.items()})

    def add(self, clusters: Clusters, codes: Mapping[str, Codes], group: Codes) -> None:
        """Add rows in place, while a unit is read. codes : factor -> (n,), group : (n,) the rows' clusters."""
        for factor, owner in self.owner.items():
            for k, mine in enumerate(owner.T):
                if len(mine) and mine[0] == SEVERAL:
                    continue
                level, value = codes[factor], clusters.cells[:, k]
                fresh = mine[level] == NONE
                mine[level[fresh]] = group[fresh]
                if (value[mine[level]] != value[group]).any():
                    mine[:] = SEVERAL

    def moved(self, place: Codes) -> Nesting:
        """With other numbers of clusters: number i becomes place[i]."""
        return Nesting({f: np.where(o < 0, o, np.append(place, NONE)[o]) for f, o in self.owner.items()})

    def merged(self, other: Nesting, clusters: Clusters) -> Nesting:
        """Of the rows of both, told in the numbers of `clusters`."""
        return Nesting({f: _merged(o, other.owner[f], clusters) for f, o in self.owner.items()})

    def nested(self, columns: Sequence[int]) -> tuple[str, ...]:
        """The factors all of whose levels lie in one cluster each, by one of the columns."""
        return tuple(f for f, o in self.owner.items() if (o[:, list(columns)] != SEVERAL).all(axis=0).any())


def _merged(mine: Codes, theirs: Codes, clusters: Clusters) -> Codes:
    out = np.where(mine == NONE, theirs, mine)
    for k in range(out.shape[1]):
        value, both = clusters.cells[:, k], (mine[:, k] >= 0) & (theirs[:, k] >= 0)
        apart = (value[mine[both, k]] != value[theirs[both, k]]).any()
        if apart or min(mine[:, k].min(initial=NONE), theirs[:, k].min(initial=NONE)) == SEVERAL:
            out[:, k] = SEVERAL
    return np.asarray(out)
