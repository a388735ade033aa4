"""Tests of instruments, from small products: strength, exogeneity, overidentification, and tests that hold when weak.

Throughout, S (k + 1, k + 1) are products of k endogenous columns and the outcome without the exogenous columns, and
R (L, k + 1) their coefficients on L orthonormal excluded instruments, so that R'R is what these explain and S - R'R
what they do not. `V` is the covariance of R, column after column, ((k + 1) L,) squared; without it errors are iid.

References
----------
T. W. Anderson and H. Rubin, Estimation of the parameters of a single equation in a complete system of stochastic
equations, Annals of Mathematical Statistics 20 (1949), 46-63.
J. G. Cragg and S. G. Donald, Testing identifiability and specification in instrumental variable models, Econometric
Theory 9 (1993), 222-240.
F. Kleibergen and R. Paap, Generalized reduced rank tests using the singular value decomposition, Journal of
Econometrics 133 (2006), 97-126.
J. L. Montiel Olea and C. Pflueger, A robust test for weak instruments, Journal of Business and Economic Statistics 31
(2013), 358-369.
E. Sanderson and F. Windmeijer, A weak instrument F-test in linear IV models with multiple endogenous variables, Journal
of Econometrics 190 (2016), 212-221.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh
from scipy.special import chndtrix, gammaincc

from gramian.errors import NumericalError, OptionError
from gramian.inference.tests import Test, f_probability
from gramian.typing import Matrix, Vector

SINGULAR = (
    "the covariance of what is tested has no inverse: there are fewer clusters than instruments, several columns of "
    "clusters, or residuals of zero"
)
BIASES = (0.05, 0.1, 0.2, 0.3)  # of the worst case, for critical values of the effective F


@dataclass(frozen=True, slots=True)
class FirstStages:
    """The inputs of all tests.

    Attributes
    ----------
    within : ndarray of shape (k + 1, k + 1)
        S.
    reduced : ndarray of shape (L, k + 1)
        R.
    df : float
        Residual degrees of freedom of the first stages.
    covariance : ndarray of shape ((k + 1) L, (k + 1) L) or None
        V; None for iid errors.
    df_robust : float
        Degrees of freedom of tests with V.
    """

    within: Matrix
    reduced: Matrix
    df: float
    covariance: Matrix | None = None
    df_robust: float = np.inf

    @property
    def endogenous(self) -> int:
        """Number of endogenous columns, k."""
        return len(self.within) - 1

    @property
    def instruments(self) -> int:
        """Number of excluded instruments, L."""
        return len(self.reduced)

    @property
    def explained(self) -> Matrix:
        """R'R, (k + 1, k + 1)."""
        return np.asarray(self.reduced.T @ self.reduced)

    @property
    def unexplained(self) -> Matrix:
        """S - R'R, (k + 1, k + 1)."""
        return np.asarray(self.within - self.explained)

    def covariance_of(self, a: Vector) -> Matrix:
        """Covariance (L, L) of R a, for a : (k + 1,)."""
        L = self.instruments
        if self.df <= 0:
            raise NumericalError("no residual degrees of freedom are left in the first stages")
        if self.covariance is None:
            return np.asarray(float(a @ self.unexplained @ a) / self.df * np.eye(L))
        blocks = self.covariance.reshape(len(a), L, len(a), L)
        return np.asarray(np.einsum("a,aibj,b->ij", a, blocks, a))

    @property
    def df_tests(self) -> float:
        """Denominator degrees of freedom of F tests."""
        return self.df if self.covariance is None else self.df_robust

    def f_test(self, a: Vector, basis: Matrix | None = None) -> Test:
        """F test that R a = 0, (k + 1,). basis : (L, m) the directions that are tested; all where None."""
        g, V = self.reduced @ a, self.covariance_of(a)
        if basis is not None:
            g, V = basis.T @ g, basis.T @ V @ basis
        df = float(len(g)), self.df_tests
        statistic = quadratic(g, V) / df[0]
        return Test(statistic, (int(df[0]), df[1]), f_or_chi(statistic, df), tuple(g.tolist()))


def quadratic(g: Vector, V: Matrix) -> float:
    """g' V^-1 g."""
    if not np.isfinite(V).all():
        raise NumericalError(SINGULAR)
    scale = 1.0 / np.sqrt(np.where(V.diagonal() > 0, V.diagonal(), 1.0))
    values, vectors = np.linalg.eigh(V * scale[:, None] * scale)
    if values.min(initial=1.0) <= len(V) * np.finfo(float).eps * values.max(initial=1.0):
        raise NumericalError(SINGULAR)
    return float(((vectors.T @ (scale * g)) ** 2 / values).sum())


def f_or_chi(statistic: float, df: tuple[float, float]) -> float:
    """P value of an F statistic; with infinite second degrees of freedom of chi-square."""
    if np.isfinite(df[1]):
        return f_probability(statistic, df)
    return chi_probability(statistic * df[0], df[0])


def chi_probability(statistic: float, df: float) -> float:
    """P(chi-square >= statistic)."""
    return float(gammaincc(df / 2.0, max(statistic, 0.0) / 2.0)) if df > 0 else float("nan")


