"""CR2: scores by cluster with residuals adjusted to be unbiased under equal variances, and Satterthwaite's df.

With the residuals e_g and the rows X_g of a cluster, weights W, M = (X'WX)^-1 and Q = X'W^2X the residuals have under
equal variances the covariance B_g = I + Z_g K Z_g', Z_g = (X_g, W_g X_g), K = ((M Q M, -M), (-M, 0)); without weights
Z_g = X_g and K = -M. The adjusted scores are X_g' W_g A_g e_g, where A_g is the symmetric root of the pseudo-inverse of
B_g. B_g differs from I only in the columns of Z_g, so that A_g follows from products of these: no matrix has the size
of a cluster.

References
----------
R. M. Bell and D. F. McCaffrey, Bias reduction in standard errors for linear regression with multi-stage samples, Survey
Methodology 28 (2002), 169-181.
J. E. Pustejovsky and E. Tipton, Small-sample methods for cluster-robust variance estimation and hypothesis testing in
fixed effects models, Journal of Business and Economic Statistics 36 (2018), 672-683.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gramian.errors import AccuracyWarning, NumericalError
from gramian.fit.leastsquares.solution import Solved
from gramian.inference.covariance import ClusterPairs
from gramian.linalg import maps
from gramian.linalg.certificate import EPS, required_std_error_digits
from gramian.typing import Mask, Matrix, Vector

SINGULAR = 1e-9  # an eigenvalue of B_g below it is zero: the fit goes through that combination of a cluster's rows
MAX_JOINT = 16  # coefficients up to which the sums of joint tests are kept, p^4 numbers
NO_DIRECTION = 1e-12  # of the largest eigenvalue of the products of a cluster: below it is rounding error


@dataclass(frozen=True, slots=True)
class ClusterProducts:
    """Products by cluster that an adjustment needs.

    Attributes
    ----------
    products : Matrix
        (G, k, k) Z_g'Z_g.
    scores : Matrix
        (G, k) Z_g'e_g.
    weighted : bool
        Whether Z_g = (X_g, W_g X_g); otherwise X_g.
    """

    products: Matrix
    scores: Matrix
    weighted: bool = False

    @property
    def width(self) -> int:
        """Number of columns of X, p."""
        return int(self.scores.shape[1]) // (1 + self.weighted)

    def balanced(self, independent: Mask) -> ClusterProducts:
        """With weights of about 1, by a factor that nothing depends on: so that W X is not small beside X."""
        if not self.weighted:
            return self
        p, squares = self.width, self.products.sum(axis=0)
        factor = (squares.diagonal()[:p] / squares.diagonal(p))[independent].mean()
        both = np.repeat([1.0, factor], p)
        return ClusterProducts(self.products * both[:, None] * both, self.scores * both, True)

    def transformed(self, half: Matrix, independent: Mask) -> ClusterProducts:
        """Those of the columns that are independent, times half'."""
        both = 1 + self.weighted
        at, H = np.flatnonzero(np.tile(independent, both)), np.kron(np.eye(both), half)
        products = self.products[:, at[:, None], at]
        return ClusterProducts(H @ products @ H.T, self.scores[:, at] @ H.T, self.weighted)

    def residual_kernel(self) -> Matrix:
        """K (k, k), in columns with X'WX = 1."""
        one = np.eye(self.width)
        if not self.weighted:
            return -one
        squares = self.products[:, self.width :, self.width :].sum(axis=0)
        return np.block([[squares, -one], [-one, np.zeros_like(one)]])


class BiasReduced(NamedTuple):
    """What clusters add to the coefficients, and the degrees of freedom.

    Attributes
    ----------
    changes : Matrix
        (G, p) M X_g'W_g A_g e_g, of the columns that were solved for.
    df : Vector
        (m,) of the contrasts.
    condition : float
        Of X'WX with unit diagonal.
    joint : ClusterPairs or None
        What joint tests of the contrasts need; None for too many of these.
    """

    changes: Matrix
    df: Vector
    condition: float
    joint: ClusterPairs | None


