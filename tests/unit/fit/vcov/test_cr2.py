"""CR2 and Satterthwaite's degrees of freedom are what matrices of the size of the clusters give."""

import numpy as np
import pytest
from unit.fit.vcov.panel import differ

import gramian as gm
from gramian.errors import AccuracyWarning, OptionError

CR2 = {"cluster": "firm", "type": "CR2"}
TOLERANCE = 1e-9  # both sides have condition below 1e3 (scaled) in double precision


def root_of_pseudo_inverse(B):
    values, vectors = np.linalg.eigh(B)
    kept = values > 1e-9
    return (vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T


def dense(X, y, w, clusters):
    """The covariance and the degrees of freedom from every row, by definition."""
    # in an orthonormal basis, which keeps the digits
    X, triangle = np.linalg.qr(X)
    M, to_model = np.linalg.inv(X.T @ (w[:, None] * X)), np.linalg.inv(triangle)
    R = np.eye(len(y)) - X @ M @ (X.T * w)
    e, terms, parts = R @ y, [], []
    for g in np.unique(clusters):
        at = clusters == g
        half = to_model @ M @ (X[at].T * w[at]) @ root_of_pseudo_inverse(R[at] @ R[at].T)
        terms.append(half @ e[at])
        parts.append(half @ R[at])
    products = np.einsum("gpn,hpn->pgh", parts, parts)
    df = np.trace(products, axis1=1, axis2=2) ** 2 / (products**2).sum(axis=(1, 2))
    return np.array(terms).T @ np.array(terms), df


@pytest.mark.parametrize("options", [{}, {"weights": "w"}, {"counts": "n"}, {"weights": "w", "counts": "n"}])
@pytest.mark.parametrize("own", [False, True])
def test_by_definition(frame, options, own):
    """own : one firm has a dummy of its own, so that I - H is singular there."""
    frame = frame.dropna().reset_index(drop=True)
    frame["own"] = (frame.firm == frame.firm.iloc[0]) * 1.0
    formula = "y ~ x + z + x:z" + " + own" * own
    fit = gm.ols(formula, frame, vcov=CR2, **options)
    rows = frame.loc[frame.index.repeat(frame.n)] if "counts" in options else frame
    columns = {"Intercept": 1.0 + 0.0 * rows.x, "x": rows.x, "z": rows.z, "own": rows.own, "x:z": rows.x * rows.z}
    X = np.column_stack([columns[name] for name in fit.names])
    w = rows.w.to_numpy(float) if "weights" in options else np.ones(len(rows))
    V, df = dense(X, rows.y.to_numpy(float), w, rows.firm.to_numpy())
    assert differ(fit.vcov, V) < TOLERANCE
    np.testing.assert_allclose(fit.tidy()["df"].to_numpy(), df, rtol=TOLERANCE)
    # a coefficient alone has its own degrees of freedom, whatever asks
    np.testing.assert_allclose(fit.test("x = 0").p_value, fit.p_values[fit.names.index("x")], rtol=1e-10)
    assert "Satterthwaite's degrees of freedom" in fit.summary()


def test_aliased_columns_and_saved_fits(frame, tmp_path):
    fit, less = (gm.ols(f"y ~ x {term} + f", frame, vcov=CR2) for term in ("+ I(2*x)", ""))
    known = np.isfinite(fit.coefficients)
    np.testing.assert_allclose(fit.std_errors[known], less.std_errors, rtol=TOLERANCE)
    np.testing.assert_allclose(fit.p_values[known], less.p_values, rtol=TOLERANCE)
    fit.save(tmp_path / "a.fit")
    again = gm.load(tmp_path / "a.fit")
    np.testing.assert_array_equal(again.p_values, fit.p_values)
    np.testing.assert_array_equal(again.conf_int(), fit.conf_int())


def test_one_slope_and_columns_nearly_collinear(frame):
    fit = gm.ols("y ~ x", frame, vcov=CR2, like="R")
    np.testing.assert_allclose(fit.f_test.p_value, fit.p_values[1], rtol=1e-10)
    assert fit.covariance.df == len(set(frame.firm.dropna())) - 1
    frame = frame.assign(near=frame.z + 1e-6 * frame.x)  # not in the frame of other tests
    with pytest.warns(AccuracyWarning, match=r"CR2 by firm.* digits, fewer than 4, for columns are nearly collinear"):
        gm.ols("y ~ z + near", frame, vcov=CR2)


def test_what_has_no_cr2(frame):
    with pytest.raises(OptionError, match=r"made for linear models; .* use CR1 or CR3"):
        gm.glm("n ~ x", frame, family="poisson", vcov=CR2)
    with pytest.raises(
        OptionError, match=r"CR2 .* levels of year have rows in several clusters by firm: .* \+ factor\(year\), or"
    ):
        gm.ols("y ~ x | year", frame, vcov=CR2)
    gram = gm.gram("y ~ x", frame, weights="w", cluster="firm")
    with pytest.raises(OptionError, match=r"CR2 by firm with weights needs .* give the rows"):
        gram.ols("y ~ x", vcov=CR2)


def test_joint_tests_are_of_the_hypothesis_and_not_of_how_it_is_written(frame, tmp_path):
    fit = gm.ols("y ~ x + z + f", frame, vcov=CR2)
    test = fit.test("x = z = 0")
    fit.save(tmp_path / "a.fit")
    np.testing.assert_array_equal(gm.load(tmp_path / "a.fit").test("x = z = 0"), test)
    for text in ("x + z = 0, x - z = 0", "3*x = 0, 1e6*z - x = 0"):
        other = fit.test(text)
        np.testing.assert_allclose([other.statistic, *other.df], [test.statistic, *test.df], rtol=1e-8)
    units = gm.ols("y ~ x + z + f", frame.assign(x=frame.x * 1e20, y=frame.y * 1e-30), vcov=CR2).test("x = 0, z = 0")
    np.testing.assert_allclose([units.statistic, *units.df], [test.statistic, *test.df], rtol=1e-8)
    stored = gm.gram("y ~ x + z + f", frame, cluster="firm").ols("y ~ x + z + f", vcov=CR2)
    np.testing.assert_allclose(stored.test("x = z = 0").df, test.df, rtol=1e-7)
    small = gm.ols("y ~ x + z", frame, vcov=CR2)
    np.testing.assert_array_equal(small.f_test, small.test("x = 0, z = 0"))
    assert "joint tests by Hotelling's T squared (HTZ)" in " ".join(fit.summary().split())
    # a combination of coefficients alone, with its own degrees of freedom, is a coefficient in other columns
    other = gm.ols("y ~ I(x + z) + I(x - z)", frame, vcov=CR2)
    np.testing.assert_allclose(small.test("x + z = 0").df[1], other.covariance.coefficient_df[1], rtol=1e-8)
