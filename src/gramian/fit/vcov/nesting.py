"""Absorbed factors that are nested in clusters: every level has rows in one cluster only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gramian.fit.vcov.clusters import Clusters
from gramian.typing import Codes

NONE, MIXED = -1, -2  # in place of a cluster: no rows yet; not nested


@dataclass(frozen=True, slots=True)
class Nesting:
    """In which clusters the levels of absorbed factors have rows.

    Attributes
    ----------
    owner : mapping
        Factor -> (levels, columns of clusters): the number of a cluster that has, in this column, the value that all
        rows of the level have; NONE without rows. A column of the array is all MIXED once the rows of any level have
        several values: the factor is not nested in it, and no further rows change that.
    """

    owner: Mapping[str, Codes]

    @classmethod
    def empty(cls, sizes: Mapping[str, int], columns: int) -> Nesting:
        """Without rows. sizes : factor -> number of levels."""
        return cls({factor: np.full((size, columns), NONE) for factor, size in sizes.items()})

    def add(self, clusters: Clusters, codes: Mapping[str, Codes], group: Codes) -> None:
        """Add rows in place. codes : factor -> (n,) levels of the rows. group : (n,) numbers of their clusters."""
        for factor, owner in self.owner.items():
            for k, owners in enumerate(owner.T):
                if len(owners) and owners[0] == MIXED:
                    continue
                level, value = codes[factor], clusters.cells[:, k]
                unowned = owners[level] == NONE
                # of several rows of a level any may be the owner: the next line compares them all with it
                owners[level[unowned]] = group[unowned]
                if (value[owners[level]] != value[group]).any():
                    owners[:] = MIXED

    def renumbered(self, numbers: Codes) -> Nesting:
        """With other numbers of clusters: number i becomes numbers[i]."""
        return Nesting({f: np.where(o < 0, o, np.append(numbers, NONE)[o]) for f, o in self.owner.items()})

    def merged(self, other: Nesting, clusters: Clusters) -> Nesting:
        """Of the rows of both, which have the numbers of `clusters`."""
        return Nesting({f: _merged(o, other.owner[f], clusters) for f, o in self.owner.items()})

    def nested(self, columns: Sequence[int]) -> tuple[str, ...]:
        """Factors that are nested in at least one of the columns."""
        return tuple(f for f, o in self.owner.items() if (o[:, list(columns)] != MIXED).all(axis=0).any())


def _merged(first: Codes, second: Codes, clusters: Clusters) -> Codes:
    """`Nesting.merged` for one factor."""
    out = np.where(first == NONE, second, first)
    for k in range(out.shape[1]):
        value, both = clusters.cells[:, k], (first[:, k] >= 0) & (second[:, k] >= 0)
        differ = (value[first[both, k]] != value[second[both, k]]).any()
        if differ or min(first[:, k].min(initial=NONE), second[:, k].min(initial=NONE)) == MIXED:
            out[:, k] = MIXED
    return np.asarray(out)
