"""Robust standard errors from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import gramian as gm
from gramian.cli.vcov import parse_vcov
from gramian.errors import OptionError


@pytest.mark.parametrize(
    ("word", "vcov"),
    [
        ("HC3", "HC3"),
        ("cluster:group,w", {"cluster": ["group", "w"]}),
        ("cluster:group:CR2", {"cluster": "group", "type": "CR2"}),
        ("cluster:w:CR3", {"cluster": "w", "type": "CR3"}),
    ],
)
def test_json_has_the_recipe(run: Any, folder: Path, word: str, vcov: Any) -> None:
    done = run("fit", "y ~ x + z", "data.parquet", "--vcov", word, "--format", "json")
    told = json.loads(done.stdout)
    fit = gm.ols("y ~ x + z", str(folder / "data.parquet"), vcov=vcov)
    assert [c["std_error"] for c in told["coefficients"]] == pytest.approx(fit.std_errors.tolist(), rel=1e-12)
    assert (told["vcov"], told["recipe"]) == (fit.covariance.name, fit.covariance.description)
    assert told["accuracy"]["passes"] == fit.passes


def test_the_table_and_the_plan_tell_it(run: Any, folder: Path) -> None:
    options = ("--vcov", "cluster:group", "--like", "stata")
    told = run("fit", "y ~ x", "parts", *options).stdout
    assert "CR1 by group: 3 clusters, factor 1.50254, t with 2 degrees of freedom, as stata" in " ".join(told.split())
    assert "one more pass for sums by cluster" in run("fit", "y ~ x", "parts", *options, "--explain").stdout
    help_text = run("fit", "--help").stdout
    assert "cluster:COLUMN" in help_text


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--vcov", "HC9"), 2, "vcov must be one of"),
        (("--vcov", "cluster"), 2, "--vcov cluster needs a column"),
        (("--vcov", "cluster:"), 2, "a column has no name"),
        (("--vcov", "cluster:grp"), 3, "no column 'grp'"),
        (("--vcov", "cluster:group", "--like", "SAS"), 2, "like must be one of"),
        (("--ridge", "1", "--vcov", "HC1"), 2, "--vcov has no meaning with --ridge"),
    ],
)
def test_refusals(run: Any, folder: Path, options: tuple[str, ...], code: int, message: str) -> None:
    done = run("fit", "y ~ x", "data.parquet", *options)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr


def test_words() -> None:
    assert parse_vcov("iid") == "iid"
    assert parse_vcov("cluster:a") == {"cluster": ["a"], "type": "CR1"}
    assert parse_vcov("cluster:a, b") == {"cluster": ["a", "b"], "type": "CR1"}
    assert parse_vcov("cluster:a:b:CR0") == {"cluster": ["a:b"], "type": "CR0"}
    assert parse_vcov("cluster:a:b") == {"cluster": ["a:b"], "type": "CR1"}
    with pytest.raises(OptionError, match="a column has no name"):
        parse_vcov("cluster:a,,b")
