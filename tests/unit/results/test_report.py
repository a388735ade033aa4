"""What people see of a fit: summaries, tables, other formats."""

import csv
import io
import json
import math

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console

import gramian as gm
from gramian.results.format_numbers import aligned, number, p_value, printable, significant, stars
from gramian.results.formats import FORMATS


@pytest.fixture(scope="module")
def fit(frame):
    data = frame.assign(x=frame.x.where(frame.index > 4), v=2 * frame.z)
    return gm.ols("y ~ x + z + v + f", data)


def test_a_summary_says_rows_coefficients_and_quality(fit):
    text = fit.summary()
    assert text.startswith("Linear regression\ny ~ x + z + v + f\n495 rows used of 500\n5 left out: 5 null (x 5)\n")
    for piece in (
        "estimate",
        "95 % low",
        "sigma ",
        "R squared ",
        "F ",
        "log-likelihood ",
        "AIC ",
        "BIC ",
        "condition ",
    ):
        assert piece in text
    assert "on 490 residual degrees of freedom" in text
    assert "combinations of other columns, left out:\n  v = 2*z" in text
    assert "<2e-16   ***" in text
    assert not any(line != line.rstrip() for line in text.splitlines())
    assert "\x1b" not in text


def test_decimal_points_stand_below_each_other(fit):
    rows = [line for line in fit.summary().splitlines() if line.startswith((" Intercept", " x ", " z ", " f["))]
    assert len(rows) == 5
    assert len({row.index(".") for row in rows}) == 1


def test_names_with_markup_and_control_characters_are_shown_as_they_are():
    data = {"y": [1.0, 2.0, 4.0, 3.0, 7.0, 5.0], "f": ["[red]x[/red]", "\x1b[31m", "a\nb"] * 2}
    text = gm.ols("y ~ 0 + f", data).summary()
    assert "f[[red]x[/red]]" in text
    assert "f[\\x1b[31m]" in text
    assert "f[a\\nb]" in text
    assert "\x1b" not in text


def test_html_is_escaped():
    data = {"y": [1.0, 2.0, 4.0, 3.0, 7.0, 5.0], "f": ["<script>alert(1)</script>", "b & c", "d"] * 2}
    html = gm.ols("y ~ f", data)._repr_html_()
    assert "<script>" not in html
    assert "f[b &amp; c]" in html or "f[d]" in html
    assert html.startswith('<div class="gramian">')
    assert html.count("<table>") == 1


def test_long_tables_are_cut_in_the_summary_only():
    rng = np.random.default_rng(0)
    data = {"y": rng.normal(size=400), "f": [f"l{i:03}" for i in range(200)] * 2}
    fit = gm.ols("y ~ f", data)
    assert "f[l059]" in fit.summary()
    assert "f[l060]" not in fit.summary()
    assert "... 140 more coefficients; tidy() has all of them" in fit.summary()
    assert fit.tidy().num_rows == 200


def test_long_names_are_not_cut():
    name = "x" * 300
    text = gm.ols(f"y ~ {name}", {"y": [1.0, 2.0, 4.0], name: [1.0, 2.0, 3.0]}).summary()
    assert f" {name} " in text


def test_empty_cells_and_single_levels_are_told():
    data = {"y": [1.0, 2.0, 4.0, 3.0, 7.0, 5.0], "f": list("aabbcc"), "g": list("uvuvuu"), "h": ["only"] * 6}
    text = gm.ols("y ~ f:g + h", data, collinear="drop").summary()
    assert "f:g: combinations of levels without a row, so without a coefficient: 1" in text
    assert "only one level: h" in text


def test_counts_and_weights_are_named(frame):
    assert "weights: w" in gm.ols("y ~ x", frame, weights="w").summary()
    assert f"{frame.n.sum():,} rows, the sum of n" in gm.ols("y ~ x", frame, counts="n").summary()


def test_colour_is_for_consoles(fit):
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system="standard", width=120)
    for part in fit.render():
        console.print(part)
    assert "\x1b[1m" in out.getvalue()


def test_repr_is_short(fit):
    assert repr(fit).startswith("LinearFit('y ~ x + z + v + f', rows=495, r_squared=0.9")


def test_tidy_and_glance_have_the_names_of_broom(fit):
    table = fit.tidy(0.9)
    assert table.column_names == [
        "term",
        "estimate",
        "std_error",
        "statistic",
        "p_value",
        "conf_low",
        "conf_high",
        "digits",
    ]
    assert table.column("conf_low").to_pylist()[0] == fit.conf_int(0.9)[0, 0]
    glance = fit.glance()
    assert glance.column_names == [
        "r_squared", "adj_r_squared", "sigma", "statistic", "p_value", "df", "loglik", "aic", "bic", "deviance",
        "df_residual", "rows",
    ]  # fmt: skip
    assert glance.schema.field("rows").type == pa.int64()
    assert glance.to_pylist()[0]["df"] == 4


