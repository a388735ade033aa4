"""CR3 beside one absorbed factor: the coefficients without each cluster, with effects of the levels made anew.

With rows z less the effects of their levels, residuals e and weights w, let T, E and W be the sums of w z, w e and w
over the rows of a level that are in other clusters than g. Without g the mean of the level is T / W in place of zero,
so that X'WX becomes the sum of all z w z' less those of g, less T T' / W for each level in g; the scores likewise. A
level whose rows are all in g is gone with it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gramian.fit.passes.combined import CombinedPass
from gramian.fit.passes.job import PassRunner
from gramian.fit.vcov.cluster_moments import ClusterMoments
from gramian.fit.vcov.cluster_moments_pass import ClusterMomentsPass
from gramian.fit.vcov.cluster_scores import ClusterPass, ClusterScoreAccumulator, ClusterScores
from gramian.fit.vcov.clusters import Clusters
from gramian.fit.vcov.scores import FittedModel, Scores
from gramian.fit.vcov.within import Demeaned
from gramian.formula.row_reader import Observed
from gramian.linalg.columns import Columns
from gramian.linalg.keyed.grouped import grouped_products, grouped_sums
from gramian.typing import Codes, Mask, Matrix, Vector


class LeftOut(NamedTuple):
    """What leaving out each cluster takes from the sums.

    Attributes
    ----------
    products : Matrix
        (G, p, p) of z w z', and of the means that levels then have.
    scores : Matrix
        (G, p) of w z e, likewise.
    total : Matrix
        (p, p) X'WX of all rows.
    moments : ClusterMoments
        The clusters, and the rows and the loss of the pass.
    """

    products: Matrix
    scores: Matrix
    total: Matrix
    moments: ClusterMoments


class _CellPass(ClusterPass):
    """The pass of w z, w e and w by cluster and level; `dense` are the rows z."""

    __slots__ = ()

    @property
    def width(self) -> int:
        """Columns of z, e and 1."""
        return super().width + 2

    def accumulator(self) -> ClusterScoreAccumulator:
        """What adds the rows of a unit."""
        return _CellAccumulator(self)


class _CellAccumulator(ClusterScoreAccumulator):
    """The sums of one unit."""

    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        """Add the rows of a block, with their weights in the place of scores."""
        self.residuals_of_block = scores.r
        return super().take(columns, scores._replace(s=scores.w), count, observed, rows)

    def _write(self, columns: Columns, out: Matrix) -> None:
        """Write z, e and 1 of a block to `out` (n, q + 2)."""
        super()._write(columns, out[:, :-2])
        out[:, -2], out[:, -1] = self.residuals_of_block, 1.0


def left_out(fitted_model: FittedModel, demeaned: Demeaned, cluster: str, runner: PassRunner, limit: int) -> LeftOut:
    """The sums by cluster, from one pass over the rows of a fit with one absorbed factor.

    limit : bytes that the sums of a thread may need. Raises DataError where they do not.
    """
    (factor,) = demeaned.weight
    products = ClusterMomentsPass(
        fitted_model.design, (cluster,), limit, fitted_model=fitted_model, drop=fitted_model.drop, dense=demeaned
    )
    cells = _CellPass(fitted_model, (cluster, factor), limit, demeaned)
    sums = runner.fold(CombinedPass(products, cells))
    return _without_each(sums.first, sums.second, fitted_model.subspace)


def _without_each(moments: ClusterMoments, cells: ClusterScores, subspace: Matrix | None) -> LeftOut:
    """What leaving out each cluster takes away. subspace : (q, p) of the columns that were solved for."""
    q = moments.products.shape[1] - 1
    K = np.eye(q) if subspace is None else subspace
    P, s = K.T @ moments.products[:, :q, :q] @ K, moments.products[:, :q, q] @ K
    rest = _in_other_clusters(cells)
    stay = rest[:, -1] > 0.0
    owner = _owners(moments.clusters, cells.clusters)[stay]
    T, E, W = rest[stay, :-2] @ K, rest[stay, -2], rest[stay, -1]
    count = len(P)
    products = P + grouped_products(T / np.sqrt(W)[:, None], owner, count)
    scores = s + grouped_sums(T, E / W, owner, count)
    return LeftOut(products, scores, P.sum(axis=0), moments)


def _in_other_clusters(cells: ClusterScores) -> Matrix:
    """Of each cell the sums over the rows of its level in other clusters, (c, q + 2).

    Zero for a level that has rows in one cluster only, which a difference of sums would not be.
    """
    level = cells.clusters.by([1])
    levels = int(level.max(initial=-1)) + 1
    rest = grouped_sums(cells.sums, np.ones(len(level)), level, levels)[level] - cells.sums
    rest[np.bincount(level, minlength=levels)[level] == 1] = 0.0
    return rest


def _owners(clusters: Clusters, cells: Clusters) -> Codes:
    """The number of the cluster of each cell, (c,)."""
    codes, positions = np.unique(cells.cells[:, 0], return_inverse=True)
    _, numbers = clusters.merged(Clusters(cells.names[:1], codes[:, None]))
    return numbers[positions.reshape(-1)]
