"""Which absorbed factors are nested in clusters: every level lies in one cluster only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gramian.fit.vcov.clusters import Clusters
from gramian.typing import Codes

NONE, MIXED = -1, -2


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
            for k, owners in enumerate(owner.T):
                if len(owners) and owners[0] == MIXED:
                    continue
                level, value = codes[factor], clusters.cells[:, k]
                unowned = owners[level] == NONE
                owners[level[unowned]] = group[unowned]
                if (value[owners[level]] != value[group]).any():
                    owners[:] = MIXED

    def renumbered(self, numbers: Codes) -> Nesting:
        """With other numbers of clusters: number i becomes place[i]."""
        return Nesting({f: np.where(o < 0, o, np.append(numbers, NONE)[o]) for f, o in self.owner.items()})

    def merged(self, other: Nesting, clusters: Clusters) -> Nesting:
        """Of the rows of both, told in the numbers of `clusters`."""
        return Nesting({f: _merged(o, other.owner[f], clusters) for f, o in self.owner.items()})

    def nested(self, columns: Sequence[int]) -> tuple[str, ...]:
        """The factors all of whose levels lie in one cluster each, by one of the columns."""
        return tuple(f for f, o in self.owner.items() if (o[:, list(columns)] != MIXED).all(axis=0).any())


def _merged(first: Codes, second: Codes, clusters: Clusters) -> Codes:
    out = np.where(first == NONE, second, first)
    for k in range(out.shape[1]):
        value, both = clusters.cells[:, k], (first[:, k] >= 0) & (second[:, k] >= 0)
        differ = (value[first[both, k]] != value[second[both, k]]).any()
        if differ or min(first[:, k].min(initial=NONE), second[:, k].min(initial=NONE)) == MIXED:
            out[:, k] = MIXED
    return np.asarray(out)