def bias_reduced(clusters: ClusterProducts, independent: Mask, contrasts: Matrix) -> BiasReduced:
    """The adjusted scores of clusters times the bread, and the degrees of freedom of contrasts (m, p)."""
    clusters, p = clusters.balanced(independent), int(independent.sum())
    at = np.flatnonzero(np.tile(independent, 1 + clusters.weighted))
    crossed = at[:p], at[-p:]  # the columns of X, and those of WX
    S = clusters.products[:, crossed[0][:, None], crossed[1]].sum(axis=0)
    scale = 1.0 / np.sqrt(S.diagonal())
    S = S * scale[:, None] * scale
    try:
        root = np.linalg.cholesky(S)
    except np.linalg.LinAlgError:
        raise NumericalError(
            "CR2 needs the inverse of X'WX, which these columns leave without digits; leave nearly collinear columns "
            "out, or use CR1"
        ) from None
    half = np.linalg.solve(root, np.diag(scale))  # half S half' = 1
    own = clusters.transformed(half, independent)
    kernel = own.residual_kernel()
    adjusted, squared, scores = _adjusted(own, kernel)
    changes = np.zeros((len(scores), len(independent)))
    changes[:, independent] = scores @ half
    contrasts = contrasts[:, independent] @ half.T
    df = _satterthwaite(adjusted, squared, kernel, contrasts)
    joint = _cluster_pairs(adjusted, squared, kernel, contrasts)
    return BiasReduced(changes, df, float(np.linalg.cond(S)) if len(S) else 1.0, joint)