def kappa_of_liml(within: Matrix, reduced: Matrix) -> float:
    """The k of LIML: the smallest eigenvalue of S in units of S - R'R; exactly 1 with as many instruments as columns.

    Raises NumericalError where the instruments explain everything.
    """
    if len(reduced) == len(within) - 1:
        return 1.0
    scale = 1.0 / np.sqrt(np.where(within.diagonal() > 0.0, within.diagonal(), 1.0))
    S = within * scale[:, None] * scale
    R = reduced * scale
    try:
        # 1 / k is the largest eigenvalue of S - R'R in units of S, and 1 - 1 / k the smallest of R'R: no cancellation
        return 1.0 / (1.0 - float(eigh(R.T @ R, S, eigvals_only=True)[0]))
    except (np.linalg.LinAlgError, ZeroDivisionError):
        raise NumericalError(
            "LIML is not defined: endogenous columns and outcome depend on each other, or on the instruments, exactly"
        ) from None


def partial_r_squared(stages: FirstStages) -> Vector:
    """Share of each endogenous column's variance, (k,), that the excluded instruments explain beside the exogenous."""
    k = stages.endogenous
    return np.asarray(stages.explained.diagonal()[:k] / stages.within.diagonal()[:k])


def first_stage_f(stages: FirstStages) -> list[Test]:
    """F test of the excluded instruments in each first stage."""
    return [stages.f_test(e) for e in np.eye(stages.endogenous + 1)[: stages.endogenous]]


def conditional_f(stages: FirstStages) -> list[Test]:
    """F of Sanderson and Windmeijer, one for each endogenous column given the others.

    The column less its two-stage prediction from the others has L - k + 1 free instruments.
    """
    k, R, out = stages.endogenous, stages.reduced, []
    for j in range(k):
        others = [i for i in range(k) if i != j]
        a = np.zeros(k + 1)
        a[j] = 1.0
        basis = None
        if others:
            a[others] = -explained_by(R[:, others], R[:, j])
            basis = complement(R[:, others])
        out.append(stages.f_test(a, basis))
    return out


def explained_by(A: Matrix, b: Vector) -> Vector:
    """Coefficients (k,) of b (n,) on the columns of A (n, k), whatever their units."""
    scale = 1.0 / np.sqrt(np.where(A.any(axis=0), np.square(A).sum(axis=0), 1.0))
    return np.asarray(scale * np.linalg.lstsq(A * scale, b, rcond=None)[0])


def complement(A: Matrix) -> Matrix:
    """Orthonormal basis (L, L - r) of what is orthogonal to the columns of A (L, r)."""
    return np.linalg.qr(A, mode="complete")[0][:, A.shape[1] :]


def weakest(stages: FirstStages) -> Vector:
    """The combination a (k + 1,) of endogenous columns that the instruments explain least, with a'Sa = 1."""
    k = stages.endogenous
    S, E = stages.within[:k, :k], stages.explained[:k, :k]
    scale = 1.0 / np.sqrt(S.diagonal())
    vectors = eigh(E * scale[:, None] * scale, S * scale[:, None] * scale)[1]
    return np.append(scale * vectors[:, 0], 0.0)


def cragg_donald(stages: FirstStages) -> float:
    """F of Cragg and Donald: the F test of the weakest combination under iid errors, over all L instruments."""
    a = weakest(stages)
    explained, rest = float(a @ stages.explained @ a), float(a @ stages.unexplained @ a)
    return explained / stages.instruments / (rest / stages.df)


def kleibergen_paap(stages: FirstStages) -> Test:
    """Rank test of Kleibergen and Paap (Wald): chi-square that the instruments explain one combination less.

    Its degrees of freedom are L - k + 1; divided by L it is the F that is compared with Stock and Yogo's values.
    """
    k, a = stages.endogenous, weakest(stages)
    scale = 1.0 / np.sqrt(stages.within.diagonal()[:k])
    S = stages.within[:k, :k] * scale[:, None] * scale
    E = stages.explained[:k, :k] * scale[:, None] * scale
    others = stages.reduced[:, :k] @ (scale[:, None] * eigh(E, S)[1][:, 1:])
    U = complement(others)
    g = U.T @ (stages.reduced @ a)
    statistic = quadratic(g, U.T @ stages.covariance_of(a) @ U)
    return Test(statistic, (len(g), np.inf), chi_probability(statistic, len(g)), tuple(g.tolist()))


@dataclass(frozen=True, slots=True)
class EffectiveF:
    """The effective F of Montiel Olea and Pflueger, for one endogenous column.

    Attributes
    ----------
    statistic : float
        The first-stage F with the covariance in force.
    df : float
        Effective degrees of freedom, K_eff at a bias of 10 %.
    critical : mapping of float to float
        Bias of two-stage least squares, as a share of the worst case, that is rejected -> critical value at level
        `alpha`, by the simplified procedure, which holds for every covariance.
    alpha : float
        Level of the test.
    """

    statistic: float
    df: float
    critical: Mapping[float, float]
    alpha: float = 0.05


