"""The wild cluster bootstrap of several linear hypotheses at once, from sums by cluster.

As in `gramian.inference.draws.wild`, with H = A^-1 R' of m columns: under R b = r the estimate is b - H x, where
x = (R A^-1 R')^-1 (R b - r), and the statistic is W = (R b* - r)' (R V* R')^-1 (R b* - r).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gramian.typing import Matrix, Vector

SINGULAR = 1e-12  # smallest eigenvalue, in units of the trace, of a covariance that has an inverse


@dataclass(frozen=True, slots=True)
class JointSums:
    """What m hypotheses need of c clusters and p columns.

    Attributes
    ----------
    scores : Matrix
        (c, p) at the estimate.
    products : Matrix
        (c, p, p).
    H : Matrix
        (p, m) A^-1 R'.
    inverse : Matrix
        (p, p) A^-1.
    distance : Vector
        (m,) R b - r.
    """

    scores: Matrix
    products: Matrix
    H: Matrix
    inverse: Matrix
    distance: Vector

    def statistic(self) -> float:
        """W of the estimate, without a small-sample factor; infinite where its covariance is singular."""
        half = self.scores @ self.H
        return float(_wald(self.distance[None], (half.T @ half)[None])[0])


def joint_draws(sums: JointSums, weights: Iterable[Matrix], scale: Matrix, *, restricted: bool) -> Vector:
    """W of the draws (d,) of all weights (c, d), without a small-sample factor; infinite where there is none.

    scale : (m, m) R A^-1 R'. restricted : whether residuals are those under the hypotheses.
    """
    pull = sums.products @ sums.H  # (c, p, m)
    scores = sums.scores + pull @ np.linalg.solve(scale, sums.distance) if restricted else sums.scores
    return np.concatenate([_draw(sums, scores, pull, v) for v in weights])


def _draw(sums: JointSums, scores: Matrix, pull: Matrix, v: Matrix) -> Vector:
    """W of some draws (c, d)."""
    c, p, m = pull.shape
    changes = sums.inverse @ (scores.T @ v)  # (p, d)
    own = (scores @ sums.H)[:, :, None] * v[:, None, :]  # (c, m, d)
    own -= (np.swapaxes(pull, 1, 2).reshape(c * m, p) @ changes).reshape(c, m, -1)
    rows = np.ascontiguousarray(own.transpose(2, 0, 1))
    return _wald(((scores @ sums.H).T @ v).T, np.swapaxes(rows, 1, 2) @ rows)


def _wald(distance: Matrix, covariance: Matrix) -> Vector:
    """x' V^-1 x, (d,), of distances (d, m) and covariances (d, m, m); infinite where V is singular."""
    values, vectors = np.linalg.eigh(covariance)
    along = np.square(np.swapaxes(vectors, 1, 2) @ distance[:, :, None])[:, :, 0]
    floor = SINGULAR * values.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (along / np.where(values > floor, values, 0.0)).sum(axis=1)
    return np.where(np.isnan(found), 0.0, found)  # no change and no error: the draw says nothing
