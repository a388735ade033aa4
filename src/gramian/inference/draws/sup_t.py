"""The largest of several correlated t statistics: intervals that hold together, without more than their covariance.

With T = Z / sqrt(chi^2 / df), Z normal of the correlations, write Z = R u with a direction u of the sphere of k
dimensions: max_j T_j is m(u) R / sqrt(chi^2 / df), whose square is m(u)^2 k times an F variable of k and df degrees of
freedom. So only directions are drawn, evenly, and the rest is exact; the half-widths are right to about 3 digits.

References
----------
J. L. Montiel Olea and M. Plagborg-Moller, Simultaneous confidence bands: Theory, implementation, and an application to
SVARs, Journal of Applied Econometrics 34 (2019), 1-17.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import chdtr, fdtr, ndtri

from gramian.inference import normal
from gramian.inference.multiplicity import Adjustment, Family
from gramian.typing import Matrix, Vector

LOG2_DIRECTIONS = 13
RELATIVE_RANK = 1e-10  # smallest eigenvalue of the correlations, in units of the largest, that is not rounding
TOLERANCE = 1e-5  # of a half-width: more digits than directions give


class SupT:
    """The distribution of the largest |T_j|.

    Parameters
    ----------
    covariance : Matrix
        (m, m) of the estimates.
    """

    def __init__(self, covariance: Matrix) -> None:
        from scipy.stats.qmc import Sobol  # slow to import

        scale = 1.0 / np.sqrt(covariance.diagonal())
        values, vectors = np.linalg.eigh(covariance * scale[:, None] * scale)
        used = values > RELATIVE_RANK * values[-1]
        root = vectors[:, used] * np.sqrt(values[used])
        self.rank = int(used.sum())
        points = np.clip(Sobol(self.rank, seed=0).random_base2(LOG2_DIRECTIONS), 1e-12, 1.0 - 1e-12)
        u = ndtri(points)
        self.largest = np.abs((u / np.linalg.norm(u, axis=1, keepdims=True)) @ root.T).max(axis=1)

    def below(self, c: float, df: float) -> float:
        """P(max |T_j| <= c)."""
        squares = np.square(c / self.largest)
        k = float(self.rank)
        return float(np.mean(fdtr(k, df, squares / k) if math.isfinite(df) else chdtr(k, squares)))

    def probabilities(self, t: Vector, family: Family) -> Vector:
        """Adjusted p-values P(max |T_j| >= |t|), not below those of single tests."""
        own = np.array([np.nan if math.isnan(v) else 1.0 - self.below(abs(v), family.df) for v in t.tolist()])
        return np.asarray(np.maximum(own, normal.probability(t, family.df)))

    def critical(self, level: float, family: Family) -> float:
        """Half-width, in standard errors, of intervals that hold together."""
        low = normal.critical(level, family.df)
        high = normal.critical(1.0 - (1.0 - level) / max(family.count, 1), family.df)  # Bonferroni's
        while high - low > TOLERANCE:
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self.below(middle, family.df) < level else (low, middle)
        return 0.5 * (low + high)


def sup_t(covariance: Matrix) -> Adjustment:
    """The adjustment for estimates with this covariance (m, m)."""
    own = SupT(covariance)
    return Adjustment("sup-t", own.probabilities, own.critical)
