"""`gramian fit --family`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gramian.cli.commands import fit as command
from gramian.cli.commands import predict as predict_command
from gramian.fit.glm.predict import SCALES
from gramian.models.families import FAMILIES
from gramian.models.links import LINKS

FORMULA = "late ~ x + group"


@pytest.fixture
def glm_folder(folder: Path) -> Path:
    rng = np.random.default_rng(2)
    rows = 400
    x, group = rng.normal(size=rows), rng.choice(["a", "b"], rows)
    mu = np.exp(0.3 * x + 0.2)
    columns: dict[str, Any] = {
        "x": pa.array(x, mask=np.arange(rows) < 3),
        "group": group,
        "late": np.where(rng.random(rows) < 1 / (1 + np.exp(-x)), "yes", "no"),
        "n": rng.poisson(mu),
        "o": rng.uniform(0, 0.1, rows),
        "sep": np.where(x > 0, 1.0, 0.0),
    }
    pq.write_table(pa.table(columns), folder / "glm.parquet", row_group_size=100)
    return folder


def test_the_table(run: Any, glm_folder: Path) -> None:
    done = run("fit", FORMULA, "glm.parquet", "--family", "binomial")
    assert (done.returncode, done.stderr) == (0, "")
    for word in (
        "Binomial regression, link: logit",
        "outcome: 'yes' against 'no'",
        " z ",
        "null deviance",
        "3 left out",
    ):
        assert word in done.stdout


def test_json(run: Any, glm_folder: Path) -> None:
    arguments = ("--family", "poisson", "--offset", "o", "--vcov", "HC1", "--format", "json")
    fit = json.loads(run("fit", "n ~ x", "glm.parquet", *arguments).stdout)
    assert (fit["schema"], fit["family"], fit["link"], fit["vcov"]) == ("gramian.fit/1", "poisson", "log", "HC1")
    assert fit["deviance"] < fit["null_deviance"]
    assert (fit["rows"], fit["dropped_rows"]) == (397, {"null": 3})


@pytest.mark.parametrize("form", ["csv", "md", "latex"])
def test_other_formats(run: Any, glm_folder: Path, form: str) -> None:
    done = run("fit", "n ~ x", "glm.parquet", "--family", "negative_binomial", "--theta", "3", "--format", form)
    assert done.returncode == 0
    assert "Intercept" in done.stdout
    assert done.stderr == "397 rows; left out: 3 null\n"


def test_save_and_predict(run: Any, glm_folder: Path) -> None:
    assert run("fit", FORMULA, "glm.parquet", "--family", "binomial", "--save", "late.fit").returncode == 0
    response = run("predict", "late.fit", "glm.parquet", "--interval", "confidence")
    rows = list(csv.DictReader(io.StringIO(response.stdout)))
    assert len(rows) == 400
    assert rows[0] == {"fit": "NA", "low": "NA", "high": "NA"}
    assert all(0 < float(r["low"]) < float(r["fit"]) < float(r["high"]) < 1 for r in rows[3:])
    link = run("predict", "late.fit", "glm.parquet", "--scale", "link").stdout.splitlines()
    assert 1 / (1 + np.exp(-float(link[4]))) == pytest.approx(float(rows[3]["fit"]))
    assert "late ~ x + group" in run("inspect", "late.fit").stdout
    refused = run("predict", "late.fit", "glm.parquet", "--interval", "prediction")
    assert (refused.returncode, "no prediction intervals" in refused.stderr) == (2, True)


def test_ridge_goes_with_a_family(run: Any, glm_folder: Path) -> None:
    fit = json.loads(
        run("fit", FORMULA, "glm.parquet", "--family", "binomial", "--ridge", "2", "--format", "json").stdout
    )
    assert fit["alpha"] == 2
    assert [c["term"] for c in fit["coefficients"]][2:] == ["group[a]", "group[b]"]


def test_explain_says_what_passes_are_expected(run: Any, glm_folder: Path) -> None:
    said = run("fit", FORMULA, "glm.parquet", "--family", "binomial", "--link", "probit", "--explain").stdout
    assert "about 3, 25 at most" in said
    assert "binomial, link probit" in said


def test_counts_say_how_many_rows_a_row_stands_for(run: Any, glm_folder: Path) -> None:
    arguments = "n ~ x", "glm.parquet", "--family", "poisson", "--counts", "n"
    assert "the sum of n" in run("fit", *arguments).stdout
    assert "poisson" in run("fit", *arguments, "--explain").stdout


def test_separation_is_a_numerical_refusal(run: Any, glm_folder: Path) -> None:
    done = run("fit", "sep ~ x + group", "glm.parquet", "--family", "binomial")
    assert done.returncode == 4
    assert done.stdout == ""
    assert "error: the outcome is separated by x:" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--link", "log"), "--link goes with --family"),
        (("--ridge", "1", "--vcov", "HC1"), "--vcov has no meaning with --ridge"),
        (("--max-passes", "3"), "--max-passes goes with --family"),
        (("--family", "poisson", "--theta", "2"), "negative_binomial"),
        (("--family", "poison"), "poison"),
    ],
)
def test_options_that_do_not_go_together(run: Any, glm_folder: Path, arguments: tuple[str, ...], message: str) -> None:
    done = run("fit", "n ~ x", "glm.parquet", *arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_scale_goes_with_a_generalized_fit(run: Any, folder: Path) -> None:
    run("fit", "y ~ x", "data.parquet", "--save", "y.fit")
    done = run("predict", "y.fit", "data.parquet", "--scale", "link")
    assert (done.returncode, "--scale goes with" in done.stderr) == (2, True)


@pytest.mark.parametrize("name", ["fit", "predict", "compare", "derive", "inspect"])
def test_help_keeps_its_lines(run: Any, folder: Path, name: str) -> None:
    """A backslash and a b where click wants a backspace would be shown."""
    said = run(name, "--help").stdout
    assert "\\b" not in said
    assert "\b" not in said


def test_names_are_those_of_the_library() -> None:
    assert set(command.FAMILIES) == {*FAMILIES, "negative_binomial"} - {"quasi"}
    assert set(command.LINKS) == set(LINKS)
    assert predict_command.SCALES == SCALES


def test_absorbed_factors(run: Any, glm_folder: Path) -> None:
    arguments = ("--family", "poisson", "--vcov", "cluster:group", "--format", "json")
    done = run("fit", "n ~ x | group", "glm.parquet", *arguments, "--save", "n.fit")
    assert (done.returncode, done.stderr) == (0, "saved to n.fit\n")
    fit = json.loads(done.stdout)
    assert [c["term"] for c in fit["coefficients"]] == ["x"]
    assert fit["absorbed"] == {"levels": {"group": 2}, "singletons": {"group": 0}, "rank": 2, "rank_is_exact": True}
    assert len(list(csv.reader(io.StringIO(run("predict", "n.fit", "glm.parquet").stdout)))) == 401
    assert "eliminated" in run("fit", "n ~ x | group", "glm.parquet", "--family", "poisson", "--explain").stdout