def _adjusted(own: ClusterProducts, kernel: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """Z_g'A_g W_g X_g (G, k, p), X_g'W_g A_g^2 W_g X_g (G, p, p), and X_g'W_g A_g e_g (G, p)."""
    p, N = own.width, own.products
    values, vectors = np.linalg.eigh(N)
    used = values > NO_DIRECTION * values.max(axis=1, keepdims=True)
    roots = np.sqrt(np.where(used, values, 0.0))
    # Z = U T with U'U = 1
    T = roots[:, :, None] * np.swapaxes(vectors, 1, 2)
    coordinates = (np.swapaxes(vectors, 1, 2) @ own.scores[:, :, None])[:, :, 0]
    coordinates = np.where(used, coordinates / np.where(used, roots, 1.0), 0.0)  # U'e
    transposed = np.swapaxes(T, 1, 2)
    eigenvalues, basis = np.linalg.eigh(np.eye(N.shape[1]) + T @ kernel @ transposed)
    power = np.where(eigenvalues > SINGULAR, 1.0 / np.sqrt(np.maximum(eigenvalues, SINGULAR)), 0.0)
    A, A_squared = ((basis * (f - 1.0)[:, None, :]) @ np.swapaxes(basis, 1, 2) for f in (power, power**2))  # less I
    # added to what A = I gives, so that a direction that was left out counts as it is
    right = T[:, :, -p:]
    left = np.swapaxes(right, 1, 2)
    adjusted = N[:, :, -p:] + transposed @ A @ right
    squared = N[:, -p:, -p:] + left @ A_squared @ right
    scores = own.scores[:, -p:] + (left @ A @ coordinates[:, :, None])[:, :, 0]
    return adjusted, squared, scores


def _satterthwaite(adjusted: Matrix, squared: Matrix, kernel: Matrix, contrasts: Matrix) -> Vector:
    """(sum of p_gg)^2 / sum of p_gh^2 for each contrast (m, p), in columns with X'WX = 1.

    p_gh is the covariance of what two clusters add to the contrast, under equal variances: d_g where g = h plus
    u_g'K u_h, with d_g = |A_g W_g X_g c|^2 and u_g = Z_g'A_g W_g X_g c.
    """
    out = np.full(len(contrasts), np.nan)
    for i, contrast in enumerate(contrasts):
        # no df depends on the length, whose fourth power may leave the range of float64
        c = np.ldexp(contrast, -np.frexp(np.abs(contrast).max(initial=0.0))[1])
        u, d = adjusted @ c, np.einsum("gij,i,j->g", squared, c, c)
        own = d + np.einsum("gi,ij,gj->g", u, kernel, u)
        crossed = kernel @ (u.T @ u)
        # of all pairs, the sum over g = h of (d_g + x)^2 in place of x^2
        squares = float(np.sum(crossed * crossed.T) + np.sum(d * (2.0 * own - d)))
        if squares > 0.0:
            out[i] = float(own.sum()) ** 2 / squares
    return out


def _cluster_pairs(adjusted: Matrix, squared: Matrix, kernel: Matrix, contrasts: Matrix) -> ClusterPairs | None:
    """The sums for all hypotheses about contrasts; None for too many of these.

    P_gh(a, b), the covariance of what two clusters add to contrasts a and b under equal variances, is u_ga'K u_hb, plus
    d_g(a, b) where g = h. The sum over all pairs of the products of two of them needs no pair.

    Parameters
    ----------
    adjusted : Matrix
        (G, k, p) Z_g'A_g W_g X_g.
    squared : Matrix
        (G, p, p) X_g'W_g A_g^2 W_g X_g.
    kernel : Matrix
        (k, k) K.
    contrasts : Matrix
        (m, p) in columns with X'WX = 1.
    """
    m = len(contrasts)
    if not 0 < m <= MAX_JOINT:
        return None
    expected = _own(adjusted, squared, kernel, contrasts).sum(axis=0)
    roots = np.sqrt(expected.diagonal())
    roots = np.where(roots > 0.0, roots, 1.0)
    scaled = contrasts / roots[:, None]
    u = adjusted @ scaled.T
    d = scaled @ squared @ scaled.T
    x = np.swapaxes(u, 1, 2) @ kernel @ u
    flat = u.reshape(len(u), -1)
    k = len(kernel)
    # of u_ga and u_gb, summed over clusters: (a, b, k, k)
    A = (flat.T @ flat).reshape(k, m, k, m).transpose(1, 3, 0, 2)
    left = (kernel @ A @ kernel).reshape(m * m, k * k)  # by (b, d)
    right = A.transpose(0, 1, 3, 2).reshape(m * m, k * k)  # by (c, a)
    crossed = (left @ right.T).reshape(m, m, m, m).transpose(3, 0, 2, 1)  # (b, d, c, a) to (a, b, c, d)
    D, X = d.reshape(len(d), -1), x.reshape(len(x), -1)
    pairs = crossed.reshape(m * m, m * m) + D.T @ D + D.T @ X + X.T @ D
    return ClusterPairs(expected, pairs)


def _own(adjusted: Matrix, squared: Matrix, kernel: Matrix, contrasts: Matrix) -> Matrix:
    """P_gg(a, b), (G, m, m)."""
    u = adjusted @ contrasts.T
    return np.asarray(contrasts @ squared @ contrasts.T + np.swapaxes(u, 1, 2) @ kernel @ u)


def model_contrasts(solved: Solved) -> Matrix:
    """The coefficients of the model as combinations of those that were solved for, (p, p)."""
    null, C = solved.solution.null, np.eye(len(solved.names))
    if solved.parametrization.to_model is not None:
        T = maps.map_of(solved.parametrization.to_model)
        C, null = maps.multiply(T, C), maps.multiply(T, null)
    if null.shape[1]:
        at = np.array([solved.names.index(name) for name in solved.aliased], np.int64)
        C = C - null @ np.linalg.solve(null[at], C[at])
    C = np.array(C)
    C[~solved.identified] = 0.0  # they have no degrees of freedom
    return C


def warn_of_condition(solved: Solved, name: str, condition: float) -> None:
    """Warn with AccuracyWarning where products of this condition leave fewer digits than wanted."""
    wanted = required_std_error_digits(np.inf if solved.accuracy is None else solved.accuracy.requested)
    left = -float(np.log10(EPS * condition))
    if left < wanted:
        message = (
            f"standard errors ({name}) have about {max(left, 0.0):.0f} digits, fewer than {wanted:g}, for columns "
            "are nearly collinear; leave one out, or use CR1 or CR3"
        )
        warnings.warn(AccuracyWarning(message), stacklevel=6)
