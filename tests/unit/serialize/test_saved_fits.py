"""A fit that was saved is the same fit; a file that makes no sense is an ArtifactError."""

import dataclasses
import json
from fractions import Fraction

import numpy as np
import pytest

import gramian as gm
from gramian.errors import ArtifactError
from gramian.saved import load
from gramian.serialize import file as store
from gramian.serialize.values import LEVEL, combination

FITS = {
    "y ~ x + z": {},
    "y ~ x*f + factor(k)": {},
    "y ~ poly(x, 3)*b + poly(z, 2, raw=True)": {},
    "y ~ 0 + x + I(x^2*z)": {},
    "y ~ scale(x):f + center(z) + offset(log(x))": {"weights": "w"},
    'log(y) ~ C(f, ref="b") + C(k, ref=2) + x': {"counts": "n"},
    "y ~ x + I(2*x) + f": {"collinear": "min-norm"},
    "y ~ x + I(2*x) + f:b": {},
    "y ~ 0 + f + x": {},
}


def same(a, b):
    """Deeply equal, arrays bit by bit, numbers with their types."""
    assert type(a) is type(b)
    if dataclasses.is_dataclass(a):
        for field in dataclasses.fields(a):
            if field.name not in ("position", "bounds"):  # places in a formula's text; what only a solve needs
                same(getattr(a, field.name), getattr(b, field.name))
    elif isinstance(a, np.ndarray):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    elif isinstance(a, dict):
        assert list(a) == list(b)
        same(list(a.values()), list(b.values()))
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    else:
        assert a == b or (a != a and b != b)


@pytest.fixture(scope="module", params=FITS)
def fit(request, frame):
    return gm.ols(request.param, frame, **FITS[request.param])


def test_a_saved_fit_is_the_same_fit(fit, frame, tmp_path):
    fit.save(tmp_path / "a.fit")
    again = load(tmp_path / "a.fit")
    same(again.solved, fit.solved)
    assert again.to_dict() == fit.to_dict()
    assert again.summary() == fit.summary()
    assert np.array_equal(again.predict(frame), fit.predict(frame))
    again.save(tmp_path / "b.fit")
    assert (tmp_path / "a.fit").read_bytes() == (tmp_path / "b.fit").read_bytes()


def test_a_saved_ridge_fit(frame, tmp_path):
    fit = gm.ridge("y ~ x + f", frame, alpha=2)
    fit.save(tmp_path / "a.fit")
    same(gm.load(tmp_path / "a.fit").solved, fit.solved)


def test_levels_keep_their_types(tmp_path):
    data = {
        "y": [1.0, 3.0, 2.0, 5.0, 4.0],
        "i": [1, 2, 1, 2, 2],
        "r": [0.5, 1.0, 0.5, 1.0, 0.5],
        "b": [True, False] * 2 + [True],
    }
    fit = gm.ols("y ~ factor(i) + factor(r) + b", data)
    fit.save(tmp_path / "a.fit")
    levels = load(tmp_path / "a.fit").solved.levels.names
    assert {name: [type(v) for v in known] for name, known in levels.items()} == {
        "factor(i)": [int, int],
        "factor(r)": [float, float],
        "b": [bool, bool],
    }


def test_odd_names_and_levels(tmp_path):
    data = {
        "y": [1.0, 2.0, 4.0, 3.0, 7.0],
        "my `col`\n": ["a[b], c = d", "", "ü", "<b>", ""],
        "x": [1.0, 2.0, 3.0, 5.0, 4.0],
    }
    fit = gm.ols("y ~ x + `my \\`col\\`\n`", data, collinear="min-norm")
    fit.save(tmp_path / "a.fit")
    same(load(tmp_path / "a.fit").solved, fit.solved)


@pytest.fixture(scope="module")
def parts(frame, tmp_path_factory):
    path = tmp_path_factory.mktemp("parts") / "a.fit"
    gm.ols("y ~ x*f + poly(z, 2)", frame).save(path)
    return store.load(path)


def damaged(tmp_path, parts, edit=None, arrays=None, kind=None):
    known, content, members = parts
    content = json.loads(json.dumps(content))
    if edit:
        edit(content)
    store.save(tmp_path / "d.fit", kind or known, content, {**members, **(arrays or {})})
    with pytest.raises(ArtifactError, match=r"d\.fit: ") as caught:
        load(tmp_path / "d.fit")
    return str(caught.value)


def test_another_kind(tmp_path, parts):
    assert "it holds a 'cake', neither a fit nor a Gram" in damaged(tmp_path, parts, kind="cake")


