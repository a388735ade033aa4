"""Grams on the command line: made, added, subtracted, inspected, fitted."""

from __future__ import annotations

import json
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gramian as gm
from gramian.cli.main import main


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def here(folder, monkeypatch, capsys):
    """The command in this process, which starts at once; `run` is the real one."""
    monkeypatch.chdir(folder)

    def ran(*arguments: str) -> Done:
        code = main(arguments)
        told = capsys.readouterr()
        return Done(code, told.out, told.err)

    return ran


@pytest.fixture
def ran(here):
    def fine(*arguments: str):
        done = here(*arguments)
        assert done.returncode == 0, done.stderr
        return done

    return fine


@pytest.fixture
def refused(here):
    def failed(code, *arguments):
        done = here(*arguments)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert done.stderr.startswith("error: ")
        return done.stderr

    return failed


FORMULA = "y ~ x + z + group"


def test_from_data_to_a_fit_without_them(ran, folder):
    done = ran("gram", FORMULA, "parts/1.parquet", "-o", "1.gram")
    assert (done.stdout, done.stderr) == ("", "343 rows; left out: 7 null; saved to 1.gram\n")
    ran("gram", FORMULA, "parts/2.parquet", "-o", "2.gram", "--threads", "1")
    assert ran("add", "1.gram", "2.gram", "-o", "all.gram").stderr == "593 rows; saved to all.gram\n"
    (folder / "parts" / "1.parquet").unlink()
    (folder / "parts" / "2.parquet").unlink()
    told = json.loads(ran("fit", "y ~ x + group", "all.gram", "--format", "json").stdout)
    whole = json.loads(ran("fit", "y ~ x + group", "data.parquet", "--format", "json").stdout)
    for one, other in zip(told["coefficients"], whole["coefficients"], strict=True):
        assert one["term"] == other["term"]
        # two ways to the same sums: n u condition^2, with condition below 4 and 593 rows
        assert one["estimate"] == pytest.approx(other["estimate"], abs=1e-11)
        assert one["std_error"] == pytest.approx(other["std_error"], rel=1e-11)
    both = ran("fit", "y ~ x + group", "1.gram", "2.gram", "--format", "json").stdout
    assert json.loads(both) == told
    ran("subtract", "all.gram", "1.gram", "-o", "rest.gram")
    assert gm.load(folder / "rest.gram").rows == 250


def test_as_a_process(run, folder):
    done = run("gram", FORMULA, "data.parquet", "-o", "a.gram")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.endswith("593 rows; left out: 7 null; saved to a.gram\n")
    done = run("fit", "y ~ x", "a.gram", "--format", "csv")
    assert done.returncode == 0
    assert done.stdout.startswith("term,estimate,std_error")
    done = run("fit", "y ~ x:z", "a.gram")
    assert (done.returncode, done.stdout) == (3, "")
    assert "Traceback" not in done.stderr


def test_what_is_there_already(ran, refused, folder):
    ran("gram", "y ~ x", "data.parquet", "-o", "a.gram")
    said = refused(3, "add", "a.gram", "a.gram", "-o", "b.gram")
    assert "already there: " in said
    assert "data.parquet (600 rows)" in said
    assert "--force counts it twice" in said
    assert not (folder / "b.gram").exists()
    assert ran("add", "a.gram", "a.gram", "-o", "b.gram", "--force").stderr.startswith("1,186 rows")
    ran("gram", "y ~ x", "parts/1.parquet", "-o", "1.gram")
    assert "not there: " in refused(3, "subtract", "a.gram", "1.gram", "-o", "b.gram")
    assert ran("subtract", "a.gram", "1.gram", "-o", "b.gram", "--force").stderr.startswith("250 rows")
    assert "taken away" in ran("inspect", "b.gram").stdout


def test_inspect(ran, folder):
    ran("gram", FORMULA, "data.parquet", "-o", "a.gram", "--weights", "w")
    said = ran("inspect", "a.gram", "data.parquet").stdout
    for part in (
        "gram     a.gram",
        FORMULA,
        "593; left out: 7 null",
        "y, x, z, group",
        "group (3 levels)",
        "data.parquet",
    ):
        assert part in said
    assert "weights  w" in said
    assert "warning" not in said


def test_inspect_warns_of_rows_that_are_disclosed(ran, folder):
    pq.write_table(
        pa.table({"x": [1.0, 2.0, 4.0], "y": [1.0, 3.0, 2.0], "f": ["a", "a", "lone"]}), folder / "few.parquet"
    )
    ran("gram", "y ~ x + f", "few.parquet", "-o", "few.gram")
    said = ran("inspect", "few.gram").stdout
    assert "warning: 3 rows are few: their values can be worked out from these sums" in said
    assert "warning: f: a single row has lone; its values are in these sums" in said


