"""Conley's errors: the definition by a loop over rows, laws of cubes, absorbed factors, Grams and files; messages."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import gramian as gm
from gramian.cli.main import gramian
from gramian.cli.vcov import parse_vcov, vcov_text
from gramian.errors import GramianError, OptionError
from gramian.fit.vcov import job
from gramian.fit.vcov.spatial.neighbours import Nearness, places, spatial_meat

CONLEY = {"conley": 900, "lat": "lat", "lon": "lon"}
EARTHS = {None: (6371.0088, None), "R": (6371.01, None), "fixest": (6376.0, 111.0)}  # radius, km of a degree


def frame(n=240, seed=0, **columns):
    """Rows all over the earth, several at a place, both poles and the line of dates among them."""
    rng = np.random.default_rng(seed)
    lat, lon = np.degrees(np.arcsin(rng.uniform(-1, 1, n))).round(), rng.uniform(-180, 180, n).round(-1)
    lat[:6], lon[:6], lon[6:40] = [90, 90, -90, -90, 89, 89], [0, 170, 0, 10, 5, -175], rng.choice([-180, 180, 179], 34)
    x = rng.normal(size=n) + np.sin(lat / 20)
    y = x + np.cos(lon / 40) + rng.normal(size=n)
    drawn = {"p": rng.uniform(1, 2, n), "z": x + rng.normal(size=n), "f": rng.integers(0, 9, n), "c": rng.poisson(2, n)}
    return pd.DataFrame({"y": y, "x": x, "lat": lat, "lon": lon, **drawn, **columns})


def by_loop(data, cutoff, kernel, distance, radius, degree, factor):
    """The covariance by its definition, pair by pair of rows, with haversines."""
    X = np.column_stack([np.ones(len(data)), data.x])
    S = X * (data.y - X @ np.linalg.lstsq(X, data.y, rcond=None)[0]).to_numpy()[:, None]
    lat, lon, meat = np.radians(data.lat.to_numpy()), np.radians(data.lon.to_numpy()), np.zeros((2, 2))
    for i in range(len(data)):
        south, east = lat - lat[i], np.abs(lon - lon[i])
        haversine = np.sin(south / 2) ** 2 + np.cos(lat) * np.cos(lat[i]) * np.sin(east / 2) ** 2
        d = 2 * radius * np.arcsin(np.sqrt(np.minimum(haversine, 1)))
        if distance == "triangular":
            east = np.minimum(east, 2 * np.pi - east) * np.cos((lat + lat[i]) / 2)
            d = (degree or radius * np.pi / 180) * np.degrees(np.hypot(south, east))
        meat += np.outer(S[i], ((d <= cutoff) if kernel == "uniform" else np.maximum(1 - d / cutoff, 0)) @ S)
    bread = np.linalg.inv(X.T @ X)
    return bread @ meat @ bread * factor


@pytest.mark.parametrize("like", EARTHS)
@pytest.mark.parametrize("kernel", ["uniform", "bartlett"])
@pytest.mark.parametrize("distance", ["spherical", "triangular"])
def test_the_definition(kernel, distance, like):
    data, n = frame(), 240
    factor = {None: n / (n - 2), "R": 1.0, "fixest": (n - 1) / (n - 2)}[like]
    for cutoff in (333.3, 2222.2):
        fit = gm.ols(
            "y ~ x", data, vcov={**CONLEY, "conley": cutoff, "kernel": kernel, "distance": distance}, like=like
        )
        expected = by_loop(data, cutoff, kernel, distance, *EARTHS[like], factor)
        assert (expected.diagonal() > 0).all()
        np.testing.assert_allclose(fit.vcov, expected, rtol=1e-10)
    assert gm.ols("y ~ x", data, vcov=CONLEY, like="fixest").covariance.name.endswith(
        "(uniform, triangular) by lat and lon"
    )


@pytest.mark.parametrize("cutoff", [0.5, 40.0, 700.0, 7000.0, 30000.0])
@pytest.mark.parametrize("spread", [0.01, 20.0, 180.0])
@pytest.mark.parametrize("triangular", [False, True])
def test_cubes_lose_no_pair(cutoff, spread, triangular):
    rng = np.random.default_rng(3)
    n = 900
    where = places(np.clip(60 + spread * rng.uniform(-1, 1, n), -90, 90), 175 + spread * rng.uniform(-1, 1, n))
    S, near = rng.normal(size=(n, 2)), Nearness(cutoff, "bartlett", triangular, 6371.0, 111.0)
    expected = S.T @ (near.weights(where, where) @ S)
    np.testing.assert_allclose(spatial_meat(where, S, near).meat, expected, rtol=1e-10, atol=1e-9 * n)


def test_other_models_agree(tmp_path):
    data, kinds = frame(), ({**CONLEY, "kernel": "bartlett"}, {**CONLEY, "conley": 300})
    for spec in kinds:
        absorbed, dummies = (
            gm.ols("y ~ x | f", data, vcov=spec, weights="p"),
            gm.ols("y ~ x + factor(f)", data, vcov=spec, weights="p"),
        )
        np.testing.assert_allclose(absorbed.std_errors, dummies.std_errors[dummies.names.index("x")], rtol=1e-9)
        fit = gm.ols("y ~ x", data, vcov=spec)
        gram = gm.gram("y ~ x + z", data, cluster=["lat", "lon"])
        np.testing.assert_allclose(gram.ols("y ~ x", vcov=spec).vcov, fit.vcov, rtol=1e-8)
        np.testing.assert_allclose(gm.glm("y ~ x", data, "gaussian", vcov=spec).vcov, fit.vcov, rtol=1e-7)
        np.testing.assert_allclose(gm.iv("y ~ [x ~ q]", data.assign(q=data.x), vcov=spec).vcov, fit.vcov, rtol=1e-8)
        stored = gram.iv("y ~ [x ~ z]", vcov=spec)
        np.testing.assert_allclose(stored.vcov, gm.iv("y ~ [x ~ z]", data, vcov=spec).vcov, rtol=1e-7)
    assert np.isfinite(gm.glm("c ~ x", data, "poisson", vcov=CONLEY).std_errors).all()


def test_files_threads_and_many_at_once(tmp_path):
    data = frame()
    for i in range(4):
        data.iloc[i * 60 : (i + 1) * 60].to_parquet(tmp_path / f"{i}.parquet")
    one, two = (gm.ols("y ~ x", tmp_path, vcov={"conley": 900}, engine=gm.Local(threads=t)) for t in (1, 3))
    assert one.vcov.tobytes() == two.vcov.tobytes()
    np.testing.assert_allclose(one.vcov, gm.ols("y ~ x", data).with_vcov({"conley": 900}, data).vcov, rtol=1e-12)
    one.save(tmp_path / "a.fit")
    again = gm.load(tmp_path / "a.fit")
    assert again.summary() == one.summary()
    assert "Conley within 900 km (uniform) by lat and lon: factor 1.0084, t with 238 degrees" in one.summary()
    fits = gm.ols("c(y, z) ~ x", data, vcov=CONLEY)
    np.testing.assert_allclose(fits["y"].vcov, one.vcov, rtol=1e-10)
    by = gm.ols("y ~ x", data, by="f", vcov=CONLEY)
    np.testing.assert_allclose(by[3].vcov, gm.ols("y ~ x", data[data.f == 3], vcov=CONLEY).vcov, rtol=1e-10)
    plan = gm.plan("y ~ x", data, vcov=CONLEY)
    assert plan.columns == ("x", "y", "lat", "lon")
    assert "sums by place of the scores; in memory a number for each place and column" in str(plan)


def fit_by(path, vcov):
    arguments = ["fit", "y ~ x", str(path), "--vcov", vcov, "--format", "json"]
    return CliRunner().invoke(gramian, arguments, standalone_mode=False)


def test_on_the_command_line(tmp_path):
    data = frame()
    data.to_csv(tmp_path / "a.csv", index=False)
    for text in ("conley:900", "conley:900:lat:lon", "conley:900:bartlett", "conley:900:lat:lon:bartlett"):
        done = fit_by(tmp_path / "a.csv", text)
        assert done.exit_code == 0, done.output
        kernel = "bartlett" if text.endswith("bartlett") else "uniform"
        assert f"Conley within 900 km ({kernel}) by lat and lon" in done.output
        assert vcov_text(parse_vcov(text)) == text
    for text in ("conley", "conley:far", "conley:900:lat"):
        with pytest.raises(OptionError, match="write conley:KM or conley:KM:LAT:LON"):
            parse_vcov(text)


@pytest.mark.parametrize(
    ("spec", "columns", "said"),
    [
        ({"conley": 0}, {}, "'conley' is the cutoff in km, a number above 0; found 0"),
        ({"conley": True}, {}, "a number above 0; found True"),
        ({**CONLEY, "kernel": "parzen"}, {}, "kernel must be one of 'uniform', 'bartlett', found 'parzen'"),
        ({**CONLEY, "distance": "flat"}, {}, "distance must be one of 'spherical', 'triangular', found 'flat'"),
        ({**CONLEY, "lags": 2}, {}, "with the cutoff in km"),
        ({**CONLEY, "lon": "lat"}, {}, "different columns, found 'lat' for both"),
        ({**CONLEY, "lat": "nope"}, {}, "no column 'nope'"),
        ({"conley": 900}, {"latitude": 1.0}, "which column is the latitude, 'lat' or 'latitude'? Name it as in"),
        ({"conley": 1e5}, {}, "places lie within 100000 km of each other, so that the covariance is zero"),
        (CONLEY, {"lat": 1.0, "lon": 2.0}, "all rows are at one place by lat and lon"),
        (CONLEY, {"lat": 106.4}, "column 'lat' has 106.4: latitudes lie between -90 and 90 degrees"),
        (CONLEY, {"lon": np.inf}, "column 'lon' has inf: longitudes lie between -360 and 360"),
        (CONLEY, {"lat": "north"}, "needs latitudes and longitudes as numbers, in degrees"),
        (CONLEY, {"lat": np.nan}, "is null in 240 of the rows that the fit uses"),
        ("conley", {}, "name the cutoff in km, as in {'conley': 100}"),
    ],
    ids=str,
)
def test_refusals_are_sentences(spec, columns, said):
    with pytest.raises(GramianError) as raised:
        gm.ols("y ~ x", frame(**columns), vcov=spec)
    assert said in str(raised.value)


def test_packages_without_it_and_too_many_places(monkeypatch):
    for like in ("stata", "statsmodels"):
        with pytest.raises(GramianError, match=f"{like} has no Conley"):
            gm.ols("y ~ x", frame(), vcov=CONLEY, like=like)
    monkeypatch.setattr(job, "cluster_memory", lambda: 1000)
    with pytest.raises(GramianError, match=r"\d+ places by lat and lon, each with 2 sums, need .* or round the coord"):
        gm.ols("y ~ x", frame(), vcov=CONLEY)


def test_nothing_depends_on_the_unit_of_the_outcome():
    data = frame()
    fit = gm.ols("y ~ x", data, vcov=CONLEY)
    for unit in (1e-140, 1e140):
        scaled = gm.ols("y ~ x", data.assign(y=data.y * unit, x=data.x * unit), vcov=CONLEY)
        np.testing.assert_allclose(scaled.std_errors, fit.std_errors * [unit, 1], rtol=1e-9)
