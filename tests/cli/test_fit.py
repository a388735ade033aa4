from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np
import pytest

FORMULA = "y ~ x + z + group"
TERMS = ["Intercept", "x", "z", "group[b]", "group[c]"]


def refuse(name: str) -> Any:
    raise AssertionError(f"JSON has no {name}")


def as_json(text: str) -> Any:
    return json.loads(text, parse_constant=refuse)


def test_the_table_has_all_names_and_what_was_left_out(run):
    done = run("fit", FORMULA, "data.parquet")
    assert done.returncode == 0
    assert done.stderr == ""
    for term in TERMS:
        assert term in done.stdout
    assert "593" in done.stdout
    assert "7" in done.stdout
    assert "\x1b" not in done.stdout


def test_json_parses_and_agrees_with_lstsq(run, table):
    fit = as_json(run("fit", FORMULA, "parts", "--format", "json").stdout)
    frame = table.slice(7).to_pydict()
    group = np.array(frame["group"])
    X = np.column_stack([np.ones(len(group)), frame["x"], frame["z"], group == "b", group == "c"])
    expected = np.linalg.lstsq(X, np.array(frame["y"]), rcond=None)[0]
    assert fit["schema"] == "gramian.fit/1"
    assert [c["term"] for c in fit["coefficients"]] == TERMS
    assert [c["estimate"] for c in fit["coefficients"]] == pytest.approx(expected, rel=1e-11)
    assert (fit["rows"], fit["dropped_rows"]) == (593, {"null": 7})


def test_json_has_null_where_there_is_no_number(run):
    done = run("fit", "y ~ x + x2", "data.parquet", "--format", "json")
    fit = as_json(done.stdout)
    assert fit["coefficients"][2]["estimate"] is None
    assert list(fit["aliased"]) == ["x2"]


def test_csv_is_one_row_for_each_coefficient(run):
    rows = list(csv.DictReader(io.StringIO(run("fit", FORMULA, "data.csv", "--format", "csv").stdout)))
    assert [row["term"] for row in rows] == TERMS
    assert all(float(row["std_error"]) > 0 for row in rows)


@pytest.mark.parametrize(("form", "sign"), [("md", "|"), ("latex", "\\")])
def test_text_for_papers(run, form, sign):
    done = run("fit", FORMULA, "data.parquet", "--format", form)
    assert done.returncode == 0
    assert sign in done.stdout
    assert "Intercept" in done.stdout


@pytest.mark.parametrize("form", ["csv", "md", "latex"])
def test_rows_left_out_are_told_beside_a_bare_table(run, form):
    assert run("fit", FORMULA, "data.parquet", "--format", form).stderr == "593 rows; left out: 7 null\n"


def test_columns_left_out_are_told_beside_a_bare_table(run):
    assert "not determined: x2 = 2*x" in run("fit", "y ~ x + x2", "data.parquet", "--format", "csv").stderr


def test_files_of_all_kinds_give_the_same(run):
    said = [run("fit", FORMULA, *data, "--format", "json").stdout for data in (["data.csv"], ["parts"], ["parts/*"])]
    fits = [[c["estimate"] for c in as_json(text)["coefficients"]] for text in said]
    assert fits[0] == pytest.approx(fits[1], rel=1e-11)
    assert fits[1] == fits[2]


def test_threads_do_not_change_a_digit(run):
    said = {run("fit", FORMULA, "data.parquet", "--format", "json", "--threads", n).stdout for n in "124"}
    assert len(said) == 1


def test_weights_and_counts(run):
    weighted = as_json(run("fit", FORMULA, "data.parquet", "--weights", "w", "--format", "json").stdout)
    counted = as_json(run("fit", FORMULA, "data.parquet", "--counts", "w", "--format", "json").stdout)
    estimates = [[c["estimate"] for c in fit["coefficients"]] for fit in (weighted, counted)]
    assert estimates[0] == pytest.approx(estimates[1], rel=1e-11)
    assert weighted["rows"] == 593
    assert counted["rows"] > 593


def test_ridge_keeps_every_level(run):
    fit = as_json(run("fit", FORMULA, "data.parquet", "--ridge", "10", "--format", "json").stdout)
    assert fit["alpha"] == 10
    assert [c["term"] for c in fit["coefficients"]][3:] == ["group[a]", "group[b]", "group[c]"]


def test_explain_reads_no_rows(run, folder):
    (folder / "bad.csv").write_text("x,y\n" + "1,2\n" * 200_000 + "oops,3\n", encoding="utf-8")
    done = run("fit", "y ~ x", "bad.csv", "--explain")
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("formula", "passes", "memory", "solver", "threads"):
        assert word in done.stdout


def test_a_short_run_says_nothing_of_its_progress(run):
    assert run("fit", FORMULA, "data.parquet", "--progress").stderr == ""


def test_long_names_are_not_cut(run, folder):
    name = "a_very_long_column_name_" * 6
    (folder / "long.csv").write_text(f"{name},y\n1,2\n2,3.5\n4,4\n5,7\n", encoding="utf-8")
    assert name in run("fit", f"y ~ {name}", "long.csv").stdout
    inspected = run("inspect", "long.csv").stdout
    assert name in inspected


def test_a_narrow_terminal_cuts_nothing_off(run):
    terminal = {"FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "40"}
    for said in (run("fit", FORMULA, "data.parquet", **terminal).stdout, run("inspect", "parts", **terminal).stdout):
        assert "\u2026" not in said
        assert "group" in said
    assert all(term in run("fit", FORMULA, "data.parquet", **terminal).stdout for term in TERMS)


def test_colour_only_on_a_terminal(run):
    assert "\x1b[" in run("fit", FORMULA, "data.parquet", FORCE_COLOR="1", TERM="xterm").stdout
    assert "\x1b[3" not in run("fit", FORMULA, "data.parquet", FORCE_COLOR="1", NO_COLOR="1", TERM="xterm").stdout
