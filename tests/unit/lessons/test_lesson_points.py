"""The function `lesson`: which points it takes, and the page that it writes."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import gramian as gm
from gramian.errors import DataError, FormulaError, NumericalError, OptionError
from gramian.lessons import inline


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])


def test_without_arguments_the_two_worked_examples():
    data = data_of(gm.lesson().html())
    assert [s["title"] for s in data["sets"]] == ["Twelve months", "Ten points"]
    assert data["sets"][0]["points"][7] == [8.0, 2.5]
    assert len(data["outcomes"]["points"]) == 40


def test_own_points_come_first():
    lesson = gm.lesson("log(price) ~ size", {"price": [1.0, 2.0, 4.0], "size": [1.5, 2.5, 0.1]})
    own = data_of(lesson.html())["sets"][0]
    assert (own["x"], own["y"]) == ("size", "log(price)")
    assert np.array(own["points"])[:, 1] == pytest.approx(np.log([1, 2, 4]))
    assert np.array(own["points"])[:, 0].tolist() == [1.5, 2.5, 0.1]


def test_incomplete_rows_are_dropped():
    assert gm.lesson("y ~ x", {"x": [1.0, None, 3.0], "y": [1.0, 2.0, 4.0]}).own.points == ((1, 1), (3, 4))


def test_outcomes_of_zeros_and_ones_are_those_of_the_sigmoid():
    lesson = gm.lesson("late ~ delay", {"delay": [1, 2, 3, 4], "late": [0, 1, 0, 1]})
    assert lesson.outcomes is lesson.own
    assert gm.lesson("y ~ x", {"x": [1, 2], "y": [0, 2]}).outcomes.title == "Forty throws"


def test_names_cannot_end_the_script():
    page = gm.lesson("y ~ `</script><b>`", {"</script><b>": [1, 2], "y": [1, 2]}).html()
    assert "</script><b>" not in page
    assert data_of(page)["sets"][0]["x"] == "</script><b>"


def test_it_saves_and_shows_itself(tmp_path):
    lesson = gm.lesson()
    lesson.save(tmp_path / "lesson.html")
    assert (tmp_path / "lesson.html").read_text(encoding="utf-8") == lesson.html()
    assert lesson._repr_html_().startswith('<iframe srcdoc="&lt;!doctype html&gt;')


@pytest.mark.parametrize(
    ("formula", "data", "error", "words"),
    [
        ("y ~ x + z", {"x": [1, 2], "z": [1, 3], "y": [1, 2]}, FormulaError, "has 2 predictors.*write one predictor"),
        ("y ~ 1", {"y": [1, 2]}, FormulaError, "has 0 predictors"),
        ("y ~ x - 1", {"x": [1, 2], "y": [1, 2]}, FormulaError, "1 predictor and no constant"),
        ("y ~ g", {"g": ["a", "b", "c"], "y": [1, 2, 3]}, FormulaError, "has 2 predictors"),
        ("y ~ x", {"x": [1.0, None], "y": [1, 2]}, NumericalError, "1 complete row; .* two points"),
        ("y ~ x", {"x": np.arange(201.0), "y": np.arange(201.0)}, OptionError, "more than 200 rows"),
        ("y ~ x", {"z": [1, 2], "y": [1, 2]}, DataError, "no column 'x'"),
        ("y ~ x", None, OptionError, r"'y ~ x' needs data; .* gm.lesson\(\)"),
        (None, {"x": [1]}, OptionError, "need a formula"),
    ],
)
def test_what_cannot_be_drawn_is_refused(formula, data, error, words):
    with pytest.raises(error, match=words):
        gm.lesson(formula, data)


def written(monkeypatch, **modules):
    monkeypatch.setattr(inline, "_read", lambda name: modules[name.removesuffix(".js").replace("/", "_")])


def test_modules_are_inlined_in_the_order_of_their_imports(monkeypatch):
    written(
        monkeypatch,
        main='import { a as first } from "./sub/one.js";\nfirst();\n',
        sub_one='import { b } from "../two.js";\nexport const a = () => b;\n',
        two="export function b() {}\nexport const $ = 1;\n",
    )
    text = inline.script("main.js")
    assert [text.index(f"// {name}.js") for name in ("two", "sub/one", "main")] == sorted(
        text.index(f"// {name}.js") for name in ("two", "sub/one", "main")
    )
    assert "const { a: first } = $sub_one;" in text
    assert "return { b, $ };" in text
    assert not re.search(r"^(import|export)", text, re.MULTILINE)


def test_what_cannot_be_inlined_is_refused(monkeypatch):
    written(monkeypatch, main="export default 1;\n")
    with pytest.raises(ValueError, match=r"main\.js imports or exports"):
        inline.script("main.js")
    written(monkeypatch, a='import { b } from "./b.js";\n', b='import { a } from "./a.js";\n')
    with pytest.raises(ValueError, match=r"a\.js -> b\.js -> a\.js"):
        inline.script("a.js")
