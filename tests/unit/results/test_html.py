"""Every result shows as an HTML table that is well-formed and has no colours of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import gramian as gm

RNG = np.random.default_rng(5)
DATA = {"x": RNG.normal(size=60), "z": RNG.normal(size=60), "g": ["a", "<b>", "c"] * 20}
DATA["y"] = DATA["x"] + RNG.normal(size=60)
RESULTS: dict[str, Callable[[], Any]] = {
    "linear": lambda: gm.ols("y ~ x + g", DATA),
    "effects": lambda: gm.ols("y ~ x + g", DATA).comparisons(),
    "test": lambda: gm.ols("y ~ x + g", DATA).test("x = 0"),
    "glm": lambda: gm.glm("hit ~ x", {**DATA, "hit": (DATA["y"] > 0.0) * 1.0}, "binomial"),
    "curve": lambda: gm.curve("y ~ a * x + b", DATA),
    "fits": lambda: gm.ols("y ~ x", DATA, by="g"),
    "plan": lambda: gm.plan("y ~ x", DATA),
    "gram": lambda: gm.gram("y ~ x + z", DATA, folds=3),
    "path": lambda: gm.gram("y ~ x + z", DATA).path(),
    "cross-validation": lambda: gm.gram("y ~ x + z", DATA, folds=3).cross_validate(),
    "selection": lambda: gm.gram("y ~ x + z", DATA).select(),
    "correlation": lambda: gm.gram("y ~ x + z", DATA).correlation(),
    "collinearity": lambda: gm.ols("y ~ x + z", DATA).collinearity(),
    "comparison": lambda: gm.compare("y ~ x + z", DATA),
    "table": lambda: gm.table([gm.ols("y ~ x + g", DATA)]),
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_is_a_table(name: str) -> None:
    html = RESULTS[name]()._repr_html_()
    page = ElementTree.fromstring(html)
    assert page.tag == "table" or page.findall(".//table")
    assert html.isascii()
    assert "color: #" not in html
    assert "<b>" not in html
