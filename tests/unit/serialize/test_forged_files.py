"""Files that were made by hand, with check sums that are right: what makes no sense is refused, and soon."""

import contextlib
import json

import numpy as np
import pytest
from released_files import DATA

import gramian as gm
from gramian.errors import ArtifactError
from gramian.serialize import file as store

ALIASED = {**DATA, "twice": 2 * DATA["x"]}
FITS = {
    "gram": lambda: gm.gram("y ~ x*f + poly(z, 2)", DATA),
    "linear": lambda: gm.ols("y ~ x + twice + f | firm", ALIASED, vcov="HC1"),
    "ridge": lambda: gm.ridge("y ~ x + f", DATA, 2.0),
    "path": lambda: gm.gram("y ~ x + z + f", DATA).path()[1],
    "glm": lambda: gm.glm("n ~ x + twice", ALIASED, "poisson"),
    "curve": lambda: gm.curve("y ~ a + b * exp(k * x)", DATA, {"a": 0, "b": 1, "k": 0.05}),
    "wide": lambda: gm.ols("y ~ x + z", DATA, solver="iterative"),
}
MAY_OVERFLOW = {"inverse", "roots", "robust/told", "std_errors"}  # variances beyond float64, which show that they are
MAY_BE_MISSING = {"std_errors", "digits", "robust/told"}


@pytest.fixture(params=FITS)
def parts(request, tmp_path):
    """Path, kind, manifest and arrays of a saved result."""
    path = tmp_path / "saved"
    FITS[request.param]().save(path)
    return path, *store.load(path)


def refused(path, message):
    with pytest.raises(ArtifactError, match=message):
        gm.load(path)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite(parts, odd):
    path, kind, manifest, arrays = parts
    allowed = MAY_BE_MISSING if np.isnan(odd) else MAY_OVERFLOW
    for name, array in arrays.items():
        if array.dtype == float and array.size and name not in allowed:
            changed = array.copy()
            changed.reshape(-1)[np.flatnonzero(np.isfinite(array))[-1]] = odd
            store.save(path, kind, manifest, {**arrays, name: changed})
            refused(path, "finite|numbers in")


@pytest.mark.parametrize("name", ["terms", "variables", "coordinates", "outcome", "factors", "splines"])
def test_more_of_a_design_than_the_arrays_have_columns(tmp_path, name):
    path = tmp_path / "saved"
    FITS["gram"]().save(path)
    kind, manifest, arrays = store.load(path)
    items = manifest["design"][name]
    many = items * 2_000 if isinstance(items, list) else dict.fromkeys(map(str, range(2_000)))
    store.save(path, kind, {**manifest, "design": {**manifest["design"], name: many}}, arrays)
    refused(path, "no more than 1,0.. terms or variables beside arrays of these sizes")


def test_a_term_that_stands_twice(tmp_path):
    path = tmp_path / "saved"
    FITS["gram"]().save(path)
    kind, manifest, arrays = store.load(path)
    terms = manifest["design"]["terms"]
    store.save(path, kind, {**manifest, "design": {**manifest["design"], "terms": [*terms, terms[1]]}}, arrays)
    refused(path, "terms that differ")


def test_variances_beyond_float64_are_read_again(tmp_path):
    x = np.array([1.0, 2.0, 4.0, 5.0]) * 1e-160
    fit = gm.ols("y ~ x", {"x": x, "y": [1.0, 2.0, 3.0, 5.0]})
    fit.save(tmp_path / "saved")
    assert gm.load(tmp_path / "saved").coefficients.tolist() == fit.coefficients.tolist()


def test_half_a_character_in_a_name_or_a_level(tmp_path):
    path = tmp_path / "saved"
    gm.ols("y ~ x + f", DATA).save(path)
    kind, manifest, arrays = store.load(path)
    store.save(path, kind, {**manifest, "names": ["\ud800", *manifest["names"][1:]]}, arrays)
    refused(path, "text of Unicode")
    levels = {"f": ["\ud800", *manifest["design"]["levels"]["f"][1:]]}
    store.save(path, kind, {**manifest, "design": {**manifest["design"], "levels": levels}}, arrays)
    refused(path, "text of Unicode")


def test_half_a_character_anywhere(tmp_path):
    path, escaped = tmp_path / "saved", gm.gram("y ~ x", {"x": [1.0, 2.0, 4.0], "y": [1.0, 3.0, 2.0]})
    escaped.save(path)
    for name, refuses in (("\ud800", True), ("\udc00\ud800", True), ("\U0001f600", False), ("\\ud800", False)):
        kind, manifest, arrays = store.load(path)
        text = json.dumps(manifest).replace('"x"', json.dumps(name))
        store.save(tmp_path / "forged", kind, json.loads(text), arrays)
        if refuses:
            refused(tmp_path / "forged", "half a character")
        else:
            assert gm.load(tmp_path / "forged").ols().names == ("Intercept", name)


def test_squares_below_zero_determine_nothing(tmp_path):
    """A Gram whose terms were exchanged, so that a column has a square below zero: not a column, not a traceback."""
    path = tmp_path / "saved"
    gm.gram("y ~ x*f + poly(z, 2)", DATA).save(path)
    kind, manifest, arrays = store.load(path)
    manifest["design"]["terms"][3] = ["product", "x", [["x", 1]]]
    store.save(path, kind, manifest, arrays)
    with contextlib.suppress(gm.errors.GramianError):
        gm.load(path).ols().summary()
