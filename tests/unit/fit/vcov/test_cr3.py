"""CR3 is what leaving each cluster out gives."""

import numpy as np
import pytest
from unit.fit.vcov.panel import differ

import gramian as gm
from gramian.errors import NumericalError

# both sides solve systems of condition below 1e3 (scaled) in double precision
TOLERANCE = 1e-10
CR3 = {"cluster": "firm", "type": "CR3"}


def jackknife(formula, frame, **options):
    firms = frame.firm.unique()
    b = gm.ols(formula, frame, **options).coefficients
    moves = np.array([gm.ols(formula, frame[frame.firm != firm], **options).coefficients - b for firm in firms])
    return (len(firms) - 1) / len(firms) * moves.T @ moves


FORMULAS = (
    "y ~ x + z",
    "y ~ x*f",
    "y ~ 0 + x + I(z^2)",
    "y ~ poly(x, 2, raw=True) + factor(year):b",  # one column is aliased
    "y ~ 0 + f:b",
)


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("options", [{}, {"weights": "w"}, {"counts": "n"}])
def test_brute_force(frame, formula, options):
    fit = gm.ols(formula, frame, vcov=CR3, **options)
    assert differ(fit.vcov, jackknife(formula, frame, **options)) < TOLERANCE
    assert fit.covariance.df == 23
    assert "CR3 by firm: 24 clusters, factor 0.958333" in fit.summary()


def test_r_leaves_the_factor_out(frame):
    ours, theirs = (gm.ols("y ~ x", frame, vcov=CR3, like=like) for like in (None, "R"))
    np.testing.assert_allclose(theirs.vcov * 23 / 24, ours.vcov, rtol=1e-12)
    assert theirs.covariance.df == theirs.df_residual


def test_an_aliased_column_stays_out(frame):
    fit = gm.ols("y ~ x + I(2*x) + z", frame, vcov=CR3)
    known = gm.ols("y ~ x + z", frame, vcov=CR3)
    np.testing.assert_allclose(fit.vcov[np.ix_([0, 1, 3], [0, 1, 3])], known.vcov, rtol=1e-8)
    assert np.isnan(fit.std_errors[2])


def test_every_row_a_cluster_is_hc3(frame):
    data = frame.assign(row=np.arange(len(frame)))
    fit, rows = gm.ols("y ~ x*f", data, vcov={"cluster": "row", "type": "CR3"}), gm.ols("y ~ x*f", data, vcov="HC3")
    n = len(frame)
    assert differ(fit.vcov * n / (n - 1), rows.vcov) < TOLERANCE


def test_a_coefficient_that_rests_on_one_cluster(frame):
    data = frame.assign(own=np.where(frame.firm == 7, "one", "rest"))
    with pytest.raises(NumericalError, match="1 of 24 clusters cannot be left out: a coefficient rests on one"):
        gm.ols("y ~ x + own", data, vcov=CR3)


def test_a_generalized_model_takes_one_newton_step(frame):
    """Without the weights being made again, as (X'WX - X_g'W_gX_g) d = -s_g says."""
    fit = gm.glm("hit ~ x + f", frame, vcov=CR3, tolerance=1e-12)
    X = np.column_stack([np.ones(len(frame)), frame.x, frame.f == "b", frame.f == "c"]).astype(float)
    mu = 1 / (1 + np.exp(-X @ fit.coefficients))
    w, s = mu * (1 - mu), X * (frame.hit.to_numpy() - mu)[:, None]
    S = X.T @ (w[:, None] * X)
    members = [frame.firm.to_numpy() == firm for firm in frame.firm.unique()]
    moves = np.array([np.linalg.solve(S - X[g].T @ (w[g, None] * X[g]), s[g].sum(axis=0)) for g in members])
    assert differ(fit.vcov, 23 / 24 * moves.T @ moves) < TOLERANCE
    assert (fit.statistic, fit.covariance.df) == ("z", np.inf)


@pytest.mark.parametrize("kind", ["HC2", "HC3"])
def test_leverages_of_a_generalized_model(frame, kind):
    fit = gm.glm("events ~ x + f", frame, "poisson", vcov=kind, tolerance=1e-12)
    X = np.column_stack([np.ones(len(frame)), frame.x, frame.f == "b", frame.f == "c"]).astype(float)
    mu = np.exp(X @ fit.coefficients)
    bread = np.linalg.inv(X.T @ (mu[:, None] * X))
    h = mu * np.einsum("ij,jk,ik->i", X, bread, X)
    squares = (frame.events.to_numpy() - mu) ** 2 / (1 - h) ** (1 if kind == "HC2" else 2)
    assert differ(fit.vcov, bread @ (X.T @ (squares[:, None] * X)) @ bread) < TOLERANCE
