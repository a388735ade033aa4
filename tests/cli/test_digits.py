"""`gramian fit` with --digits, --strict, --exact, --decimal."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def hopeless(folder):
    """Two columns 1e-9 apart: under a penalty nothing finer than float64 sums says whether they are one."""
    path = folder / "hopeless.csv"
    path.write_text("x,z,y\n" + "".join(f"{i},{i + 1e-9 * (i % 3)},{i * i}\n" for i in range(9)))
    return path.name


def test_digits_are_in_every_format(run) -> None:
    told = json.loads(run("fit", "y ~ x", "data.parquet", "--format", "json").stdout)
    assert told["accuracy"]["tier"] == "refined"
    assert told["accuracy"]["digits"] > 15
    assert told["coefficients"][1]["digits"] > 15
    assert "certified digits: 15.9 in every coefficient" in run("fit", "y ~ x", "data.parquet").stdout
    assert run("fit", "y ~ x", "data.parquet", "--format", "csv").stdout.splitlines()[0].endswith(",digits")


def test_exact_sums_and_decimals(run, folder) -> None:
    (folder / "tenths.csv").write_text("x,y\n0.1,0.3\n0.2,0.5\n0.4,0.9\n")
    told = json.loads(run("fit", "y ~ x", "tenths.csv", "--decimal", "exact", "--format", "json").stdout)
    assert told["accuracy"]["tier"] == "exact"
    assert [c["estimate"] for c in told["coefficients"]] == [0.1, 2.0]
    assert (
        json.loads(run("fit", "y ~ x", "tenths.csv", "--exact", "--format", "json").stdout)["accuracy"]["passes"] == 1
    )


def test_what_cannot_be_certified(run, hopeless) -> None:
    plain = run("fit", "y ~ x + z", hopeless, "--ridge", "1e-9")
    assert plain.returncode == 0
    assert plain.stderr.startswith("warning: certified digits of standard errors: Intercept has 0.0")
    strict = run("fit", "y ~ x + z", hopeless, "--ridge", "1e-9", "--strict")
    assert strict.returncode == 4
    assert strict.stderr.startswith("error: certified digits of standard errors: Intercept has 0.0")
    assert strict.stdout == ""
    lost = run("fit", "y ~ x + z", hopeless, "--ridge", "1e-30")
    assert lost.returncode == 4
    assert lost.stderr.startswith("error: a penalty of 1e-30 is below the rounding of the products")
    assert run("fit", "y ~ x + z", hopeless, "--strict").returncode == 0


def test_strict_refuses_what_has_no_certified_digits(run) -> None:
    absorbed = run("fit", "y ~ x | group", "data.parquet", "--vcov", "HC1", "--strict")
    assert absorbed.returncode == 4
    assert absorbed.stderr.startswith("error: standard errors not certified: what absorbed factors cost robust ones")
    assert run("fit", "y ~ x | group", "data.parquet", "--strict").returncode == 0
    generalized = run("fit", "y ~ x", "data.parquet", "--family", "gaussian", "--strict")
    assert generalized.returncode == 4
    assert generalized.stderr.startswith("error: digits not certified: the iterations stop at a tolerance")


def test_options_that_do_not_go_together(run) -> None:
    assert (
        "--digits does not go with --family"
        in run("fit", "y ~ x", "data.parquet", "--family", "poisson", "--digits", "9").stderr
    )
    assert "--exact does not go with --ridge" in run("fit", "y ~ x", "data.parquet", "--ridge", "1", "--exact").stderr
    assert (
        "digits must be a number from 0 to 15, found 20.0"
        in run("fit", "y ~ x", "data.parquet", "--digits", "20").stderr
    )
    explained = run("fit", "y ~ x", "data.parquet", "--explain", "--digits", "12")
    assert "12 certified are wanted" in explained.stdout
