from __future__ import annotations

import csv
import io
import json


def test_every_group_has_a_table(run):
    done = run("fit", "y ~ x + z", "data.parquet", "--by", "group")
    assert done.returncode == 0
    assert done.stderr == ""
    assert [line for line in done.stdout.splitlines() if line.startswith("group = ")] == [
        "group = a",
        "group = b",
        "group = c",
    ]
    assert "3 fits from one pass, 593 rows" in done.stdout


def test_json_has_the_fits_with_their_keys_and_files_of_all_kinds_agree(run):
    told = [
        json.loads(run("fit", "c(y, z) ~ x", *data, "--by", "group", "--by", "w", "--format", "json").stdout)
        for data in (["data.parquet"], ["data.csv"], ["parts"])
    ]
    assert told[0]["by"] == ["outcome", "group", "w"]
    assert told[0]["fits"][0]["key"] == {"outcome": "y", "group": "a", "w": 1}
    assert len(told[0]["fits"]) == 18
    assert told[0]["dropped_rows"] == {"null": 7}
    assert [fit["rows"] for fit in told[0]["fits"]] == [fit["rows"] for fit in told[1]["fits"]]
    assert [fit["key"] for fit in told[0]["fits"]] == [fit["key"] for fit in told[2]["fits"]]


def test_csv_has_the_parts_of_the_key_first_and_what_was_left_out_beside_it(run):
    done = run("fit", "y ~ x + x2", "data.parquet", "--by", "group", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert list(rows[0])[:3] == ["group", "term", "estimate"]
    assert [row["group"] for row in rows] == list("aaabbbccc")
    assert "7 rows left out: 7 null (x 7, x2 7)" in done.stderr
    assert "group = a: not determined: x2 = 2*x" in done.stderr


def test_text_for_papers_is_one_table(run):
    md = run("fit", "y ~ x", "data.parquet", "--by", "group", "--format", "md").stdout.splitlines()
    assert md[0].startswith("| group | term | estimate |")
    assert len(md) == 2 + 6
    assert len({line.count("|") for line in md}) == 1
    latex = run("fit", "y ~ x", "data.parquet", "--by", "group", "--format", "latex").stdout.splitlines()
    assert latex[0] == r"\begin{tabular}{llrrrrrr}"
    assert latex.count(r"\midrule") == 3
    assert latex[-1] == r"\end{tabular}"


def test_several_models_of_one_formula_and_the_full_sample(run):
    done = run("fit", "y ~ csw(x, z)", "data.parquet", "--fsplit", "group", "--vcov", "HC1", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert list(rows[0])[:3] == ["right_side", "group", "term"]
    keys = dict.fromkeys((row["right_side"], row["group"]) for row in rows)
    assert list(keys) == [(right, group) for right in ("x", "x + z") for group in ("Full sample", "a", "b", "c")]


def test_ridge_goes_by_group(run):
    done = run("fit", "y ~ x", "data.parquet", "--by", "group", "--ridge", "2", "--format", "json")
    assert [fit["alpha"] for fit in json.loads(done.stdout)["fits"]] == [2.0, 2.0, 2.0]


def test_generalized_models_go_by_group(run):
    options = ["--family", "gaussian", "--format", "json"]
    done = json.loads(run("fit", "y ~ x", "data.parquet", "--by", "group", *options).stdout)
    assert [fit["key"] for fit in done["fits"]] == [{"group": name} for name in "abc"]
    assert (done["rows"], done["dropped_rows"]) == (593, {"null": 7})
    whole = json.loads(run("fit", "y ~ x", "data.parquet", "--fsplit", "group", *options).stdout)["fits"]
    assert [fit["key"]["group"] for fit in whole] == ["Full sample", "a", "b", "c"]


def test_what_several_fits_cannot_do_is_said_before_the_pass(run):
    for arguments, words in (
        (["--by", "group", "--save", "a.fit"], "--save takes one fit, and --by gives more"),
        (["--by", "group", "--plot", "a.png"], "--plot takes one fit, and --by gives more"),
    ):
        done = run("fit", "y ~ x", "data.parquet", *arguments)
        assert done.returncode == 2
        assert words in done.stderr
    done = run("fit", "c(y, z) ~ x", "data.parquet", "--save", "a.fit")
    assert (done.returncode, "c() of several outcomes gives more" in done.stderr) == (2, True)


def test_a_group_column_that_is_not_there_is_a_matter_of_data(run):
    done = run("fit", "y ~ x", "data.parquet", "--by", "grup")
    assert done.returncode == 3
    assert "no column 'grup'; did you mean 'group'?" in done.stderr


def test_explain_tells_of_the_groups(run):
    done = run("fit", "y ~ x", "data.parquet", "--by", "group", "--explain")
    assert "the sums are stored separately for every value of group" in done.stdout
