"""Newey-West and Driscoll-Kraay: laws of order, cuts, engines, absorbed factors, Grams and instruments; messages."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import gramian as gm
from gramian.cli.vcov import parse_vcov, vcov_text
from gramian.errors import DataError, NumericalError, OptionError
from gramian.inference.vcov_spec import vcov_spec


def panel(firms=30, times=20, seed=0):
    rng = np.random.default_rng(seed)
    f, t, n = np.repeat(np.arange(firms), times), np.tile(np.arange(times), firms), firms * times
    x = rng.normal(size=n) + rng.normal(size=times)[t]
    y = x + rng.normal(size=times)[t] + rng.normal(size=n) * (1 + np.abs(x)) + rng.normal(size=firms)[f]
    w, z = rng.normal(size=n), x + rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "w": w, "z": z, "f": f, "t": t, "k": np.arange(n), "p": rng.uniform(1, 2, n)})


SPECS = [{"hac": 3, "time": "k"}, {"hac": 2, "time": "t", "panel": "f"}, {"driscoll_kraay": "t", "lags": 2}]


def dense(data, fit, keys, lags):
    """Bartlett's sum by its definition: all pairs of rows whose times are at most so far apart."""
    X = np.column_stack([np.ones(len(data)), data.w, data.x])
    S = X * (data.y - X @ fit.coefficients).to_numpy()[:, None]
    meat = np.zeros((3, 3))
    for i in range(len(data)):
        group, time = keys[0][i], keys[1][i]
        near = (keys[0] == group) & (np.abs(keys[1] - time) <= lags)
        meat += np.outer(S[i], ((1 - np.abs(keys[1][near] - time) / (lags + 1))[:, None] * S[near]).sum(axis=0))
    bread = np.linalg.inv(X.T @ X)
    return bread @ meat @ bread * len(data) / (len(data) - 3)


@pytest.mark.parametrize(
    ("spec", "group", "time"), [(SPECS[0], None, "k"), (SPECS[1], "f", "t"), (SPECS[2], None, "t")]
)
def test_the_definition(spec, group, time):
    data = panel(12, 10)
    fit = gm.ols("y ~ w + x", data, vcov=spec)
    keys = (np.zeros(len(data)) if group is None else data[group].to_numpy(), data[time].to_numpy())
    np.testing.assert_allclose(fit.vcov, dense(data, fit, keys, spec.get("hac", spec.get("lags"))), rtol=1e-10)


@pytest.mark.parametrize("lags", [0, 1, 7, 100])
def test_rows_in_the_order_of_time_need_no_column(lags):
    data = panel()
    table = pa.Table.from_pandas(data, preserve_index=False)
    expected = gm.ols("y ~ w + x", data.sample(frac=1.0, random_state=1), vcov={"hac": lags, "time": "k"}).vcov
    for cut in (600, 73, 5):  # pieces with fewer rows than lags, too
        pieces = [table.slice(at, cut).to_batches()[0] for at in range(0, len(data), cut)]
        np.testing.assert_allclose(gm.ols("y ~ w + x", pieces, vcov={"hac": lags}).vcov, expected, rtol=1e-9)


def test_threads_do_not_change_a_bit(tmp_path):
    for i in range(5):
        panel().iloc[i * 120 : (i + 1) * 120].to_parquet(tmp_path / f"{i}.parquet")
    fits = [
        gm.ols("y ~ w + x", tmp_path, vcov=spec, engine=gm.Local(threads=threads))
        for spec in ({"hac": 5}, SPECS[2])
        for threads in (1, 3)
    ]
    assert fits[0].vcov.tobytes() == fits[1].vcov.tobytes()
    assert fits[2].vcov.tobytes() == fits[3].vcov.tobytes()


@pytest.mark.parametrize("spec", [*SPECS, {"hac": 3}], ids=str)
def test_absorbed_factors_are_dummies(spec):
    absorbed = gm.ols("y ~ w + x | f", panel(), vcov=spec, weights="p")
    dummies = gm.ols("y ~ w + x + factor(f)", panel(), vcov=spec, weights="p")
    at = [dummies.names.index(n) for n in absorbed.names]
    np.testing.assert_allclose(absorbed.vcov, dummies.vcov[np.ix_(at, at)], rtol=1e-8)
    assert absorbed.covariance.df == dummies.covariance.df