def test_the_sums_beside_a_fit(ran, here, folder):
    done = ran("fit", FORMULA, "data.parquet", "--gram", "a.gram", "--save", "a.fit", "--format", "json")
    assert done.stderr == "sums saved to a.gram\nsaved to a.fit\n"
    assert done.stdout == ran("fit", FORMULA, "data.parquet", "--format", "json").stdout
    told, again = json.loads(done.stdout), json.loads(ran("fit", FORMULA, "a.gram", "--format", "json").stdout)
    for one, other in zip(told["coefficients"], again["coefficients"], strict=True):
        assert one["estimate"] == pytest.approx(other["estimate"], rel=1e-12)  # the fit from data has been refined
    assert (again["accuracy"]["tier"], told["rows"]) == ("fast", again["rows"])
    ran("fit", FORMULA, "data.parquet", "--gram", "hc.gram", "--vcov", "HC1")
    assert (folder / "hc.gram").read_bytes() == (folder / "a.gram").read_bytes()
    ran("gram", FORMULA, "data.parquet", "--exact", "-o", "exact.gram")
    assert "digest" in ran("inspect", "exact.gram").stdout
    exact = json.loads(ran("fit", FORMULA, "exact.gram", "--digits", "13", "--strict", "--format", "json").stdout)
    assert exact["accuracy"]["tier"] == "exact"
    assert here("fit", FORMULA, "a.gram", "--digits", "15", "--strict").returncode == 4
    assert "ridge" in ran("fit", FORMULA, "a.gram", "--ridge", "2").stdout.lower()
    assert ran("predict", "a.fit", "data.parquet").returncode == 0


@pytest.mark.parametrize(
    ("code", "arguments", "said"),
    [
        (2, ("gram", "y ~ x", "data.parquet"), "missing option '-o' / '--output'"),
        (2, ("gram", "y", "data.parquet", "-o", "b.gram"), "has no '~'; quote it"),
        (2, ("gram", "y ~ x", "data.parquet", "-o", "data.parquet"), "data.parquet is one of the inputs"),
        (2, ("gram", "y ~ x", "data.parquet", "-o", "no/b.gram"), "there is no folder 'no'"),
        (3, ("gram", "y ~ xx", "data.parquet", "-o", "b.gram"), "no column 'xx'; did you mean 'x'?"),
        (3, ("fit", "y ~ x:z", "a.gram"), "this Gram: does not store x:z; it stores y ~ x + z"),
        (3, ("fit", "y ~ group", "a.gram"), "this Gram: no column 'group' (3 columns: y, x, z)"),
        (2, ("fit", "y ~ x", "a.gram", "data.parquet"), "a.gram is a Gram and data.parquet is not"),
        (2, ("fit", "y ~ x", "a.gram", "--na", "raise"), "--na does not go with .gram files"),
        (2, ("fit", "y ~ x", "a.gram", "--weights", "w"), "--weights does not go with .gram files"),
        (2, ("fit", "y ~ x", "a.gram", "--family", "poisson"), "--family does not go with .gram files"),
        (2, ("fit", "y ~ x", "a.gram", "--explain"), "--explain does not go with .gram files"),
        (2, ("fit", "y ~ x", "a.gram", "--save", "a.gram"), "a.gram is one of the inputs"),
        (2, ("fit", "y ~ x", "data.parquet", "--family", "poisson", "--gram", "b.gram"), "--gram does not go with"),
        (2, ("fit", "y ~ x", "data.parquet", "--by", "group", "--gram", "b.gram"), "--gram does not go with --by"),
        (2, ("fit", "c(y, z) ~ x", "data.parquet", "--gram", "b.gram"), "--gram takes one fit: name one outcome"),
        (5, ("fit", "y ~ x", "none.gram"), "none.gram: cannot be read"),
        (5, ("add", "a.gram", "data.parquet", "-o", "b.gram"), "data.parquet: not a file that gramian wrote"),
        (5, ("predict", "a.gram", "data.parquet"), "a.gram: it holds a Gram, not a fit"),
        (3, ("add", "a.gram", "other.gram", "-o", "b.gram"), "the sums are of different terms: z is in 'y ~ x + z'"),
        (2, ("add", "-o", "b.gram"), "missing argument 'GRAM...'"),
    ],
)
def test_what_is_refused(refused, folder, table, code, arguments, said):
    gm.gram("y ~ x + z", table).save(folder / "a.gram")
    gm.gram("y ~ x", table.slice(0, 50)).save(folder / "other.gram")
    before = (folder / "a.gram").read_bytes()
    assert said in refused(code, *arguments)
    assert (folder / "a.gram").read_bytes() == before
    assert not (folder / "b.gram").exists()


def test_two_grams_are_compared(ran, refused, folder):
    for part in ("1", "2"):
        ran("gram", FORMULA, f"parts/{part}.parquet", "-o", f"{part}.gram")
    expected = gm.compare_grams(gm.load(folder / "1.gram"), gm.load(folder / "2.gram"))
    assert ran("compare-grams", "1.gram", "2.gram").stdout == expected.summary() + "\n"
    found = json.loads(ran("compare-grams", "1.gram", "2.gram", "--formula", "y ~ x", "--format", "json").stdout)
    smaller = gm.compare_grams(gm.load(folder / "1.gram"), gm.load(folder / "2.gram"), "y ~ x")
    assert found["rows"] == {"first": 343, "second": 250}
    assert found["chow"] == {
        "statistic": smaller.chow.statistic,
        "df": list(smaller.chow.df),
        "p_value": smaller.chow.p_value,
    }
    assert found["coefficients"] == smaller.coefficients.to_pylist()
    assert [row["name"] for row in found["means"]] == ["x", "y"]
    assert "in both: " in refused(3, "compare-grams", "1.gram", "1.gram")
