"""Fits: a read-only mapping; what is left out is told; what cannot be split is refused by name."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from unit.fit.groups.keyed_passes import keyed_sums

import gramian as gm
from gramian.data.source import source_of
from gramian.errors import ColumnError, DataError, FormulaError, NotIdentifiedError, NumericalError, OptionError
from gramian.fit.passes.accumulate_keyed import check_folds
from gramian.fit.passes.keys import ByColumns, Folds

ROWS = 120


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(4)
    group = rng.choice(["b", "a", "c"], ROWS)
    return pa.table(
        {
            "y": rng.normal(size=ROWS),
            "v": rng.uniform(1, 2, ROWS),
            "x": pa.array(rng.normal(size=ROWS), mask=np.arange(ROWS) % 20 == 0),
            "group": pa.array(group, mask=np.arange(ROWS) % 30 == 1),
            "year": rng.integers(2020, 2022, ROWS),
            "flag": rng.random(ROWS) < 0.5,
        }
    )


@pytest.fixture(scope="module")
def fits(table):
    return gm.ols("y ~ x", table, by="group")


def test_it_is_a_mapping_in_the_order_of_levels(fits):
    assert list(fits) == ["a", "b", "c"]
    assert len(fits) == 3
    assert "a" in fits
    assert "z" not in fits
    assert fits.get("z") is None
    assert [key for key, _ in fits.items()] == list(fits.keys())
    assert fits["a"]["x"] == fits["a"].coefficients[1]
    assert repr(fits) == "Fits('y ~ x', by group: 3 fits, rows=110)"
    with pytest.raises(TypeError):
        fits["a"] = fits["b"]


def test_a_key_that_is_not_there_is_refused_with_those_that_are(fits):
    with pytest.raises(OptionError, match=r"no fit for group = d .*there are a, b, c"):
        fits["d"]


def test_rows_left_out_are_counted_once_over_all_and_for_each_group(fits, table):
    assert fits.rows == sum(fit.rows for fit in fits.values())
    assert fits.dropped_rows == {"null": ROWS - fits.rows}
    assert fits.missing == {"group": 4, "x": 6}
    assert sum(fit.dropped_rows["null"] for fit in fits.values()) == 6
    assert "10 rows left out: 10 null (group 4, x 6)" in fits.summary()


def test_levels_keep_their_types_and_an_ordered_categorical_its_order(table):
    assert list(gm.ols("y ~ x", table, by="year")) == [2020, 2021]
    assert list(gm.ols("y ~ x", table, by="flag")) == [False, True]
    assert list(gm.ols("y ~ x", table, by=["year", "flag"]))[:2] == [(2020, False), (2020, True)]
    codes = pa.array(np.arange(ROWS) % 3, pa.int32())
    size = pa.DictionaryArray.from_arrays(codes, pa.array(["small", "large", "huge"]), ordered=True)
    assert list(gm.ols("y ~ x", table.append_column("size", size), by="size")) == ["small", "large", "huge"]


def test_whole_numbers_stored_as_floats_name_groups(table):
    year = pa.array(table["year"].to_numpy().astype(float), mask=np.arange(ROWS) < 3)
    assert list(gm.ols("y ~ x", table.set_column(4, "year", year), by="year")) == [2020, 2021]


def test_tables_have_the_parts_of_the_key_first(table):
    fits = gm.ols("c(y, log(v)) ~ x", table, by="year")
    assert list(fits) == [("y", 2020), ("y", 2021), ("log(v)", 2020), ("log(v)", 2021)]
    tidy, glance = fits.tidy(), fits.glance()
    assert tidy.column_names[:3] == ["outcome", "year", "term"]
    assert tidy["outcome"].to_pylist() == ["y"] * 4 + ["log(v)"] * 4
    assert tidy["year"].to_pylist() == [2020, 2020, 2021, 2021] * 2
    assert glance.column_names[:3] == ["outcome", "year", "r_squared"]
    assert glance.num_rows == 4
    assert tidy.slice(6).drop(["outcome", "year"]).equals(fits["log(v)", 2021].tidy())


def test_a_key_called_as_a_column_of_a_table_is_told_apart(table):
    fits = gm.ols("y ~ x", table.rename_columns(["y", "v", "x", "term", "year", "flag"]), by="term")
    assert fits.tidy().column_names[:2] == ["by_term", "term"]
    assert fits.glance().column_names[0] == "term"


def test_json_has_the_fits_with_their_keys(fits):
    told = fits.to_dict()
    json.dumps(told, allow_nan=False)
    assert told["schema"] == "gramian.fits/1"
    assert (told["by"], told["outcomes"], told["rows"]) == (["group"], ["y"], 110)
    assert [fit["key"] for fit in told["fits"]] == [{"group": "a"}, {"group": "b"}, {"group": "c"}]
    assert {k: v for k, v in told["fits"][0].items() if k != "key"} == fits["a"].to_dict()


def test_each_fit_is_a_fit_of_its_own(fits, table, tmp_path):
    fits["a"].save(tmp_path / "a.fit")
    assert gm.load(tmp_path / "a.fit").coefficients.tolist() == fits["a"].coefficients.tolist()
    both = gm.ols("c(y, v) ~ x", table)
    assert both["v"].formula == "v ~ x"
    both["v"].save(tmp_path / "v.fit")
    assert gm.load(tmp_path / "v.fit").predict(table)[5] == both["v"].predict(table)[5]


def test_the_summary_names_every_group_and_tells_the_marks_once(fits):
    told = fits.summary()
    assert told.startswith("Linear regressions by group\ny ~ x\n3 fits from one pass, 110 rows\n")
    assert [line for line in told.splitlines() if line.startswith("group = ")] == [f"group = {g}" for g in "abc"]
    assert told.count("p-values:") <= 1
    assert "<table>" in fits._repr_html_()


def test_many_fits_have_a_line_each():
    fits = gm.ols("y ~ x", {"y": np.arange(90.0) ** 2, "x": np.arange(90.0), "g": np.arange(90) // 3}, by="g")
    lines = [line.split() for line in fits.summary().splitlines()]
    assert ["g", "rows", "Intercept", "x", "digits"] in lines
    found = {line[0]: line for line in lines if line[1:2] == ["3"]}
    assert list(found) == [str(g) for g in range(30)]
    assert found["4"][-4:-2] == [f"{fits[4].coefficients[1]:#.4g}", f"({fits[4].std_errors[1]:#.3g})"]
    assert "standard errors (iid) in brackets" in fits.summary()


def test_a_line_says_which_columns_its_fit_lacks_and_how_many_more_there_are():
    data = {"y": np.arange(400.0) ** 2, "g": np.arange(400) // 4, "x": np.arange(400.0) % 4, "z": np.arange(400) // 4}
    told = gm.ols("y ~ x + z + log(1 + x)", data, by="g").summary()
    assert told.count("left out") == 60
    assert "... 40 more fits" in told
    wide = {f"x{i}": np.arange(400.0) * 7 ** (i + 1) % 11 for i in range(7)} | {"y": data["y"], "g": data["g"] // 10}
    assert "... 3 more coefficients: x4, x5, x6" in gm.ols("y ~ . - g", wide, by="g").summary()


def test_one_outcome_in_c_is_that_outcome(table):
    assert gm.ols("c(y) ~ x", table)["x"] == gm.ols("y ~ x", table)["x"]


def test_all_other_columns_leave_the_key_out(table):
    assert gm.ols("y ~ .", table, by="group")["a"].names == ("Intercept", "v", "x", "year", "flag[true]")
    assert "v" not in gm.ols("c(y, v) ~ .", table)["y"].names


def test_a_group_without_a_complete_row_has_no_fit_and_is_named():
    data = {"y": [1.0, 2, 4, 3, 5, 7], "x": pa.array([1.0, 2, 3, None, 2, 1]), "g": list("aaabcc")}
    fits = gm.ols("y ~ x", pa.table(data), by="g")
    assert list(fits) == ["a", "c"]
    assert fits.without_rows == {"b": {"null": 1}}
    assert fits.to_dict()["without_rows"] == [{"key": {"g": "b"}, "dropped_rows": {"null": 1}}]
    assert "without a complete row, so without a fit: b" in fits.summary()


def test_no_complete_row_at_all_is_what_a_direct_fit_says():
    data = pa.table({"y": [1.0, 2.0], "x": pa.array([None, None], pa.float64()), "g": ["a", "b"]})
    with pytest.raises(NumericalError, match=r"no rows are left to fit 'y ~ x': 2 left out \(2 null\)"):
        gm.ols("y ~ x", data, by="g")


def test_a_group_with_too_few_rows_is_what_a_direct_fit_of_it_is():
    data = pa.table({"y": [1.0, 2, 4, 3], "x": [1.0, 2, 4, 3], "z": [3.0, 1, 1, 2], "g": list("aaab")})
    fits = gm.ols("y ~ x + z", data, by="g")
    alone = gm.ols("y ~ x + z", data.slice(3))
    assert np.isnan(fits["b"].coefficients).tolist() == np.isnan(alone.coefficients).tolist() == [False, True, True]
    assert fits["b"].aliased.keys() == alone.aliased.keys()
    assert fits["b"].df_residual == 0


def test_a_fit_that_fails_names_its_group():
    data = pa.table({"y": [1.0, 2, 4, 3, 3], "x": [1.0, 2, 4, 3, 3], "f": list("aabbb"), "g": list("ggghh")})
    with pytest.raises(NotIdentifiedError, match=r"^g = h: 1 column is a combination of others"):
        gm.ols("y ~ x", data, by="g", collinear="raise")
    with pytest.raises(OptionError, match=r'^g = h: C\(f, ref="a"\): no row has the level'):
        gm.ols('y ~ C(f, ref="a")', data, by="g")


def test_nulls_in_the_key_are_refused_where_rows_may_not_be_dropped(table):
    with pytest.raises(DataError, match="row 2: 'group' is null"):
        gm.ols("y ~ 1", table, by="group", na="raise")


@pytest.mark.parametrize(
    ("by", "error", "words"),
    [
        ("grp", ColumnError, "no column 'grp'; did you mean 'group'?"),
        ("x", DataError, "by='x' holds .*; text, whole numbers, booleans and dates name groups, so round the column"),
        ([], OptionError, "by must be the name of a column, or a list of names"),
        (3, OptionError, "by must be the name of a column, or a list of names"),
        (["year", "year"], OptionError, "by names a column twice: year, year"),
    ],
)
def test_what_cannot_split_rows_is_refused_by_name(table, by, error, words):
    with pytest.raises(error, match=words):
        gm.ols("y ~ x", table, by=by)


def test_a_key_called_outcome_is_refused_beside_several_outcomes(table):
    renamed = table.rename_columns(["y", "v", "x", "outcome", "year", "flag"])
    assert list(gm.ols("y ~ x", renamed, by="outcome")) == ["a", "b", "c"]
    with pytest.raises(OptionError, match="by='outcome': with several outcomes"):
        gm.ols("c(y, v) ~ x", renamed, by="outcome")


def test_models_with_one_outcome_refuse_several(table):
    words = r"c\(y, v\) are 2 outcomes; only ols, ridge and glm take several, so name one"
    for refused in (
        lambda: gm.compare("c(y, v) ~ x", table),
        lambda: gm.derive("c(y, v) ~ x", table.slice(0, 9)),
    ):
        with pytest.raises(FormulaError, match=words):
            refused()
    with pytest.raises(FormulaError, match="outcomes of a linear model"):
        gm.curve("c(y, v) ~ a * exp(x)", table, start={"a": 1})


def test_the_plan_tells_of_groups_and_outcomes(table):
    told = str(gm.plan("c(y, v) ~ x", table, by="group"))
    assert "x, y, v, group" in told
    assert "2 models share the sums of a pass; each has the rows that have all of its columns" in told
    assert "the sums are stored separately for every value of group: 128 bytes of products for each" in told
    assert (
        "1, after a look at the first rows for shift and scale; a second where groups lie far from each other" in told
    )
    assert "each value of group" in str(gm.plan("y ~ x", table, family="gaussian", by="group"))


def test_the_plan_refuses_what_the_fits_refuse(table):
    renamed = table.rename_columns(["y", "v", "x", "outcome", "year", "flag"])
    for function in (gm.fits, gm.plan):
        with pytest.raises(OptionError, match="exact sums are for one fit at a time"):
            function("y ~ x", table, by="group", exact=True)
        with pytest.raises(OptionError, match="by='outcome': with several outcomes"):
            function("c(y, v) ~ x", renamed, by="outcome")


def test_offsets_are_taken_from_every_outcome(table):
    fits = gm.ols("c(y, v) ~ x + offset(year)", table)
    assert fits["v"].coefficients == pytest.approx(gm.ols("v ~ x + offset(year)", table).coefficients, rel=1e-12)


def keyed(table, split, memory=None):
    return keyed_sums("y ~ x", source_of(table), gm.Local(1), split, memory)


def test_more_groups_than_memory_holds_are_refused_by_name(table):
    rows = table.append_column("id", pa.array(np.arange(ROWS)))
    with pytest.raises(
        DataError, match=r"by='id' makes more than 50 groups, .* the products of 3 columns take 72 bytes"
    ):
        keyed(rows, ByColumns(("id",)), memory=50 * 8 * 72)
    assert len(keyed(rows, ByColumns(("id",)), memory=ROWS * 8 * 72).keyed) == ROWS


def test_groups_beyond_memory_are_noticed_where_units_meet(table):
    rows = table.append_column("id", pa.array(np.arange(ROWS)))
    with pytest.raises(DataError, match="by='id' makes more than 50 groups"):
        keyed([rows.slice(0, 40), rows.slice(40, 40), rows.slice(80)], ByColumns(("id",)), memory=50 * 8 * 72)


def test_more_folds_than_rows_are_refused(table):
    with pytest.raises(DataError, match=r"folds=9, but only 7 complete rows; take at most as many folds"):
        keyed(table.slice(1, 7), Folds(9))
    assert len(keyed(table.slice(1, 7), Folds(7)).keyed) == 7


def test_a_fold_without_a_complete_row_is_told_where_all_must_be_filled(table):
    run = keyed(table, Folds(40))
    check_folds(run.keyed)
    with pytest.raises(DataError, match=r"folds=40: no complete row is in fold = 0, fold = 20; take fewer folds"):
        check_folds(run.keyed, filled=True)


@pytest.mark.parametrize("count", [1, 0, -3, 2.5, "5", True])
def test_folds_are_a_whole_number_from_two(count):
    with pytest.raises(OptionError, match="folds must be a whole number, at least 2"):
        Folds(count)


def test_moments_of_a_key_that_is_not_there_are_refused(table):
    run = keyed(table, ByColumns(("group",)))
    assert list(run.keyed) == ["a", "b", "c"]
    with pytest.raises(OptionError, match="no rows with group = d; there are group = a, group = b, group = c"):
        run.keyed["d"]


@pytest.mark.parametrize("split", [Folds(5), ByColumns(("g",)), ByColumns(("many",))], ids=str)
def test_an_array_that_is_used_in_place_is_split_as_columns_are(split):
    rng = np.random.default_rng(3)
    rows = 20_000
    data = {"X": rng.normal(size=(rows, 4)), "y": rng.normal(size=rows)}
    data |= {"g": rng.integers(0, 3, rows), "many": rng.integers(0, 5_000, rows)}
    apart = {f"X{i}": data["X"][:, i] for i in range(4)} | {name: data[name] for name in ("y", "g", "many")}
    placed = keyed_sums("y ~ X", source_of(data), gm.Local(1), split)
    copied = keyed_sums("y ~ X0 + X1 + X2 + X3", source_of(apart), gm.Local(1), split)
    assert placed.design.matrix is not None
    assert placed.keyed.keys == copied.keyed.keys
    assert placed.keyed.moments.rows.tolist() == copied.keyed.moments.rows.tolist()
    # at most 20,000 products of a few units each, in two orders
    np.testing.assert_allclose(placed.keyed.moments.dense, copied.keyed.moments.dense, rtol=0, atol=1e-9)