@pytest.mark.parametrize("spec", SPECS[1:], ids=str)
def test_sums_of_a_gram_kept_by_time(spec):
    data = panel()
    columns = [c for c in (spec.get("panel"), spec.get("time", spec.get("driscoll_kraay"))) if c]
    gram = gm.gram("y ~ w + x + z", data, cluster=columns)
    np.testing.assert_allclose(
        gram.ols("y ~ w + x", vcov=spec).vcov, gm.ols("y ~ w + x", data, vcov=spec).vcov, rtol=1e-9
    )
    np.testing.assert_allclose(
        gram.iv("y ~ w + [x ~ z]", vcov=spec).vcov, gm.iv("y ~ w + [x ~ z]", data, vcov=spec).vcov, rtol=1e-9
    )


def test_generalized_linear_models_and_instruments_with_their_own_instruments():
    data = panel().assign(x2=lambda d: d.x)
    for spec in (*SPECS, {"hac": 3}):
        fit = gm.glm("y ~ w + x", data, "gaussian", vcov=spec)
        np.testing.assert_allclose(fit.vcov, gm.ols("y ~ w + x", data, vcov=spec).vcov, rtol=1e-7)
    for spec in SPECS:
        fit, own = gm.iv("y ~ w + [x ~ x2]", data, vcov=spec), gm.ols("y ~ w + x", data, vcov=spec)
        np.testing.assert_allclose(fit.vcov, own.vcov, rtol=1e-8)
        assert fit.first_stage["x"].covariance.name == own.covariance.name
        assert fit.covariance.df == own.covariance.df


def test_saved_fits_other_covariances_and_plans(tmp_path):
    fit = gm.ols("y ~ w + x", panel()).with_vcov(SPECS[2], panel())
    fit.save(tmp_path / "fit")
    loaded = gm.load(tmp_path / "fit")
    np.testing.assert_array_equal(loaded.vcov, fit.vcov)
    assert loaded.summary() == fit.summary()
    assert "DK with 2 lags by t: factor 1.00503, t with 19 degrees of freedom" in fit.summary()
    plan = gm.plan("y ~ w + x", panel(), vcov=SPECS[1])
    assert plan.columns == ("w", "x", "y", "f", "t")
    assert "NW with 2 lags by f and t: one more pass for sums by time of the scores" in str(plan)


def test_times_may_be_dates_or_text():
    data = panel()
    other = data.assign(t=pd.to_datetime("2020-01-01") + pd.to_timedelta(data.t, "D"))
    text = data.assign(t=data.t.map("{:03d}".format))
    expected = gm.ols("y ~ x", data, vcov=SPECS[2]).vcov
    for frame in (other, text):
        np.testing.assert_allclose(gm.ols("y ~ x", frame, vcov=SPECS[2]).vcov, expected, rtol=1e-12)


@pytest.mark.parametrize("text", ["hac:4", "hac:auto:t", "hac:4:t:f", "dk:t:3"])
def test_the_option_in_one_word(text):
    vcov = parse_vcov(text)
    assert vcov_spec(vcov) is not None
    assert vcov_text(vcov) == text


@pytest.mark.parametrize("text", ["hac", "hac:x", "hac:4:", "hac:4:t:f:g", "dk:t", "dk:t:1:2"])
def test_words_without_meaning(text):
    with pytest.raises(OptionError, match="write hac:LAGS"):
        parse_vcov(text)


def test_a_type_before_its_clusters_is_told_where_it_belongs():
    with pytest.raises(OptionError, match=r"--vcov CR2:firm,year: write --vcov cluster:firm,year:CR2"):
        parse_vcov("CR2:firm,year")


@pytest.mark.parametrize(
    ("spelled", "ours"),
    [
        ("hetero", "HC1"),
        ({"CRV1": "f"}, {"cluster": "f"}),
        ({"CRV1": "f + t"}, {"cluster": ["f", "t"]}),
        ({"CRV3": "f"}, {"cluster": "f", "type": "CR3"}),
    ],
)
def test_spellings_of_others(spelled, ours):
    assert vcov_spec(spelled) == vcov_spec(ours)


