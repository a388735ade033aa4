from __future__ import annotations

import csv
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gramian import curve

WRITTEN = "growth ~ top / (1 + exp(-rate * (day - mid)))"
START = "top=1,rate=0.5,mid=9"


@pytest.fixture
def growth(folder) -> pa.Table:
    rng = np.random.default_rng(3)
    day = rng.uniform(0, 20, 300)
    y = 5 / (1 + np.exp(-0.6 * (day - 8))) + 0.1 * rng.normal(size=300)
    gone = np.arange(300) < 4
    table = pa.table({"day": day, "growth": pa.array(y, mask=gone), "w": rng.uniform(1, 2, 300)})
    pq.write_table(table, folder / "growth.parquet", row_group_size=100)
    return table


def test_the_table(run, growth):
    done = run("curve", "growth ~ logistic(day)", "growth.parquet")
    assert done.returncode == 0
    assert done.stderr == ""
    for text in ("Nonlinear regression", "top/(1 + exp(-rate * (day - mid)))", "top", "mid", "296 rows used of 300"):
        assert text in done.stdout


def test_json_agrees_with_python(run, growth):
    done = run("curve", WRITTEN, "growth.parquet", "--start", START, "--weights", "w", "--format", "json")
    told, fit = json.loads(done.stdout), curve(WRITTEN, growth, {"top": 1, "rate": 0.5, "mid": 9}, weights="w")
    assert told["schema"] == "gramian.fit/1"
    assert told["family"] is None
    assert [c["estimate"] for c in told["coefficients"]] == pytest.approx(fit.coefficients, rel=1e-12)
    assert [c["std_error"] for c in told["coefficients"]] == pytest.approx(fit.std_errors, rel=1e-9)
    assert told["dropped_rows"] == {"null": 4}


def test_bounds_and_csv(run, growth):
    done = run("curve", WRITTEN, "growth.parquet", "--start", START, "--bounds", "rate=:0.5,top=0:", "--format", "csv")
    rows = {row["term"]: row for row in csv.DictReader(io.StringIO(done.stdout))}
    assert float(rows["rate"]["estimate"]) == 0.5
    assert rows["rate"]["std_error"] == ""
    assert done.stderr == "296 rows; left out: 4 null\n"


@pytest.mark.parametrize(("form", "sign"), [("md", "| top |"), ("latex", "\\toprule")])
def test_text_for_papers(run, growth, form, sign):
    assert sign in run("curve", "growth ~ logistic(day)", "growth.parquet", "--format", form).stdout


def test_a_saved_curve_predicts(run, growth, folder):
    done = run("curve", "growth ~ logistic(day)", "growth.parquet", "--save", "g.fit")
    assert (done.returncode, done.stderr) == (0, "saved to g.fit\n")
    told = run("predict", "g.fit", "growth.parquet", "--interval", "confidence").stdout
    rows = list(csv.DictReader(io.StringIO(told)))
    expected = curve("growth ~ logistic(day)", growth).predict(growth, interval="confidence")
    for name in ("fit", "low", "high"):
        assert [float(row[name]) for row in rows] == pytest.approx(expected[name].to_pylist(), rel=1e-9)
    assert "growth ~ logistic(day)" in run("inspect", "g.fit").stdout


FAILURES = [
    (["growth logistic(day)"], 2, "has no '~'; quote it, as in gramian curve"),
    ([WRITTEN], 2, "the parameters rate, mid need a start"),
    ([WRITTEN, "--start", "top=1,rate"], 2, "--start 'rate' is not name=value, as in --start a=1,b=2"),
    ([WRITTEN, "--start", "top=one"], 2, "--start: 'one' is not a number; write --start a=1,b=2"),
    ([WRITTEN, "--start", "top=1,top=2"], 2, "--start gives 'top' twice"),
    ([WRITTEN, "--start", START, "--bounds", "rate=3"], 2, "--bounds: '3' is not low:high; write --bounds a=0:1,b=:5"),
    ([WRITTEN, "--start", START, "--bounds", "rate=x:3"], 2, "--bounds: 'x' is not a number"),
    (["growth ~ logistic(dya)"], 3, "no column 'dya'; did you mean 'day'?"),
    ([WRITTEN, "--start", "top=1,rate=0.01,mid=30", "--max-passes", "2"], 4, "no convergence after 2 passes"),
]


@pytest.mark.parametrize(("arguments", "code", "message"), FAILURES)
def test_failures(run, growth, arguments, code, message):
    done = run("curve", arguments[0], "growth.parquet", *arguments[1:])
    assert done.returncode == code
    assert done.stdout == ""
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_help_has_its_examples_on_lines_of_their_own(run):
    assert '\n  gramian curve "y ~ logistic(x)" growth.csv\n' in run("curve", "--help").stdout
