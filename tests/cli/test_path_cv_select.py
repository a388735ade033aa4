"""Paths, cross-validations and selections of Grams on the command line."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest

import gramian as gm
from gramian.cli.main import main

FORMULA = "y ~ x + z + f"


@pytest.fixture
def data(tmp_path, monkeypatch):
    rng = np.random.default_rng(3)
    n = 120
    table = pd.DataFrame({"x": rng.normal(5, 1, n), "z": rng.normal(size=n), "f": rng.choice(list("abc"), n)})
    table["y"] = table.x + 2 * table.z + rng.normal(size=n)
    table["g"], table["firm"] = rng.integers(1, 4, n), rng.integers(0, 9, n)
    monkeypatch.chdir(tmp_path)
    table.to_parquet("d.parquet")
    return table


@pytest.fixture
def ran(data, capsys):
    def done(*arguments, code=0):
        returned = main([str(a) for a in arguments])
        told = capsys.readouterr()
        assert returned == code, told.err
        return told.err if code else told.out

    return done


@pytest.fixture
def folds(ran):
    ran("gram", FORMULA, "d.parquet", "--folds", 5, "--cluster", "firm", "-o", "f.gram")
    return gm.load("f.gram")


@pytest.fixture
def groups(ran):
    ran("gram", FORMULA, "d.parquet", "--by", "g", "-o", "g.gram")
    return gm.load("g.gram")


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_the_commands_run_as_processes(run, folder):
    made = run("gram", "y ~ x + z + group", "parts/1.parquet", "--folds", "3", "-o", "a.gram")
    assert made.returncode == 0, made.stderr
    done = run("cv", "a.gram")
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 folds of" in done.stdout


def test_path(ran, folds):
    told, found = json.loads(ran("path", "f.gram", "--format", "json")), folds.path()
    assert told["schema"] == "gramian.path/1"
    assert [step["alpha"] for step in told["steps"]] == found.alphas.tolist()
    assert told["steps"][-1]["coefficients"] == dict(zip(found.names, found.coefficients[-1].tolist(), strict=True))
    assert ran("path", "f.gram") == found.summary() + "\n"
    table = rows(
        ran("path", "f.gram", "--l1-ratio", 0.5, "--alphas", "0.1,0.01", "--formula", "y ~ x", "--format", "csv")
    )
    assert [(row["step"], row["term"]) for row in table] == [(s, t) for s in "01" for t in ("Intercept", "x")]


def test_path_of_a_group(ran, groups):
    told = json.loads(ran("path", "g.gram", "--where", 2, "--standardize", "--format", "json"))
    assert told["rows"] == groups.ols(where=2).rows
    message = "error: where: no rows have g = 9 (there are 1, 2, 3)\n"
    assert ran("path", "g.gram", "--where", "9", code=2) == message


def test_cv(ran, folds, groups):
    told, found = json.loads(ran("cv", "f.gram", "--format", "json")), folds.cross_validate()
    assert (told["best_alpha"], told["one_se_alpha"]) == (found.best_alpha, found.one_se_alpha)
    assert [row["mean_error"] for row in told["table"]] == found.mean_error.tolist()
    assert told["best"] == dict(zip(found.fit.names, found.fit.coefficients.tolist(), strict=True))
    table = rows(ran("cv", "g.gram", "--alphas", "1,2", "--format", "csv"))
    assert [float(row["mean_error"]) for row in table] == groups.cross_validate(alphas=[1, 2]).mean_error.tolist()
    assert "9 to 9" not in ran("cv", "f.gram", "--l1-ratio", 1)


def test_select(ran, folds):
    told, found = json.loads(ran("select", "f.gram", "--criterion", "bic", "--format", "json")), folds.select("bic")
    assert (told["criterion"], told["best"]["formula"]) == ("bic", found.best.formula)
    table = rows(ran("select", "f.gram", "--method", "backward", "--format", "csv"))
    assert [row["terms"] for row in table if row["best"] == "true"] == [
        " + ".join(folds.select("aic", "backward").terms)
    ]
    assert ran("select", "f.gram", "--count", 2) == folds.select(count=2).summary() + "\n"


def test_pictures(ran, folds, tmp_path):
    for command in ("path", "cv", "select"):
        ran(command, "f.gram", "--plot", f"{command}.svg")
        assert (tmp_path / f"{command}.svg").read_bytes().startswith(b"<?xml")
    assert "pictures are .png, .svg or .pdf" in ran("path", "f.gram", "--plot", "a.txt", code=2)


def test_clusters_and_groups_in_fit(ran, folds, groups, data):
    fit = json.loads(ran("fit", "y ~ x", "f.gram", "--vcov", "cluster:firm:CR3", "--format", "json"))
    told = gm.ols("y ~ x", data, vcov={"cluster": "firm", "type": "CR3"})
    errors = [c["std_error"] for c in fit["coefficients"]]
    np.testing.assert_allclose(errors, told.std_errors, rtol=1e-9)
    fits = json.loads(ran("fit", "y ~ x", "g.gram", "--by", "g", "--format", "json"))["fits"]
    assert len(fits) == 3
    assert "--by f: their sums are not kept; there are those of g" in ran("fit", "y ~ x", "g.gram", "--by", "f", code=2)
    assert "--vcov has no meaning with --ridge" in ran(
        "fit", "y ~ x", "f.gram", "--vcov", "cluster:firm", "--ridge", 1, code=2
    )


def test_inspect_tells_what_is_kept_and_warns(ran, folds, groups):
    assert "5 folds; 9 clusters by firm" in ran("inspect", "f.gram")
    told = ran("inspect", "f.gram")
    assert "clusters have 30 rows or fewer; their values can be worked out from these products" in told
    assert "3 groups by g" in ran("inspect", "g.gram")


def test_what_is_missing_is_said(ran, folds):
    ran("gram", FORMULA, "d.parquet", "-o", "plain.gram")
    assert "make it with gramian gram ... --folds 10" in ran("cv", "plain.gram", code=2)
    assert ran("path", "f.gram", "--alphas", "a,b", code=2) == (
        "error: --alphas must be numbers separated by commas, such as 0.1,1,10; found 'a,b'\n"
    )
    assert "by does not go with folds" in ran(
        "gram", FORMULA, "d.parquet", "--folds", 2, "--by", "g", "-o", "a.gram", code=2
    )
    assert "already there" in ran("path", "f.gram", "f.gram", code=3)


def test_what_was_chosen_is_saved_to_predict_from(ran, folds, data):
    best, chosen = folds.path(penalties={"f": 0, "x": 2}), folds.cross_validate(l1_ratio=1.0)
    fits = {
        ("path", "--penalty", "f=0", "--penalty", "x=2", "--criterion", "aic"): best.best("aic"),
        ("path", "--penalty", "f=0", "--penalty", "x = 2"): best.best("bic"),
        ("cv", "--l1-ratio", 1): chosen.fit,
        ("cv", "--l1-ratio", 1, "--one-se"): chosen.one_se_fit,
        ("select", "--criterion", "bic"): folds.select("bic").best,
    }
    for (command, *options), fit in fits.items():
        ran(command, "f.gram", *options, "--save", "a.fit")
        told = [float(row["fit"]) for row in rows(ran("predict", "a.fit", "d.parquet"))]
        assert told == fit.predict(data).tolist()
        assert fit.formula in ran("inspect", "a.fit")


def test_a_saved_penalised_fit_on_the_command_line(ran, folds):
    ran("cv", "f.gram", "--l1-ratio", 1, "--save", "a.fit")
    alpha = folds.cross_validate(l1_ratio=1.0).best_alpha
    assert f"lasso, alpha = {alpha:.6g}" in ran("inspect", "a.fit")
    told = ran("predict", "a.fit", "d.parquet", "--interval", "confidence", code=2)
    assert told == "error: --interval needs a covariance, which a fit chosen by a penalty does not have\n"
    for given in ("f", "=2", "f=", "f=x"):
        assert f"as in --penalty x=0; found '{given}'" in ran("path", "f.gram", "--penalty", given, code=2)
    assert "--penalty gives 'f' twice" in ran("cv", "f.gram", "--penalty", "f=1", "--penalty", "f=2", code=2)
    assert "no term 'q'" in ran("cv", "f.gram", "--penalty", "q=1", code=2)
    assert "it goes with --save" in ran("cv", "f.gram", "--one-se", code=2)
    assert "f.gram is one of the inputs" in ran("select", "f.gram", "--save", "f.gram", code=2)


def test_a_fit_of_a_group(ran, groups):
    told = json.loads(ran("fit", "y ~ x", "g.gram", "--where", 2, "--format", "json"))
    fit = groups.ols("y ~ x", where=2)
    assert (told["rows"], [c["estimate"] for c in told["coefficients"]]) == (fit.rows, fit.coefficients.tolist())
    assert "no rows have g = 9" in ran("fit", "y ~ x", "g.gram", "--where", "9", code=2)
    assert "take one of the two" in ran("fit", "y ~ x", "g.gram", "--where", 2, "--by", "g", code=2)
    assert "--where" not in ran("fit", "y ~ x", "d.parquet", "--where", "x > 0")
    unnamed = "error: where: 2 names no column; write it as in --where \"x > 0 & carrier == 'AA'\"\n"
    assert ran("fit", "y ~ x", "d.parquet", "--where", 2, code=2) == unnamed