@pytest.mark.parametrize(
    ("vcov", "error", "said"),
    [
        ({"hac": 2, "time": "t"}, NumericalError, "rows have the same 't', 20 times: name the panel"),
        ({"hac": 2, "panel": "f"}, OptionError, "write {'hac': 4} for rows in the order of time"),
        (
            {"hac": -1},
            OptionError,
            "the number of lags is a whole number that is not negative, 'auto' or 'andrews'; found -1",
        ),
        ({"hac": True}, OptionError, "the number of lags"),
        ({"driscoll_kraay": "t", "lag": 2}, OptionError, "write {'hac': 4}"),
        ({"driscoll_kraay": "one", "lags": 2}, NumericalError, "all rows have the same 'one'"),
    ],
)
def test_what_is_wrong_is_said(vcov, error, said):
    with pytest.raises(error) as raised:
        gm.ols("y ~ x", panel().assign(one=1), vcov=vcov)
    assert said in str(raised.value)


def test_counts_have_no_order_and_rows_that_are_read_once_no_second_pass():
    data = panel().assign(c=2)
    with pytest.raises(OptionError, match="NW does not go with counts"):
        gm.ols("y ~ x", data, counts="c", vcov={"hac": 2})
    batches = iter(pa.Table.from_pandas(data).to_batches())
    with pytest.raises(DataError, match="can be read once only"), warnings.catch_warnings():
        gm.ols("y ~ x", batches, vcov=SPECS[2])


def test_twoway_says_how_it_is_spelled():
    with pytest.raises(OptionError, match="name clusters as in"):
        gm.ols("y ~ x | f", panel(), vcov="twoway")


def test_andrews_bandwidth_is_of_every_series_and_in_no_unit(tmp_path):
    data = panel().drop(columns="z")
    spec = {"hac": "andrews", "time": "k"}
    fit = gm.ols("y ~ w + x", data, vcov=spec)
    name = fit.covariance.name
    table = pa.Table.from_pandas(data, preserve_index=False)
    for cut in (600, 73):
        pieces = [table.slice(at, cut).to_batches()[0] for at in range(0, len(data), cut)]
        again = gm.ols("y ~ w + x", pieces, vcov={"hac": "andrews"})
        np.testing.assert_allclose(again.vcov, fit.vcov, rtol=1e-9)
        assert again.covariance.name == name.removesuffix(" by k")
    for unit in (1e-100, 1e100):
        assert gm.ols("y ~ w + x", data.assign(y=data.y * unit), vcov=spec).covariance.name == name
    absorbed, dummies = (gm.ols(f"y ~ w + x {f}", data, vcov={"hac": "andrews"}) for f in ("| f", "+ factor(f)"))
    assert absorbed.covariance.name.startswith("NW with a bandwidth of ")
    assert np.isfinite(dummies.vcov).all()
    fit.save(tmp_path / "a.fit")
    assert gm.load(tmp_path / "a.fit").summary() == fit.summary()
    kraay = gm.ols("y ~ w + x", data, vcov={"driscoll_kraay": "t", "lags": "andrews"})
    assert kraay.covariance.name.startswith("DK with a bandwidth of")
    assert gm.glm("y ~ w + x", data, "gaussian", vcov=spec).covariance.name == name
    assert "NW with a bandwidth by Andrews" in str(gm.plan("y ~ x", data, vcov={"hac": "andrews"}))
    for text in ("hac:andrews", "hac:andrews:k", "dk:t:andrews"):
        assert vcov_text(parse_vcov(text)) == text
    with pytest.raises(OptionError, match="chooses the bandwidth of one series, not within panels"):
        gm.ols("y ~ x", data, vcov={"hac": "andrews", "time": "t", "panel": "f"})


def test_automatic_lags_of_a_constant_alone_are_of_its_own_scores():
    data = panel().assign(y=lambda d: np.convolve(d.y, np.ones(9), "same"))
    assert gm.ols("y ~ 1", data, vcov={"hac": "auto"}).covariance.name != "NW with 0 lags"
