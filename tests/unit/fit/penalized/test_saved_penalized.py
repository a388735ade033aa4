"""A penalised fit that was saved is the same fit; a file that makes no sense is an ArtifactError."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from unit.fit.penalized.systems import houses
from unit.serialize.test_saved_fits import same, walk

import gramian as gm
from gramian.errors import ArtifactError
from gramian.fit.penalized.result import PenalizedFit
from gramian.serialize import file as store

FORMULA = "y ~ f*x + poly(z, 2) + u"
COUNTED = [("aliased",), ("empty_cells",), ("dropped_rows",), ("missing",)]  # name -> number, any name will do
MODELS = [
    {},
    {"l1_ratio": 0.0, "alphas": [10.0, 1.0]},
    {"l1_ratio": 0.5, "penalties": {"f": 0.0, "u": 2.5}, "standardize": True},
    {"drop_first": True, "formula": "y ~ 0 + f + x"},
]


@pytest.fixture(scope="module")
def gram():
    return gm.gram(FORMULA, houses(), folds=4)


@pytest.mark.parametrize("options", MODELS)
def test_a_saved_fit_is_the_same_fit(gram, options, tmp_path):
    path = gram.path(**options)
    fit = path[len(path) // 2]
    fit.save(tmp_path / "a.fit")
    again = gm.load(tmp_path / "a.fit")
    assert isinstance(again, PenalizedFit)
    same(again.solved, fit.solved)
    assert again.options == replace(fit.options, alphas=None)
    assert again.summary() == fit.summary()
    assert np.array_equal(again.predict(houses()), fit.predict(houses()))
    again.save(tmp_path / "b.fit")
    assert (tmp_path / "a.fit").read_bytes() == (tmp_path / "b.fit").read_bytes()


def test_what_a_cross_validation_chose_is_kept(gram, tmp_path):
    found = gram.cross_validate(l1_ratio=1.0)
    for fit in (found.fit, found.one_se_fit):
        fit.save(tmp_path / "a.fit")
        assert gm.load(tmp_path / "a.fit").alpha == fit.alpha


def test_its_size_is_that_of_its_coefficients(gram, tmp_path):
    gram.path()[1].save(tmp_path / "a.fit")
    _, _, arrays = store.load(tmp_path / "a.fit")
    assert not [name for name, array in arrays.items() if array.ndim == 2 and array.shape[1] > 1]


def damaged(path, content, arrays):
    store.save(path, "penalized-fit", content, arrays)
    with pytest.raises(ArtifactError, match="its content makes no sense"):
        gm.load(path)


def test_every_value_of_another_type_is_refused(gram, tmp_path):
    gram.path(penalties={"u": 2.0})[2].save(tmp_path / "a.fit")
    _, content, arrays = store.load(tmp_path / "a.fit")
    places = [place for place in walk(content) if place and place[1:2] not in COUNTED]
    assert ("penalties", "u") in places
    for place in places[::3]:
        _, broken, _ = store.load(tmp_path / "a.fit")
        part = broken
        for key in place[:-1]:
            part = part[key]
        part[place[-1]] = {"odd": 1}
        damaged(tmp_path / "b.fit", broken, arrays)
    for change in ({"l1_ratio": 1.5}, {"penalties": {"u": -1.0}}, {"fit": {**content["fit"], "alpha": None}}):
        damaged(tmp_path / "b.fit", content | change, arrays)
    for name in arrays:
        damaged(tmp_path / "b.fit", content, {k: a for k, a in arrays.items() if k != name})
    square = np.zeros((len(arrays["coefficients"]),) * 2)
    damaged(tmp_path / "b.fit", content, {**arrays, "inverse": square})