def test_the_json_object(fit):
    told = json.loads(FORMATS["json"](fit, 0.95), parse_constant=pytest.fail)
    assert told == fit.to_dict()
    assert told["schema"] == "gramian.fit/1"
    assert told["family"] == "gaussian"
    assert told["rows"] == 495
    assert told["dropped_rows"] == {"null": 5}
    assert told["aliased"] == {"v": "2*z"}
    assert told["vcov"] == "iid"
    assert told["accuracy"] == {
        "tier": fit.tier,
        "digits": np.nanmin(fit.digits),
        "std_error_digits": np.nanmin(fit.std_error_digits),
        "rss_digits": fit.rss_digits,
        "not_certified": None,
        "reached": True,
        "passes": fit.passes,
        "condition": fit.condition,
    }
    assert [c["term"] for c in told["coefficients"]] == list(fit.names)
    assert set(told["coefficients"][0]) == {
        "term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high", "digits",
    }  # fmt: skip
    assert told["coefficients"][3]["estimate"] is None


def test_the_json_of_a_fit_without_freedom_has_no_nan():
    fit = gm.ols("y ~ x", {"x": [1.0, 2.0], "y": [0.0, 0.0]})
    told = json.loads(FORMATS["json"](fit, 0.95), parse_constant=pytest.fail)
    assert told["loglik"] is None
    assert told["f_test"] is None


def test_csv_has_all_digits(fit):
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"](fit, 0.95))))
    assert [row["term"] for row in rows] == list(fit.names)
    assert float(rows[1]["estimate"]) == fit["x"]
    assert rows[3]["estimate"] == ""


def test_csv_quotes_names():
    fit = gm.ols("y ~ f", {"y": [1.0, 2.0, 4.0, 3.0], "f": ['a,"b"', "c\nd"] * 2})
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"](fit, 0.95), newline="")))
    assert rows[1]["term"] == "f[c\nd]"


def test_markdown(fit):
    lines = FORMATS["md"](fit, 0.95).splitlines()
    assert lines[0] == "| term | estimate | std. error | t | p-value | low | high |"
    assert lines[1] == "|:--|--:|--:|--:|--:|--:|--:|"
    assert lines[5] == "| v |  |  |  |  |  |  |"
    assert lines[6].startswith(r"| f\[b\] | ")


def test_markdown_and_latex_escape_names():
    fit = gm.ols("y ~ f", {"y": [1.0, 2.0, 4.0, 3.0], "f": ["a", "|_<b>&\n$%"] * 2})
    assert r"\|\_" not in FORMATS["md"](fit, 0.95).splitlines()[0]
    assert r"f\[\|\_\<b\>&amp;\\n\$%\]" in FORMATS["md"](fit, 0.95) or r"\|\_\<b\>&amp;" in FORMATS["md"](fit, 0.95)
    assert r"\textbar{}\_\textless{}b\textgreater{}\&\textbackslash{}n\$\%" in FORMATS["latex"](fit, 0.95)


def test_latex(fit):
    text = FORMATS["latex"](fit, 0.95)
    assert text.startswith("\\begin{tabular}{lrrrrrr}\n\\toprule\n")
    assert text.endswith("\\bottomrule\n\\end{tabular}")
    assert r"$<2 \times 10^{-16}$" in text


def test_table_is_the_summary(fit):
    assert FORMATS["table"](fit, 0.95) == fit.summary()


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.0, "3.00000"), (0.0, "0"), (-1234567.8, "-1234568"), (1.5e12, "1.50000e+12"), (123456.0, "123456"),
     (1e-9, "1.00000e-09"), (math.inf, "inf"), (math.nan, "")],
)  # fmt: skip
def test_significant_digits(value, text):
    assert significant(value, 6) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "3"),
        (1234567.8, "1,234,568"),
        (math.nan, "unknown"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (2e13, "2e+13"),
    ],
)
def test_numbers_in_sentences(value, text):
    assert number(value) == text


def test_p_values_and_stars():
    assert [p_value(p) for p in (0.0, 1e-17, 3e-16, 0.00012, 0.05, 1.0, math.nan)] == [
        "<2e-16", "<2e-16", "3e-16", "0.0001", "0.0500", "1.0000", "",
    ]  # fmt: skip
    assert [stars(p) for p in (1e-5, 0.001, 0.01, 0.05, 0.1, math.nan)] == ["***", "**", "*", ".", "", ""]


def test_alignment():
    assert aligned(np.array([1.0, 100.0, 0.001, np.nan]), 3) == ["  1.00   ", "100      ", "  0.00100", "         "]


def test_printable():
    assert printable("ü\t\x00\u200b") == "ü\\t\\x00\\u200b"
