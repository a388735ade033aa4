"""A curve that was saved is the same curve; a file that makes no sense is an ArtifactError."""

from __future__ import annotations

import numpy as np
import pytest
from unit.serialize.test_saved_fits import same, walk

import gramian as gm
from gramian.errors import ArtifactError
from gramian.fit.curve.result import CurveFit
from gramian.serialize import file as store

RNG = np.random.default_rng(5)
X = RNG.uniform(-3, 3, 80)
DATA = {
    "x": X,
    "my x": X + 4,
    "w": RNG.uniform(1, 2, 80),
    "y": 2 / (1 + np.exp(-1.5 * (X - 0.5))) + 0.05 * RNG.normal(size=80),
    "Z": np.column_stack([X, X**2]),
}
LOGISTIC = "y ~ top / (1 + exp(-rate * (x - mid)))"
START = {"top": 1.0, "rate": 1.0, "mid": 0.0}
CURVES = [
    (LOGISTIC, {"start": START}),
    (LOGISTIC, {"start": {"mid": 0.0, "top": 1.0, "rate": 1.0}, "bounds": {"top": (0.0, 1.9)}, "weights": "w"}),
    ("log(y + 1) ~ a + b * tanh(`my x` - c)", {"start": {"a": 1, "b": 1, "c": 4}}),
    ("y ~ logistic(x)", {}),
    ("y ~ arctan(x / 2)", {}),
    ("y ~ a + b * Z[0] + c * Z[1]", {"start": {"a": 0, "b": 0, "c": 0}}),
]


@pytest.mark.parametrize(("formula", "options"), CURVES)
def test_a_saved_curve_is_the_same_curve(formula, options, tmp_path):
    fit = gm.curve(formula, DATA, **options)
    fit.save(tmp_path / "a.fit")
    again = gm.load(tmp_path / "a.fit")
    assert isinstance(again, CurveFit)
    same(again.solved, fit.solved)
    assert (again.summary(), again.to_dict()) == (fit.summary(), fit.to_dict())
    assert np.array_equal(again.predict(DATA), fit.predict(DATA))
    assert again.predict(DATA, interval="prediction").equals(fit.predict(DATA, interval="prediction"))
    again.save(tmp_path / "b.fit")
    assert (tmp_path / "a.fit").read_bytes() == (tmp_path / "b.fit").read_bytes()


def damaged(path, content, arrays):
    store.save(path, "curve-fit", content, arrays)
    with pytest.raises(ArtifactError, match="its content makes no sense"):
        gm.load(path)


def test_what_makes_no_sense_is_refused(tmp_path):
    gm.curve(LOGISTIC, DATA, START).save(tmp_path / "a.fit")
    _, content, arrays = store.load(tmp_path / "a.fit")
    for place in [p for p in walk(content) if p and p[0] not in ("dropped_rows", "missing")]:
        _, broken, _ = store.load(tmp_path / "a.fit")
        part = broken
        for key in place[:-1]:
            part = part[key]
        part[place[-1]] = {"odd": 1}
        damaged(tmp_path / "b.fit", broken, arrays)
    changes = (
        {"formula": "y ~ top * exp(rate * x)"},
        {"formula": "y ~ open(x)"},
        {"parameters": ["top", "rate", "top"]},
        {"columns": ["y"]},
        {"linear": ["mid"]},
        {"rows": -1},
    )
    for change in changes:
        damaged(tmp_path / "b.fit", content | change, arrays)
    for name in arrays:
        damaged(tmp_path / "b.fit", content, {k: a for k, a in arrays.items() if k != name})
    damaged(tmp_path / "b.fit", content, {**arrays, "foreign": np.zeros(1)})
