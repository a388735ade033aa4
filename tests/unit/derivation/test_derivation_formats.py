"""A derivation as text, Markdown, HTML and JSON."""

from __future__ import annotations

import dataclasses
import json
import re
from fractions import Fraction
from xml.etree import ElementTree

import numpy as np
import pytest
from unit.derivation.small_data import GROUPS, TWINS, WAVE

from gramian.derivation import derive
from gramian.derivation.notation import latex, mathml, tokens
from gramian.derivation.numbers import format_fraction

MATHML = "{http://www.w3.org/1998/Math/MathML}"
NASTY = {"a_b": [1, 2, 3, 4], "<b>&\"'|$x*": [1, 0, 2, 5], "y": [1, 2, 4, 3.5]}
LONG = {"x": np.arange(40), "y": np.arange(40) ** 2 / 7}
EXAMPLES = [("y ~ x", WAVE), ("y ~ g * x", GROUPS), ("y ~ a + b", TWINS), ("y ~ .", NASTY), ("y ~ x", LONG)]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("650", "650"), ("-3", "-3"), ("0", "0"), ("2.33", "2.33"), ("1/3", "0.33333333"), ("-1/6", "-0.16666667"),
        ("0.00001", "0.00001"), ("1/30000", "3.33333333e-5"), ("299999999999/100000000000", "3"),
        ("12345678901234", "12345678901234"), ("1000000000000000", "1e15"), ("-1/3000000", "-3.33333333e-7"),
        ("123456789.123456789", "123456789.12345679"),
    ],
)  # fmt: skip
def test_numbers_are_rounded_once(value, told):
    assert format_fraction(Fraction(value)) == told


def test_notation():
    assert latex("X'Xw = X'y") == "X'Xw = X'y"
    assert latex("(X'X)^-1 * 2.5e-7 >= ||v||^2") == r"(X'X)^{-1} \cdot 2.5 \cdot 10^{-7} \ge \|v\|^{2}"
    assert mathml("w_1'") == '<mrow><msub><mi>w</mi><mn>1</mn></msub><mo form="postfix">′</mo></mrow>'
    group = "<mrow><mo>(</mo><mi>a</mi><mo>)</mo></mrow>"
    assert mathml("(a)^2((a))") == f"<msup>{group}<mn>2</mn></msup><mrow><mo>(</mo>{group}<mo>)</mo></mrow>"
    with pytest.raises(ValueError, match="no mathematics"):
        list(tokens("a § b"))


@pytest.mark.parametrize(("formula", "data"), EXAMPLES)
def test_html_is_well_formed(formula, data):
    d = derive(formula, data)
    root = ElementTree.fromstring(d.html())
    assert root.tag == "div"
    assert len(root.findall("h3")) == 10
    for table in root.iter(f"{MATHML}mtable"):
        assert len({len(row) for row in table}) == 1
    assert {e.tag for e in root.iter()} >= {f"{MATHML}{name}" for name in ("math", "mtable", "mtr", "mtd", "mn", "mo")}
    assert d._repr_html_() == d.html()
    assert d.html().isascii()


def test_html_has_the_numbers():
    root = ElementTree.fromstring(derive("y ~ x", WAVE).html())
    rows = ["|".join("".join(cell.itertext()) for cell in row) for row in root.iter(f"{MATHML}mtr")]
    for row in ("x|650|78", "Intercept|78|12", "x|0.00699301|-0.04545455", "x|0.01174825", "Intercept|2.30530303"):
        assert row in rows


@pytest.mark.parametrize(("formula", "data"), EXAMPLES)
def test_markdown_is_balanced(formula, data):
    told = derive(formula, data).markdown()
    assert len(re.findall(r"(?m)^## \d+\. ", told)) == 10
    assert len(re.findall(r"(?m)^\$\$$", told)) % 2 == 0
    assert told.count(r"\begin{pmatrix}") == told.count(r"\end{pmatrix}") > 5
    for block in re.findall(r"\\begin\{pmatrix\}\n(.*?)\n\\end\{pmatrix\}", told, re.S):
        assert len({row.count("&") for row in block.split("\\\\\n")}) == 1
    for line in told.splitlines():
        assert len(re.findall(r"(?<!\\)\$", line.replace("$$", ""))) % 2 == 0
        assert line.count("{") == line.count("}") or "\\{" in line


def test_markdown_has_the_numbers():
    told = derive("y ~ x", WAVE).markdown()
    assert "X'X = \\begin{pmatrix}\n650 & 78 \\\\\n78 & 12\n\\end{pmatrix}" in told
    assert "(X'X)^{-1} = \\begin{pmatrix}\n0.00699301 & -0.04545455 \\\\\n-0.04545455 & 0.37878788" in told


def test_names_are_escaped():
    d = derive("y ~ .", NASTY)
    assert r"a\_b" in d.markdown()
    assert r"\<b\>&amp;" in d.markdown()
    assert "&lt;b&gt;&amp;" in d.html()
    assert "<b>" not in d.html()


def test_wide_matrices_are_elided_only_where_they_are_shown():
    d = derive("y ~ x", LONG)
    assert d.pseudo_inverse.shape == (2, 40)
    text = d.text()
    assert "...  36  37  38  39  40" in text
    assert max(map(len, text.splitlines())) <= 100
    assert r"\cdots" in d.markdown()


def test_brackets_open_and_close_once():
    text = derive("y ~ x", WAVE).text()
    step = text[text.index("(X'X)^-1X' =") : text.index("8. The coefficients")]
    assert (step.count("[ "), step.count(" ]")) == (2, 2)


def test_twelve_columns_are_all_shown():
    assert "1  2  3  4  5  6  7  8  9  10  11  12" in derive("y ~ x", WAVE).text()


@pytest.mark.parametrize(("formula", "data"), EXAMPLES)
def test_json(formula, data):
    d = derive(formula, data)
    told = json.loads(json.dumps(d.to_dict(), allow_nan=False))
    assert told["schema"] == "gramian.derivation/1"
    assert told["names"] == list(d.names)
    assert told["w"] == d.w.tolist()
    assert told["rows"] == len(d.y)
    assert (told["inverse"] is None) == (d.inverse is None)


def test_it_is_frozen():
    d = derive("y ~ x", WAVE)
    with pytest.raises(dataclasses.FrozenInstanceError):
        d.table = None  # type: ignore[misc, assignment]
    with pytest.raises(ValueError, match="read-only"):
        d.w[0] = 1.0
    assert repr(d) == "Derivation('y ~ x', rows=12, rank=2)"
    assert str(d) == d.text()
