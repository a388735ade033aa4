from __future__ import annotations

import csv
import os
import re
from functools import partial

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import gramian as gm

FORMULA = "y ~ x + z + group"
READ = {
    "csv": pyarrow.csv.read_csv,
    "parquet": pq.read_table,
    "arrow": lambda path: pa.ipc.open_file(path).read_all(),
}


@pytest.fixture
def saved(run, folder):
    """A saved fit, and the same fit in memory."""
    done = run("fit", FORMULA, "data.parquet", "--save", "y.fit")
    assert (done.returncode, done.stderr) == (0, "saved to y.fit\n")
    return gm.ols(FORMULA, folder / "data.parquet")


READERS = {
    "csv": lambda path: list(csv.DictReader(path.read_text(encoding="utf-8").splitlines())),
    "pandas": pd.read_csv,
    "pandas, in Python": partial(pd.read_csv, engine="python"),
    "polars": partial(pl.read_csv, null_values="NA"),
    "duckdb": lambda path: duckdb.sql(f"select * from read_csv('{path}')").fetchall(),
    "arrow": pyarrow.csv.read_csv,
    "numpy": partial(np.genfromtxt, skip_header=1),
}


def test_any_reader_gets_as_many_rows(run, saved, folder):
    run("predict", "y.fit", "data.parquet", "-o", "out.csv")
    read = {name: reader(folder / "out.csv") for name, reader in READERS.items()}
    rows = {name: found.num_rows if isinstance(found, pa.Table) else len(found) for name, found in read.items()}
    assert rows == dict.fromkeys(READERS, 600)


def test_one_line_for_each_row_NA_where_something_is_missing(run, saved, folder):
    done = run("predict", "y.fit", "data.parquet")
    assert (done.returncode, done.stderr) == (0, "")
    head, *lines = done.stdout.splitlines()
    assert head == "fit"
    assert len(lines) == 600
    assert lines[:7] == ["NA"] * 7
    assert [float(line) for line in lines[7:]] == saved.predict(folder / "data.parquet")[7:].tolist()


@pytest.mark.parametrize("extension", READ)
@pytest.mark.parametrize("interval", ["confidence", "prediction"])
def test_files_and_intervals(run, saved, folder, extension, interval):
    done = run("predict", "y.fit", "parts", "-o", f"out.{extension}", "--interval", interval, "--level", "0.9")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    found, expected = READ[extension](folder / f"out.{extension}"), saved.predict(folder / "parts", interval, 0.9)
    assert found.column_names == ["fit", "low", "high"]
    for name in found.column_names:
        assert found[name].null_count == 7
        assert np.array_equal(found[name].to_numpy(), expected[name].to_numpy(), equal_nan=True)


def test_files_have_the_usual_permissions_and_leave_nothing_behind(run, saved, folder):
    before = set(os.listdir(folder))
    run("predict", "y.fit", "data.csv", "-o", "out.csv")
    assert set(os.listdir(folder)) - before == {"out.csv"}
    mask = os.umask(0)
    os.umask(mask)
    assert (folder / "out.csv").stat().st_mode & 0o777 == 0o666 & ~mask


def test_no_rows_still_have_columns(run, saved, folder, table):
    pq.write_table(table.slice(0, 0), folder / "none.parquet")
    assert run("predict", "y.fit", "none.parquet").stdout == "fit\n"
    run("predict", "y.fit", "none.parquet", "-o", "none.arrow", "--interval", "prediction")
    assert READ["arrow"](folder / "none.arrow").column_names == ["fit", "low", "high"]


def test_a_level_that_the_fit_has_not_seen(run, saved, folder, table):
    (folder / "new.csv").write_text("x,z,group\n1,2,a\n1,2,q\n", encoding="utf-8")
    (folder / "out.csv").write_text("as it was", encoding="utf-8")
    done = run("predict", "y.fit", "new.csv", "-o", "out.csv")
    assert done.returncode == 3
    assert re.search("group.*'q'|'q'.*group", done.stderr)
    assert (folder / "out.csv").read_text(encoding="utf-8") == "as it was"
    assert not [name for name in os.listdir(folder) if name.startswith(".out")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "out.xlsx"), "out.xlsx has an unknown extension; known are .csv, .parquet, .arrow"),
        (("-o", "data.csv"), "data.csv is one of the inputs"),
        (("-o", "no/out.csv"), "there is no folder 'no'"),
        (("--interval", "credible"), "'credible' is not one of"),
        (("--level", "95"), "level must lie between 0 and 1"),
    ],
)
def test_usage(run, saved, arguments, said):
    done = run("predict", "y.fit", "data.csv", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_column_that_is_not_there(run, saved, folder):
    (folder / "new.csv").write_text("x,zz,group\n1,2,a\n", encoding="utf-8")
    done = run("predict", "y.fit", "new.csv")
    assert (done.returncode, done.stdout) == (3, "")
    assert "no column 'z'" in done.stderr


def test_the_outcome_is_not_needed(run, saved, folder):
    (folder / "new.csv").write_text("x,z,group\n1,2,a\n", encoding="utf-8")
    done = run("predict", "y.fit", "new.csv")
    assert float(done.stdout.splitlines()[1]) == pytest.approx(saved.coefficients @ [1, 1, 2, 0, 0])


def test_inspect_tells_of_fits_and_data(run, saved):
    done = run("inspect", "y.fit", "parts")
    assert (done.returncode, done.stderr) == (0, "")
    for word in (FORMULA, "593", "7 null", "600", "1.parquet", "2.parquet", "group", "text, a factor", "number"):
        assert word in done.stdout


def test_inspect_says_which_columns_disagree(run, folder):
    pq.write_table(pa.table({"y": ["text"]}), folder / "parts" / "3.parquet")
    done = run("inspect", "parts")
    assert done.returncode == 0
    assert "not usable: " in done.stdout
    assert "3.parquet" in done.stdout


def test_levels_that_the_fit_has_not_seen(run, saved, folder):
    table = pq.read_table(folder / "data.parquet").slice(7, 3)
    at = table.column_names.index("group")
    levels = ["new", *table["group"].to_pylist()[1:]]
    pq.write_table(table.set_column(at, "group", pa.array(levels)), folder / "new.parquet")
    assert "has the level 'new', which the fit has not seen" in run("predict", "y.fit", "new.parquet").stderr
    done = run("predict", "y.fit", "new.parquet", "--unseen", "null")
    assert (done.returncode, done.stderr) == (0, "")
    known = saved.predict(table)
    assert done.stdout.splitlines() == ["fit", "NA", *(str(value) for value in known[1:].tolist())]


def test_without_data_the_rows_of_the_fit_are_read_again(run, saved, folder):
    done = run("predict", "y.fit")
    assert (done.returncode, done.stdout) == (0, run("predict", "y.fit", "data.parquet").stdout)
    os.utime(folder / "data.parquet", ns=(0, 0))
    done = run("predict", "y.fit")
    assert done.returncode != 0
    assert "data.parquet: has changed since the fit" in done.stderr
