from __future__ import annotations

import csv
import io
import json

FORMULA = "y ~ x + z + group"


def test_the_table_tells_methods_and_conclusions(run):
    done = run("compare", FORMULA, "data.parquet")
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("normal equation", "conjugate gradient", "columns as they are", "standardised", "593 rows"):
        assert word in done.stdout


def test_json_parses(run):
    done = run("compare", FORMULA, "parts", "--format", "json", "--methods", "best-rate,normal-equation", "--scale")
    told = json.loads(done.stdout)
    assert told["schema"] == "gramian.compare/1"
    assert {row["method"] for row in told["table"]} == {"best-rate", "normal-equation"}
    assert all(row["scaled"] and row["status"] == "reached" for row in told["table"])


def test_csv_is_one_row_for_each_method_scaling_and_digits(run):
    done = run("compare", FORMULA, "data.csv", "--format", "csv", "--digits", "3,6", "--no-scale", "--passes", "1")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 8 * 2
    assert {row["scaled"] for row in rows} == {"false"}
    assert rows[0]["iterations"] == "1"


def test_markdown_is_a_table(run):
    lines = run("compare", FORMULA, "data.csv", "--format", "md", "--methods", "nesterov").stdout.splitlines()
    assert len(lines) == 2 + 8
    assert all(line.startswith("|") and line.endswith("|") for line in lines)


def test_a_rate_that_is_too_large_diverges(run):
    done = run("compare", FORMULA, "data.csv", "--methods", "gradient-descent", "--rate", "5")
    assert done.returncode == 0
    assert "diverges: the rate must be below 2/l_max" in done.stdout


def test_threads_do_not_change_a_count(run):
    said = [
        [row["iterations"] for row in json.loads(run("compare", FORMULA, "data.parquet", "--format", "json",
                                                     "--threads", n).stdout)["table"]]
        for n in "12"
    ]  # fmt: skip
    assert said[0] == said[1]


def test_mistakes_are_told(run):
    done = run("compare", FORMULA, "data.csv", "--methods", "nesterow")
    assert done.returncode == 2
    assert "did you mean 'nesterov'?" in done.stderr
    assert run("compare", FORMULA, "data.csv", "--digits", "two").returncode == 2
    assert run("compare", "y ~ nothing", "data.csv").returncode == 3


def test_help_shows_examples_line_by_line(run):
    assert '\n  gramian compare "price ~ year + size" houses.csv\n' in run("compare", "--help").stdout
