"""Products of stored columns within every group of rows: what panels and mixed models are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gramian.column import raw
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.vcov.cluster_moments import Label, labels_of
from gramian.fit.vcov.clusters import Clusters, added
from gramian.formula.coordinates import Parametrization
from gramian.linalg import maps
from gramian.linalg.subspace import dense
from gramian.typing import Codes, Level, Matrix, Vector


@dataclass(frozen=True, slots=True)
class ProductsByGroup:
    """Weighted products of some stored columns with all of them, one matrix for each of c groups; they add.

    Attributes
    ----------
    clusters : Clusters
        The groups.
    left, right : tuple of Label
        The l columns whose products are kept, and the r columns that these are products with, the outcome among them.
    products : ndarray of shape (c, l, r)
        The products.
    counts : ndarray of shape (c,)
        Rows of each group.
    """

    clusters: Clusters
    left: tuple[Label, ...]
    right: tuple[Label, ...]
    products: Matrix
    counts: Vector

    def __add__(self, other: ProductsByGroup, /) -> ProductsByGroup:
        clusters, positions = self.clusters.merged(other.clusters)
        left, right = (tuple(dict.fromkeys((*a, *b))) for a, b in ((self.left, other.left), (self.right, other.right)))
        return ProductsByGroup(
            clusters,
            left,
            right,
            added(self.select(left, right), other.select(left, right), clusters.count, positions),
            added(self.counts, other.counts, clusters.count, positions),
        )

    def select(self, left: Sequence[Label], right: Sequence[Label]) -> Matrix:
        """The products of these columns, in this order; zero for a column that no row has."""
        if tuple(left) == self.left and tuple(right) == self.right:
            return self.products
        out = np.zeros((len(self.products), len(left), len(right)))
        (to_rows, from_rows), (to_columns, from_columns) = _matched(left, self.left), _matched(right, self.right)
        out[:, to_rows[:, None], to_columns] = self.products[:, from_rows[:, None], from_columns]
        return out

    def products_of(self, left: SolvedColumns, right: SolvedColumns) -> Matrix:
        """Products (c, p, r) of the columns that two models solve for; those of the left without the outcome."""
        P = self.select(left.labels[:-1], right.labels)
        if right.combinations is not None:
            P = P @ right.combinations
        if left.combinations is not None:
            P = left.combinations[:-1, :-1].T @ P
        return P

    def take(self, positions: Codes) -> ProductsByGroup:
        """The groups at some positions."""
        return replace(
            self,
            clusters=self.clusters.take(positions),
            products=self.products[positions],
            counts=self.counts[positions],
        )

    def values(self) -> tuple[Any, ...]:
        """Values (c,) of each column that makes the groups, as Arrow arrays."""
        pairs = zip(self.clusters.names, self.clusters.cells.T, strict=True)
        return tuple(values.take(pa.array(codes)) for values, codes in pairs)

    def by_value(self) -> Codes:
        """Positions of the groups that have rows, in the order of their values, whatever that of the rows is."""
        order = np.flatnonzero(self.counts > 0)
        for values, codes in reversed(list(zip(self.clusters.names, self.clusters.cells.T, strict=True))):
            rank = np.empty(len(values), np.int64)
            rank[raw(pc.sort_indices(values)).astype(np.int64)] = np.arange(len(values))
            order = order[np.argsort(rank[codes[order]], kind="stable")]
        return order


@dataclass(frozen=True, slots=True)
class PanelSums:
    """Partial result of the pass; partial results add.

    Attributes
    ----------
    groups : ProductsByGroup
        Products within the groups.
    total : Accumulated
        The moments of all rows, and the dropped rows.
    """

    groups: ProductsByGroup
    total: Accumulated

    def __add__(self, other: PanelSums, /) -> PanelSums:
        return PanelSums(self.groups + other.groups, self.total + other.total)


@dataclass(frozen=True, slots=True)
class SolvedColumns:
    """The columns that a model solves for, the outcome last, as combinations of stored ones.

    Attributes
    ----------
    labels : tuple of Label
        The q stored columns.
    combinations : ndarray of shape (q, p + 1) or None
        Each column; None where they are the stored columns themselves.
    """

    labels: tuple[Label, ...]
    combinations: Matrix | None


def solved_columns(parametrization: Parametrization, names: Mapping[str, tuple[Level, ...]]) -> SolvedColumns:
    """The columns of a parametrization. names : factor -> levels, in the order of its codes."""
    labels = labels_of(parametrization.groups, names)
    if parametrization.subspace is None:
        return SolvedColumns(labels, None)
    return SolvedColumns(labels, dense([maps.sparse(c) for c in parametrization.subspace], len(labels)))


def _matched(requested: Sequence[Label], stored: Sequence[Label]) -> tuple[Codes, Codes]:
    """Positions of requested columns that are stored, and where these are."""
    position = {label: i for i, label in enumerate(stored)}
    pairs = [(i, position[label]) for i, label in enumerate(requested) if label in position]
    return np.array([i for i, _ in pairs], np.int64), np.array([j for _, j in pairs], np.int64)
