"""Intervals of predictions of mixed models: Henderson's equations by dense algebra, laws, messages."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.linalg import block_diag
from unit.fit.mixed.test_mixed import rows

import gramian as gm
from gramian.cli.main import gramian
from gramian.errors import DataError, OptionError

FORMULA = "y ~ x + f + (1 + x | firm)"
Z95 = 1.959963984540054


def half_widths(table):
    fit, low, high = (table[name].to_numpy(zero_copy_only=False) for name in ("fit", "low", "high"))
    np.testing.assert_allclose(fit - low, high - fit, rtol=1e-9)
    return high - fit


def dense_errors(fit, data, weights):
    """Variances of the errors of x'b, and of x'b + z'u, of the rows, by the inverse of Henderson's equations."""
    X = np.column_stack([np.ones(len(data)), data["x"], data["f"] == "b", data["f"] == "c"]).astype(float)
    firms = np.unique(data["firm"])
    Z = np.zeros((len(data), 2 * len(firms)))
    at = np.searchsorted(firms, data["firm"])
    Z[np.arange(len(data)), 2 * at], Z[np.arange(len(data)), 2 * at + 1] = 1.0, data["x"]
    W = np.column_stack([X, Z])
    G = fit.mixed.random[0].covariance
    prior = block_diag(np.zeros((4, 4)), *[np.linalg.inv(G)] * len(firms))
    C = np.linalg.inv(W.T @ (W * (weights / fit.sigma**2)[:, None]) + prior)
    z = np.column_stack([np.ones(len(data)), data["x"]])
    of_new = np.einsum("ij,jk,ik->i", z, G, z)
    return np.einsum("ij,jk,ik->i", X, C[:4, :4], X), np.einsum("ij,jk,ik->i", W, C, W), of_new


@pytest.mark.parametrize("weights", [None, "w"])
def test_errors_are_those_of_hendersons_equations(weights):
    data = rows(200)
    fit = gm.mixed(FORMULA, data, weights=weights)
    w = np.ones(len(data)) if weights is None else data["w"].to_numpy()
    mean, own, of_new = dense_errors(fit, data, w)
    for interval, random, expected in (
        ("confidence", True, own),
        ("prediction", True, own + fit.sigma**2),
        ("confidence", False, mean),
        ("prediction", False, mean + of_new + fit.sigma**2),
    ):
        table = fit.predict(data, interval, random=random)
        np.testing.assert_allclose(half_widths(table), Z95 * np.sqrt(expected), rtol=1e-7)
        np.testing.assert_allclose(table["fit"].to_numpy(), fit.predict(data, random=random), rtol=1e-12)


def test_shifts_a_gram_files_and_missing_rows_do_not_matter(tmp_path):
    data = rows(200)
    gram = gm.gram("y ~ x + f", data, cluster="firm")
    data.to_parquet(tmp_path / "rows.parquet")
    gm.mixed(FORMULA, tmp_path / "rows.parquet").save(tmp_path / "fit")
    expected = half_widths(gm.mixed(FORMULA, data).predict(data, "prediction"))
    for found in (
        gram.mixed(FORMULA).predict(data, "prediction", sums=gram),
        gm.load(tmp_path / "fit").predict(data, "prediction"),
        gm.load(tmp_path / "fit").predict(data, "prediction", sums=data[::-1]),
    ):
        np.testing.assert_allclose(half_widths(found), expected, rtol=1e-8)
    moved = data.assign(x=data["x"] + 1e4)
    np.testing.assert_allclose(half_widths(gm.mixed(FORMULA, moved).predict(moved, "prediction")), expected, rtol=1e-5)
    gaps = data.assign(x=data["x"].where(data.index != 3), firm=data["firm"].where(data.index != 5, 99))
    fit = gm.mixed(FORMULA, data)
    assert np.flatnonzero(np.isnan(half_widths(fit.predict(gaps, "confidence", unseen="null")))).tolist() == [3, 5]
    done = CliRunner().invoke(
        gramian, ["predict", str(tmp_path / "fit"), str(tmp_path / "rows.parquet"), "--interval", "prediction"]
    )
    assert done.exit_code == 0, done.output
    first = list(map(float, done.stdout.splitlines()[1].split(",")))
    np.testing.assert_allclose(first[2] - first[0], expected[0], rtol=1e-6)


def test_messages():
    data = rows(200)
    fit, gram = gm.mixed(FORMULA, data), gm.gram("y ~ x + f", data, cluster="firm")
    with pytest.raises(OptionError, match="interval must be one of"):
        fit.predict(data, "credible")
    with pytest.raises(OptionError, match="level must lie between 0 and 1"):
        fit.predict(data, "confidence", 95.0)
    with pytest.raises(OptionError, match=r"need the sums by group of the fit .* as sums=\); random=False has"):
        gram.mixed(FORMULA).predict(data, "confidence")
    with pytest.raises(DataError, match="not the rows of the fit"):
        fit.predict(data, "confidence", sums=data[1:])
    with pytest.raises(DataError, match="has no group 99"):
        fit.predict(data.assign(firm=99), "confidence")
    assert len(fit.predict(data.drop(columns="firm"), "prediction", random=False)) == len(data)
