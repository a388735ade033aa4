"""A Gram that was saved is the same Gram; a file that is damaged or makes no sense is an ArtifactError."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from unit.serialize.test_saved_file import rewritten, sealed
from unit.serialize.test_saved_fits import same, walk

import gramian as gm
from gramian.errors import ArtifactError
from gramian.serialize import file as store

KEPT = Path(__file__).with_name("version-0.1.gram")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 60
    return pd.DataFrame(
        {
            "x": rng.normal(100, 1, n),
            "f": rng.choice(list("abc"), n),
            "b": rng.integers(0, 2, n) > 0,
            "k": rng.integers(1, 4, n),
            "o": pd.Categorical(rng.choice(["low", "high"], n), ["low", "high"], ordered=True),
            "w": rng.uniform(1, 2, n),
            "y": rng.normal(size=n),
        }
    )


GRAMS = {
    "y ~ x*f": {},
    "y ~ poly(x, 2)*b + factor(k)": {"weights": "w"},
    'log(w) ~ C(f, ref="b") + o + scale(x) + offset(y)': {},
    "y ~ 0 + f:b:x": {"counts": "k"},
}


@pytest.mark.parametrize("formula", GRAMS)
def test_a_saved_gram_is_the_same_gram(formula, frame, tmp_path):
    gram = gm.gram(formula, frame, **GRAMS[formula])
    for made in (gram, gm.subtract(gram, gm.gram(formula, frame[:25], **GRAMS[formula]), force=True)):
        made.save(tmp_path / "a.gram")
        again = gm.load(tmp_path / "a.gram")
        moments, read = made.gram_data.moments, again.gram_data.moments
        same(read.dense, moments.dense)
        same(dict(read.tables), {f: moments.tables[f] for f in read.tables})
        same((read.rows, read.log_weight, dict(read.powers)), (moments.rows, moments.log_weight, dict(moments.powers)))
        assert (read.levels, read.coordinates) == (moments.levels, moments.coordinates)
        assert (read.removed is None) == (moments.removed is None)
        if read.removed is not None:
            same(read.removed.dense, moments.removed.dense)
        same(again.ols().solved.coefficients, made.ols().solved.coefficients)
        assert again.inputs == made.inputs
        assert again.gram_data.provenance == made.gram_data.provenance
        again.save(tmp_path / "b.gram")
        assert (tmp_path / "a.gram").read_bytes() == (tmp_path / "b.gram").read_bytes()


def test_a_file_of_the_first_version_is_read():
    gram = gm.load(KEPT)
    assert (gram.rows, gram.formula) == (8, "y ~ x*f + I(x^2)")
    x = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    data = {"x": x, "f": list("aabbaabb"), "y": 2 * x + x**2 / 4 + np.array([0.0, 1.0] * 4)}
    np.testing.assert_allclose(gram.ols().coefficients, gm.ols(gram.formula, data).coefficients, atol=1e-12)
    assert gram.ols("y ~ x + f").names == ("Intercept", "x", "f[b]")


@pytest.fixture
def path(frame, tmp_path):
    gm.gram("y ~ x*f + poly(x, 2)", frame).save(tmp_path / "d.gram")
    return tmp_path / "d.gram"


def refused(path, message=".", load=gm.load):
    with pytest.raises(ArtifactError, match=message) as caught:
        load(path)
    assert path.name in str(caught.value)
    return str(caught.value)


def test_every_cut_is_an_error(path):
    whole = path.read_bytes()
    for length in {*range(0, len(whole), 97), *range(len(whole) - 80, len(whole))}:
        path.write_bytes(whole[:length])
        refused(path)


def test_flipped_bits_are_errors(path):
    whole = bytearray(path.read_bytes())
    for at in range(0, len(whole), 11):
        whole[at] ^= 1 << at % 8
        path.write_bytes(whole)
        refused(path)
        whole[at] ^= 1 << at % 8


def test_swapped_duplicate_and_foreign_members(path):
    whole = path.read_bytes()
    rewritten(path, lambda m: [m[0], m[2], m[1], *m[3:]])
    refused(path, "its members are not those that its manifest lists")
    path.write_bytes(whole)
    rewritten(path, lambda m: [*m, (zipfile.ZipInfo("extra.npy"), b"123")])
    refused(path, "its members are not those")
    path.write_bytes(whole)
    rewritten(path, lambda m: m[:-1])
    refused(path, "its members are not those")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice(path):
    rewritten(path, lambda m: [*m, m[1]])
    refused(path, "its members are not those|Overlapped")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda head: head["members"]["dense"].update(shape=[2**40, 2**40]), "'dense.npy'"),
        (lambda head: head["members"]["dense"].update(shape=[3, 3]), "'dense.npy'"),
        (lambda head: head["members"]["table/0/sums"].update(dtype="object"), "'table/0/sums.npy'"),
        (lambda head: head.update(version=[2, 0]), "it has version 2.0; this gramian reads version 1"),
        (lambda head: head.update(kind="linear-fit"), "its content makes no sense"),
    ],
)
def test_other_manifests(path, edit, message):
    def change(members):
        (info, text), *rest = members
        head = json.loads(text)
        edit(head)
        return [(info, json.dumps(head)), *rest]

    rewritten(path, change)
    sealed(path)
    refused(path, message)


@pytest.fixture(scope="module")
def parts(frame, tmp_path_factory):
    target = tmp_path_factory.mktemp("parts") / "a.gram"
    whole = gm.gram("y ~ x*f + poly(x, 2)", frame)
    gm.subtract(whole, gm.gram(whole.formula, frame[:20]), force=True).save(target)
    return store.load(target)


def damaged(tmp_path, parts, edit=None, arrays=None, without=()):
    kind, content, members = parts
    content = json.loads(json.dumps(content))
    if edit:
        edit(content)
    kept = {k: v for k, v in {**members, **(arrays or {})}.items() if k not in without}
    store.save(tmp_path / "d.gram", kind, content, kept)
    return refused(tmp_path / "d.gram", r"d\.gram: its content makes no sense")


def test_every_value_of_another_type_is_refused(tmp_path, parts):
    for place in walk(parts[1]):
        if not place or place[0] in ("dropped_rows", "missing", "matrices"):
            continue

        def replace(content, place=place):
            for key in place[:-1]:
                content = content[key]
            content[place[-1]] = {"odd": 1}

        damaged(tmp_path, parts, replace)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("moments", "rows"), 41),
        (("moments", "rows"), -1),
        (("moments", "log_weight"), None),
        (("moments", "removed"), None),
        (("moments", "removed", "removed"), {"rows": 0, "log_weight": 0.0, "removed": None}),
        (("design", "levels", "f"), ["a", "b"]),
        (("design", "levels", "f"), ["a", "b", "c", "d"]),
        (("design", "terms"), [[]]),
        (("design", "coordinates", "x", 0), "inf"),
        (("schema",), []),
        (("schema", 0, "name"), "f"),
        (("schema", 0, "kind"), "complex"),
        (("inputs", 0, "times"), 0),
        (("inputs", 0, "rows"), -5),
    ],
)
def test_values_that_make_no_sense(tmp_path, parts, place, value):
    def replace(content):
        for key in place[:-1]:
            content = content[key]
        content[place[-1]] = value

    damaged(tmp_path, parts, replace)


def test_arrays_that_make_no_sense(tmp_path, parts):
    dense = parts[2]["dense"].copy()
    dense[0, 1] += 1.0
    for array in (dense, dense[:-1], np.full_like(dense, np.nan), -np.eye(len(dense)), dense.astype(int)):
        damaged(tmp_path, parts, arrays={"dense": array})
    cells, rows, sums = (parts[2][f"table/0/{name}"] for name in ("cells", "rows", "sums"))
    for array in (cells[::-1], np.zeros_like(cells), cells + 1, -cells):
        damaged(tmp_path, parts, arrays={"table/0/cells": array})
    for array in (rows + 1, -rows, rows[:-1]):
        damaged(tmp_path, parts, arrays={"table/0/rows": array})
    for array in (sums[:, :-1], np.full_like(sums, np.inf)):
        damaged(tmp_path, parts, arrays={"table/0/sums": array})
    damaged(tmp_path, parts, arrays={"powers/0": np.zeros(99)})
    damaged(tmp_path, parts, arrays={"foreign": np.zeros(3)})


def test_arrays_that_are_not_there(tmp_path, parts):
    for name in parts[2]:
        damaged(tmp_path, parts, without=(name,))


def test_a_fit_is_no_gram_and_a_gram_no_fit(frame, tmp_path):
    from gramian.saved import load_fit, load_gram

    gm.ols("y ~ x", frame).save(tmp_path / "a.fit")
    gm.gram("y ~ x", frame).save(tmp_path / "a.gram")
    assert load_fit(tmp_path / "a.fit").names == load_gram(tmp_path / "a.gram").ols().names
    refused(tmp_path / "a.fit", "it holds a fit, not a Gram", load_gram)
    refused(tmp_path / "a.gram", "it holds a Gram, not a fit; make one of it with gramian fit FORMULA", load_fit)