def effective_f(stages: FirstStages, alpha: float = 0.05) -> EffectiveF:
    """The effective F and its critical values. Raises OptionError for several endogenous columns, or another level."""
    if stages.endogenous != 1:
        raise OptionError(
            "the effective F is of one endogenous column; for several there are Sanderson and Windmeijer's F"
        )
    if not 0.0 < alpha < 1.0:
        raise OptionError(f"alpha must be between 0 and 1, found {alpha!r}")
    a = np.array([1.0, 0.0])
    V = stages.covariance_of(a)
    trace = float(V.trace())
    eigenvalues = np.linalg.eigvalsh(V) / trace

    def k_eff(x: float) -> float:
        return (1.0 + 2.0 * x) / (float((eigenvalues**2).sum()) + 2.0 * x * float(eigenvalues.max()))

    critical = {b: _critical(k_eff(1.0 / b), 1.0 / b, alpha) for b in BIASES}
    return EffectiveF(float(stages.explained[0, 0]) / trace, k_eff(10.0), critical, alpha)


def _critical(df: float, x: float, alpha: float) -> float:
    """Upper quantile of a noncentral chi-square with noncentrality x df, divided by df."""
    return float(chndtrix(1.0 - alpha, df, x * df)) / df


def sargan(stages: FirstStages, beta: Vector, rows: float) -> Test | None:
    """Sargan's test of overidentification, n times the R squared of the residuals on the instruments; None if exact."""
    spare = stages.instruments - stages.endogenous
    if spare <= 0:
        return None
    v = np.append(-beta, 1.0)
    explained, total = float(v @ stages.explained @ v), float(v @ stages.within @ v)
    statistic = rows * explained / total
    return Test(statistic, (spare, np.inf), chi_probability(statistic, spare), ())


def hansen_statistic(reduced: Matrix, covariance: Matrix) -> float | None:
    """Hansen's J of two-step GMM; None without instruments to spare, NaN where the covariance has no inverse.

    The moments of exogenous columns determine their coefficients, whatever the weights, so that only those of the
    excluded instruments are left to be tested.

    reduced : (L, k + 1) R. covariance : (L, L) of the moments of the excluded instruments.
    """
    L, k = len(reduced), reduced.shape[1] - 1
    if k >= L:
        return None
    size = 1.0 / np.sqrt(np.where(covariance.diagonal() > 0, covariance.diagonal(), 1.0))
    values, vectors = np.linalg.eigh(covariance * size[:, None] * size)
    if values[0] <= L * np.finfo(float).eps * values[-1]:
        return float("nan")
    whitened = (vectors.T @ (size[:, None] * reduced)) / np.sqrt(values)[:, None]
    b = explained_by(whitened[:, :k], whitened[:, k])
    return float(((whitened[:, k] - whitened[:, :k] @ b) ** 2).sum())


def hansen(stages: FirstStages, statistic: float) -> Test:
    """Hansen's J. Raises NumericalError where its weights are not defined."""
    if np.isnan(statistic):
        raise NumericalError(SINGULAR)
    spare = stages.instruments - stages.endogenous
    return Test(statistic, (spare, np.inf), chi_probability(statistic, spare), ())


def wu_hausman(
    stages: FirstStages, beta: Vector, df: float, covariance: Matrix | None = None, df_robust: float = np.inf
) -> Test:
    """Test that the endogenous columns are exogenous: that first-stage residuals have no effect beside them.

    Parameters
    ----------
    stages : FirstStages
        The products.
    beta : ndarray of shape (k,)
        Coefficients of the endogenous columns by two-stage least squares.
    df : float
        Residual degrees of freedom of the regression with the first-stage residuals.
    covariance : ndarray of shape (k, k), optional
        Robust covariance of the moments of these residuals; None for iid errors.
    df_robust : float
        Degrees of freedom with it.
    """
    k = stages.endogenous
    if df <= 0:
        raise NumericalError("no residual degrees of freedom are left for a test of endogeneity")
    scale = 1.0 / np.sqrt(stages.within.diagonal()[:k])
    both = np.append(scale, 1.0)
    S, U, v = (
        stages.within * both[:, None] * both,
        stages.unexplained * both[:, None] * both,
        np.append(-beta / scale, 1.0),
    )
    # first-stage residuals without what the endogenous columns explain of them
    D = U[:k, :k] - U[:k, :k] @ np.linalg.solve(S[:k, :k], U[:k, :k])
    rho = np.linalg.solve(U[:k, :k], (U @ v)[:k])
    # moments d'y = D rho
    moments = D @ rho
    rss = float(v @ S @ v) - 2.0 * float(rho @ (U @ v)[:k]) + float(rho @ U[:k, :k] @ rho)
    V = D * (rss / df) if covariance is None else covariance * scale[:, None] * scale
    statistic = quadratic(moments, V) / k
    degrees = float(k), df if covariance is None else df_robust
    return Test(statistic, (k, degrees[1]), f_or_chi(statistic, degrees), tuple((rho * scale).tolist()))


def anderson_rubin(stages: FirstStages, beta: Vector) -> Test:
    """Test that the endogenous columns have these coefficients (k,), whatever the strength of the instruments."""
    return stages.f_test(np.append(-beta, 1.0))