def walk(node, path=()):
    yield path
    if isinstance(node, dict | list):
        for key in node if isinstance(node, dict) else range(len(node)):
            yield from walk(node[key], (*path, key))


def test_every_value_of_another_type_is_refused(tmp_path, parts):
    for path in walk(parts[1]):
        if not path or path[0] in ("aliased", "empty_cells", "dropped_rows", "missing"):
            continue

        def replace(content, path=path):
            for key in path[:-1]:
                content = content[key]
            content[path[-1]] = {"odd": 1}

        damaged(tmp_path, parts, replace)


def test_every_value_that_is_missing_is_refused(tmp_path, parts):
    for key in parts[1]:
        damaged(tmp_path, parts, lambda content, key=key: content.pop(key))
    damaged(tmp_path, parts, lambda content: content.update(extra=1))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("rows",), -1),
        (("rows",), 2**63),
        (("rows",), True),
        (("rank",), 1000),
        (("alpha",), -1.0),
        (("rss",), "infinite"),
        (("names",), ["a"]),
        (("names", 0), 1),
        (("aliased",), {"nobody": "x"}),
        (("cells",), [["nobody"]]),
        (("design", "levels"), {}),
        (("design", "levels", "f", 1), "a"),
        (("design", "variables"), {}),
        (("design", "coordinates"), {}),
        (("design", "outcome"), {}),
        (("design", "terms", 1, 0), ["call", "x"]),
        (("design", "outcome", "~y"), ["call", "eval", [["name", "y"]], {}]),
        (("design", "coordinates", "x", 0), "nan"),
        (("design", "coordinates", "x", 1), 10**9),
        (("frame", "constant"), 99),
        (("frame", "scale"), 0.0),
        (("frame", "groups"), []),
        (("frame", "groups", 0, 1), []),
        (("frame", "told", 0), [[99, "1/1"]]),
        (("frame", "told", 0), [[0, "1/0"]]),
        (("frame", "told", 0), [[0, "1/-2"]]),
        (("frame", "told", 0), [[0, "1"]]),
        (("frame", "told", 0), [[0, "z/1"]]),
        (("frame", "told", 0), [[0, "1/1"], [0, "1/1"]]),
        (("frame", "told", 0), [[0, "1" * 200_000 + "/1"]]),
        (("frame", "told"), []),
        (("frame", "response"), [[-1, "1/1"]]),
    ],
)
def test_values_that_make_no_sense(tmp_path, parts, path, value):
    def replace(content):
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    assert "its content makes no sense" in damaged(tmp_path, parts, replace)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("coefficients", np.zeros(2)),
        ("coefficients", np.zeros(8, np.int64)),
        ("inverse", np.zeros((8, 7))),
        ("terms", np.full(8, 99)),
        ("terms", np.full(8, -1)),
        ("order/0", np.array([0, 0, 1])),
        ("order/0", np.array([0, 1, 3])),
        ("cells/0", np.array([[7]])),
        ("frame/positions/0", np.array([0, 0, 0, 0, 0])),
        ("frame/cells/0", np.zeros((2, 0), np.int64)),
        ("solution/null", np.zeros((3, 1))),
    ],
)
def test_arrays_that_make_no_sense(tmp_path, parts, name, array):
    assert name in parts[2]
    assert "its content makes no sense" in damaged(tmp_path, parts, arrays={name: array})


def test_arrays_that_are_not_there(tmp_path, parts):
    for name in parts[2]:
        rest = {k: v for k, v in parts[2].items() if k != name}
        assert "its content makes no sense" in damaged(tmp_path, (parts[0], parts[1], rest))


def test_arrays_that_nobody_asked_for(tmp_path, parts):
    assert "its content makes no sense" in damaged(tmp_path, parts, arrays={"foreign": np.zeros(3)})


def test_long_fractions_pass():
    value = Fraction(3**9000, 7)
    written, _ = combination(5).dump({4: -value})
    assert combination(5).load(json.loads(json.dumps(written)), {}, "a combination") == {4: -value}


@pytest.mark.parametrize("level", ["inf", "1", "", 1, 1.0, True, -0.0, float("inf"), 10**30])
def test_levels_as_json(level):
    back = LEVEL.load(json.loads(json.dumps(LEVEL.dump(level)[0])), {}, "a level")
    assert (back, type(back)) == (level, type(level))


@pytest.mark.parametrize("odd", [None, [], {}, {"float": 1}, {"float": "1.0"}, {"float": 1.0, "x": 1}])
def test_what_is_no_level(odd):
    with pytest.raises(ValueError, match="expected"):
        LEVEL.load(odd, {}, "a level")
