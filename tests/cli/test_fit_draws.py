"""Draws of a fit from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import gramian as gm

CLUSTERED = ("--vcov", "cluster:z", "--like", "stata")


def test_the_draws_are_those_of_python(run: Any, folder: Path) -> None:
    fit = gm.ols("y ~ x", str(folder / "data.parquet"), vcov={"cluster": "z"}, like="stata")
    command = ("fit", "y ~ x", "data.parquet", *CLUSTERED, "--seed", "3", "--format", "json")
    wild = json.loads(run(*command, "--boot", "99").stdout)["bootstrap"]
    expected = fit.wild_bootstrap("x = 0", draws=99, seed=3)
    assert wild["coefficients"][1]["p_value"] == expected.p_value
    assert wild["coefficients"][1]["conf_low"] == pytest.approx(expected.conf_low, rel=1e-9)
    for kind, by in (("pairs", "cluster"), ("poisson", "row")):
        found = json.loads(run(*command, "--boot", "49", "--boot-type", kind, "--boot-weights", "exponential").stdout)
        drawn = fit.bootstrap(by=by, draws=49, seed=3, weights="exponential").to_dict()
        assert found["bootstrap"]["coefficients"][1]["std_error"] == pytest.approx(
            drawn["coefficients"][1]["std_error"], rel=1e-9
        )
    table = run("fit", "y ~ x", "data.parquet", *CLUSTERED, "--boot-type", "jackknife").stdout
    assert "standard errors CR3" in table
    assert (
        "one more pass adds products by cluster, and makes 999 draws (pairs)"
        in run("fit", "y ~ x", "data.parquet", *CLUSTERED, "--boot-type", "pairs", "--explain").stdout
    )


def test_from_a_gram_no_rows_are_read(run: Any, folder: Path) -> None:
    run("gram", "y ~ x + w", "data.parquet", "--cluster", "z", "-o", "sums.gram")
    rows = run("fit", "y ~ x", "data.parquet", *CLUSTERED, "--boot", "99", "--seed", "1").stdout
    sums = run("fit", "y ~ x", "sums.gram", *CLUSTERED, "--boot", "99", "--seed", "1").stdout
    assert "<0.01" in rows  # none of 99 draws is as far out, which is no p-value of 0
    title = "wild cluster bootstrap: 99 draws of rademacher weights for "
    assert rows[rows.index(title) :] == sums[sums.index(title) :]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--boot-type", "wild"), "needs clusters: add --vcov cluster:COLUMN"),
        (("--seed", "1"), "--seed goes with --boot"),
        (("--boot", "99", "--by", "z"), "does not go with --by"),
        (("--boot", "9"), "take 39 draws or more"),
        (("--boot", "99", "--boot-weights", "webb"), "draws are poisson, exponential, found webb"),
        (("--boot", "99", "--format", "csv"), "prints as table or json"),
        (("--boot-type", "jackknife", "--seed", "1", *CLUSTERED), "a jackknife has no draws"),
    ],
)
def test_what_is_refused(run: Any, options: tuple[str, ...], message: str) -> None:
    done = run("fit", "y ~ x", "data.parquet", *options)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
