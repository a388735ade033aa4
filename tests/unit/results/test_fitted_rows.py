"""Predictions without data: for the rows of the fit, read again."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import gramian as gm
from gramian.errors import DataError, OptionError
from gramian.results.save_rows import KEY, without_rows

RNG = np.random.default_rng(4)
FRAME = pd.DataFrame({"x": RNG.normal(size=50), "z": RNG.normal(size=50), "y": RNG.normal(size=50)})
FRAME["hit"] = (FRAME.y > 0).astype(float)
FRAME.loc[3, "x"] = np.nan
FITS = {
    "linear": lambda data: gm.ols("y ~ x + z", data),
    "robust": lambda data: gm.ols("y ~ x + z", data).with_vcov("HC1", data),
    "ridge": lambda data: gm.ridge("y ~ x + z", data, alpha=1.0),
    "wide": lambda data: gm.ols("y ~ x + z", data, solver="iterative"),
    "glm": lambda data: gm.glm("hit ~ x", data),
    "curve": lambda data: gm.curve("y ~ a + b * x", data),
}


@pytest.fixture
def path(tmp_path):
    FRAME.to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv"


@pytest.mark.parametrize("name", FITS)
def test_the_rows_of_the_fit_are_read_again(name, path, tmp_path, monkeypatch):
    for data in (FRAME, pa.table(FRAME.to_dict("list")), path, [str(path)], str(tmp_path / "*.csv"), gm.csv(path)):
        fit = FITS[name](data)
        np.testing.assert_array_equal(fit.predict(), fit.predict(data))
        if name in ("linear", "glm", "curve"):
            assert fit.augment()[".fitted"].equals(fit.augment(data)[".fitted"])
    monkeypatch.chdir(tmp_path)
    FITS[name]("rows.csv").save("a.fit")
    monkeypatch.chdir("/")
    saved = gm.load(tmp_path / "a.fit")
    np.testing.assert_array_equal(saved.predict(), saved.predict(path))
    saved.save(tmp_path / "b.fit")
    assert (tmp_path / "a.fit").read_bytes() == (tmp_path / "b.fit").read_bytes()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(saved)).predict(), saved.predict())


def test_files_that_have_changed_are_refused(path, tmp_path):
    fit = gm.ols("y ~ x", tmp_path / "*.csv")
    fit.save(tmp_path / "a.fit")
    FRAME.to_csv(tmp_path / "more.csv", index=False)
    for read in (fit, gm.load(tmp_path / "a.fit")):
        with pytest.raises(DataError, match=r"more.csv: has changed since the fit, whose rows it holds no more: give"):
            read.predict()
    (tmp_path / "more.csv").unlink()
    fit.predict()
    os.utime(path, ns=(0, 0))
    with pytest.raises(DataError, match=r"rows.csv: has changed since the fit"):
        fit.predict()
    path.unlink()
    with pytest.raises(DataError):
        fit.predict()


def test_the_reason_why_there_are_no_rows(tmp_path):
    once = gm.ols("y ~ x", iter([pa.record_batch(FRAME[["x", "y"]])]))
    in_memory = gm.ols("y ~ x", FRAME)
    in_memory.save(tmp_path / "a.fit")
    refused = {
        "could be read once only: give the data": once,
        "copy of a fit whose rows were in memory": pickle.loads(pickle.dumps(in_memory)),
        "this file of a fit does not say where its rows are": gm.load(tmp_path / "a.fit"),
        "this fit does not know its rows": gm.gram("y ~ x", FRAME).ols(),
    }
    for reason, fit in refused.items():
        with pytest.raises(OptionError, match=reason):
            fit.predict()


def test_a_saved_fit_knows_how_its_files_are_written(tmp_path, monkeypatch):
    FRAME.to_csv(tmp_path / "rows.txt", index=False, sep=";", decimal=",", header=False, encoding="utf-16")
    data = gm.csv(tmp_path / "rows.txt", sep=";", decimal=",", encoding="utf-16", header=list(FRAME), na_values=["?"])
    fit = gm.ols("y ~ x + z", data)
    fit.save(tmp_path / "a.fit")
    monkeypatch.chdir("/")
    saved = gm.load(tmp_path / "a.fit")
    np.testing.assert_array_equal(saved.predict(), fit.predict(data))
    os.utime(tmp_path / "rows.txt", ns=(0, 0))
    with pytest.raises(DataError, match=r"rows.txt: has changed since the fit"):
        saved.predict()


@pytest.mark.parametrize(
    "reading",
    [
        {"format": "other"},
        {"format": "csv"},
        {"format": "csv", "dialect": "{}", "version": "1"},
        {"format": "delta", "version": "-1"},
        {"format": "iceberg"},
        {"dialect": "{}"},
    ],
)
def test_a_file_that_says_otherwise_how_its_rows_are_read(reading):
    content = {"paths": ["/rows"], "files": [["/rows", 1, 1]], "reading": reading}
    with pytest.raises(ValueError, match=r"rows of a fit|has no version"):
        without_rows({KEY: content})


@pytest.mark.parametrize("dialect", ["{", "[]", "{}", '{"encoding": 1}', '{"na_values": 1, "header": {}}'])
def test_a_dialect_that_makes_no_sense(path, dialect):
    content = {"paths": [str(path)], "files": [[str(path), 1, 1]], "reading": {"format": "csv", "dialect": dialect}}
    rows, _ = without_rows({KEY: content})
    with pytest.raises(OptionError, match="how the files are written makes no sense"):
        rows.read_again()


def test_a_penalized_fit_says_that_it_does_not_know_its_rows():
    with pytest.raises(OptionError, match="this fit does not know its rows: give the data"):
        gm.gram("y ~ x + z", FRAME).path()[1].predict()


def test_the_rows_of_a_group_are_read_again(tmp_path):
    frame = FRAME.assign(g=np.where(FRAME.z > 0, "u", "v"), k=FRAME.hit.astype(int))
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=13)
    for data in (frame, tmp_path / "rows.parquet"):
        fits = gm.ols("y ~ x", data, by="g")
        for name in "uv":
            np.testing.assert_array_equal(fits[name].predict(), fits[name].predict(frame[frame.g == name]))
        fits = gm.ols("c(y, z) ~ x", data, by=["g", "k"])
        rows = frame[(frame.g == "v") & (frame.k == 1)]
        np.testing.assert_array_equal(fits["z", "v", 1].predict(), fits["z", "v", 1].predict(rows))
        fits = gm.ols("c(y, z) ~ x", data)
        np.testing.assert_array_equal(fits["z"].predict(), fits["z"].predict(data))
        np.testing.assert_array_equal(gm.fits("y ~ x", data)["y"].predict(), gm.ols("y ~ x", data).predict())
    copied = pickle.loads(pickle.dumps(gm.ols("y ~ x", frame, by="g")))
    with pytest.raises(OptionError, match="copy of a fit whose rows were in memory"):
        copied["u"].predict()
    assert len(pickle.dumps(gm.ols("y ~ x", frame, by="g"))) < len(pickle.dumps(gm.ols("y ~ x", frame))) * 8
