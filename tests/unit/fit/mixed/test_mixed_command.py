"""The commands `gramian mixed` and `gramian panel`, in this process."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import gramian as gm
from gramian.cli.main import gramian

MIXED = "y ~ x + (1 | group)"


@pytest.fixture
def path(tmp_path):
    rng = np.random.default_rng(11)
    x, group = rng.normal(size=200), rng.integers(0, 12, 200)
    rows = pd.DataFrame({"x": x, "group": group, "y": x + rng.normal(size=12)[group] + rng.normal(size=200)})
    rows.to_parquet(tmp_path / "data.parquet")
    return tmp_path / "data.parquet"


def run(*arguments):
    done = CliRunner().invoke(gramian, list(map(str, arguments)), standalone_mode=False)
    assert done.return_value == 0, done.stderr
    return done.stdout


def refused(*arguments):
    done = CliRunner().invoke(gramian, list(map(str, arguments)), standalone_mode=False)
    assert done.return_value == 2
    return done.stderr


def test_a_mixed_model_is_printed_saved_drawn_and_predicts(path):
    saved, drawn = path.with_name("mixed.fit"), path.with_name("mixed.png")
    out = json.loads(run("mixed", MIXED, path, "--format", "json", "--save", saved, "--plot", drawn))
    fit = gm.mixed(MIXED, path)
    assert [c["df"] for c in out["coefficients"]] == fit.df.tolist()
    assert (out["method"], out["by"], len(out["variance_components"])) == ("REML", ["group"], 2)
    assert drawn.stat().st_size > 1000
    assert gm.load(saved).summary() == fit.summary()
    lines = run("predict", saved, path).split()
    np.testing.assert_allclose(float(lines[1]), fit.predict()[0], rtol=1e-12)
    assert run("mixed", MIXED, path, "--ml").startswith("Linear mixed model by maximum likelihood")
    profiled = json.loads(run("mixed", MIXED, path, "--profile", "--format", "json"))["profile"]
    assert profiled["intervals"] == fit.profile().to_pylist()
    assert "profile likelihood" in run("mixed", MIXED, path, "--profile")
    assert "table or json" in refused("mixed", MIXED, path, "--profile", "--format", "csv")
    explained = run("mixed", MIXED, path, "--explain", "--profile")
    assert "Newton's method" in explained
    assert explained.splitlines()[-1].startswith("profile  one more pass")
    assert gm.plan(MIXED, path).columns == ("x", "y", "group")
    assert "has no random effects" in refused("mixed", "y ~ x", path)


def test_a_panel_has_three_estimators(path):
    for estimator, title in (("random", "Swamy"), ("mundlak", "Mundlak"), ("between", "Between")):
        arguments = ("panel", "y ~ x", path, "--panel", "group", "--estimator", estimator)
        assert title in run(*arguments).splitlines()[0]
        assert "every value of 'group'" in run(*arguments, "--explain")
    out = json.loads(run("panel", "y ~ x", path, "--panel", "group", "--cluster", "--format", "json"))
    fit = gm.random_effects("y ~ x", path, panel="group", vcov={"cluster": "group"})
    assert [c["std_error"] for c in out["coefficients"]] == fit.std_errors.tolist()
    wrong = refused("panel", "y ~ x", path, "--panel", "group", "--cluster", "--estimator", "between")
    assert "one row for each group" in wrong
