"""Products of all stored columns by cluster, from which every sub-model has CR0, CR1 and CR3 without the data.

They add by name: clusters and columns that one part does not have are zero there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from gramian.errors import NumericalError
from gramian.fit.vcov.clusters import Clusters, added
from gramian.formula.coordinates import Parametrization
from gramian.linalg import maps
from gramian.linalg.monomials import Monomial
from gramian.linalg.products import ColumnGroup
from gramian.linalg.subspace import dense
from gramian.typing import Distinct, Level, Matrix, Vector

WEIGHT = ""  # the weight as a variable
Label = tuple[tuple[tuple[str, Level], ...], Monomial]  # a stored column: a cell of levels times a monomial


@dataclass(frozen=True, slots=True)
class ClusterMoments:
    """Weighted products of stored columns, one matrix for each cluster.

    Attributes
    ----------
    clusters : Clusters
        The c clusters.
    labels : tuple of Label
        The q stored columns, the outcome among them.
    products : Matrix
        (c, q, q).
    counts : Vector
        (c,) rows of each cluster.
    rows : int
        Number of rows, those without a cluster included.
    loss : float
        Their residual sum of squares, or deviance; 0 where the coefficients were not known.
    null_clusters : int
        Number of rows whose cluster is null.
    """

    clusters: Clusters
    labels: Annotated[tuple[Label, ...], Distinct("stored columns that differ")]
    products: Matrix
    counts: Vector
    rows: int
    loss: float
    null_clusters: int

    def __add__(self, other: ClusterMoments, /) -> ClusterMoments:
        clusters, positions = self.clusters.merged(other.clusters)
        labels = tuple(dict.fromkeys((*self.labels, *other.labels)))
        return ClusterMoments(
            clusters,
            labels,
            added(self.select(labels), other.select(labels), clusters.count, positions),
            added(self.counts, other.counts, clusters.count, positions),
            self.rows + other.rows,
            self.loss + other.loss,
            self.null_clusters + other.null_clusters,
        )

    def select(self, labels: Sequence[Label]) -> Matrix:
        """The products of these columns, in this order; zero for a column that no row has."""
        if tuple(labels) == self.labels:
            return self.products
        position = {label: i for i, label in enumerate(self.labels)}
        pairs = [(i, position[label]) for i, label in enumerate(labels) if label in position]
        products = np.zeros((len(self.products), len(labels), len(labels)))
        targets, sources = np.array([k[0] for k in pairs], np.int64), np.array([k[1] for k in pairs], np.int64)
        products[:, targets[:, None], targets] = self.products[:, sources[:, None], sources]
        return products


def solved_by_cluster(
    cluster_moments: ClusterMoments,
    parametrization: Parametrization,
    names: Mapping[str, tuple[Level, ...]],
    *,
    outcome_is_residual: bool = False,
    twice: bool = False,
) -> tuple[Matrix, Matrix]:
    """Products (c, p, p) by cluster of the columns that a model solves for, and those with its outcome, (c, p).

    Parameters
    ----------
    cluster_moments : ClusterMoments
        Of the stored columns of the model, or of more.
    parametrization : Parametrization
        Of the model.
    names : mapping
        Factor -> levels, in the order of the codes in `parametrization`.
    outcome_is_residual : bool
        Whether the outcome is a residual, which is not in the coordinates of the model's outcome.
    twice : bool
        Whether every column is there once more, times the weight; then the products are (c, 2p, 2p), these last.

    Raises
    ------
    NumericalError
        Where a column was not stored.
    """
    labels = labels_of(parametrization.groups, names)
    unstored = {m for _, m in labels} - {m for _, m in cluster_moments.labels}
    if unstored:
        raise NumericalError(f"the clusters keep no products of {', '.join(map(_format_monomial, unstored))}")
    P = cluster_moments.select((*labels, *times_weight(labels)) if twice else labels)
    both = 1 + twice
    if parametrization.subspace is not None:
        K = dense([maps.sparse(c) for c in parametrization.subspace], len(labels))
        # the map of the outcome undoes its coordinates, which a residual does not have
        if outcome_is_residual:
            K[:, -1] = np.eye(len(labels))[-1]
        K = np.asarray(np.kron(np.eye(both), K))
        P = K.T @ P @ K
    width = P.shape[1] // both
    at = np.delete(np.arange(P.shape[1]), [(i + 1) * width - 1 for i in range(both)])
    return (P[:, :-1, :-1], P[:, :-1, -1]) if not twice else (P[:, at[:, None], at], P[:, at, width - 1])


def times_weight(labels: Sequence[Label]) -> tuple[Label, ...]:
    """The same columns times the weight, which no column of the data can be named as."""
    return tuple([(cell, (*monomial, (WEIGHT, 1))) for cell, monomial in labels])


def scores_by_cluster(products: Matrix, cross: Matrix, b: Vector, scale: float) -> Matrix:
    """Scores (c, p) at the coefficients b (p,) of the columns that were solved for: X_g'y_g - X_g'X_g b.

    scale : of the outcome of the solve. The difference cancels: of R^2 near 1 it loses about log10(1 / (1 - R^2))
    digits, which residuals of a second pass do not.
    """
    return np.asarray((cross - products @ b) * scale)


def labels_of(groups: Sequence[ColumnGroup], names: Mapping[str, tuple[Level, ...]]) -> tuple[Label, ...]:
    """Stored columns by the names of their levels, in the order of their positions."""
    labels: dict[int, Label] = {}
    for group in groups:
        cells = [
            tuple((f, names[f][c]) for f, c in zip(group.factors, cell, strict=True)) for cell in group.cells.tolist()
        ]
        for k, m in enumerate(group.monomials):
            labels |= {int(p): (cell, m) for p, cell in zip(group.at(k), cells, strict=True)}
    return tuple(labels[p] for p in range(len(labels)))


def _format_monomial(m: Monomial) -> str:
    """A product of powers for messages, such as "x^2 * z"."""
    return " * ".join(f"{v.lstrip('~')}^{p}" if p > 1 else v.lstrip("~") for v, p in m) or "the constant"
