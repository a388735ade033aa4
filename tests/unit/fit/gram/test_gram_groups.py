"""Folds, groups and clusters in a Gram: models, sums, differences, files, and what is said when they lack."""

from __future__ import annotations

import datetime
from functools import reduce
from operator import add

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Lasso, Ridge

import gramian as gm
from gramian.data.source import source_of
from gramian.errors import ArtifactError, DataError, NumericalError, OptionError, SchemaError
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options
from gramian.fit.penalized.result_cv import cross_validation_of
from gramian.fit.penalized.result_path import path_of
from gramian.fit.selection.result import selection
from gramian.serialize import file as store

FORMULA = "y ~ x*f + z + y2"
FIRM = {"cluster": "firm"}
N = 240
# sums in another order differ by n u = 3e-14, of columns whose scaled condition is below 100
SAME = {"rtol": 1e-10, "atol": 1e-10}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    data = pd.DataFrame(
        {
            "x": rng.normal(50, 1, N),
            "z": rng.normal(size=N),
            "f": rng.choice(list("abc"), N),
            "g": rng.choice(["u", "v", "w"], N),
            "firm": rng.integers(0, 20, N),
            "day": [datetime.date(2020, 1, 1) + datetime.timedelta(int(i)) for i in rng.integers(0, 9, N)],
        }
    )
    data["y"] = data.x + 2 * data.z + (data.f == "b") + rng.normal(size=N)
    data["y2"] = data.z - 0.1 * data.x + rng.normal(size=N)
    data.loc[[3, 100, 170], "z"] = None
    return data


def direct(formula, data):
    design, source = prepare(formula, source_of(data), Options())
    return design, gm.Local(1).fold(source, Accumulate(design))


def test_a_path_is_that_of_direct_moments(frame):
    made, again = gm.gram("y ~ x + z + f", frame).path(0.5), path_of(*direct("y ~ x + z + f", frame), l1_ratio=0.5)
    np.testing.assert_array_equal(made.coefficients, again.coefficients)
    sub = gm.gram(FORMULA, frame).path(formula="y ~ x + z")
    told = path_of(*direct("y ~ x + z", frame))
    assert (sub.names, len(sub)) == (told.names, len(told))
    np.testing.assert_allclose(sub.coefficients, told.coefficients, **SAME)
    np.testing.assert_allclose(gm.gram(FORMULA, frame).path(drop="x:f").alphas[:2],
                               path_of(*direct("y ~ x + f + z + y2", frame)).alphas[:2], **SAME)  # fmt: skip


def test_a_selection_and_collinearity_are_those_of_direct_moments(frame):
    gram, complete = gm.gram(FORMULA, frame), frame.dropna()
    assert gram.select("bic", "forward").terms == selection(*direct(FORMULA, frame), "bic", "forward").terms
    assert gram.select("bic", formula="y ~ x + z + y2").criterion == "bic"
    x, z = complete.x, complete.z
    share = 1 - np.corrcoef(x, z)[0, 1] ** 2
    np.testing.assert_allclose(gram.vif("y ~ x + z")["vif"], [1 / share] * 2, **SAME)
    told = gram.correlation("y ~ x + z")
    np.testing.assert_allclose(told.matrix, np.corrcoef([x, z, complete.y]), **SAME)


@pytest.mark.parametrize("formula", ["y ~ x + z + y2", "c(y, y2) ~ x + z"])
def test_several_outcomes(frame, formula):
    gram = gm.gram(formula, frame)
    fits = gram.ols("c(y, y2) ~ x")
    assert list(fits) == ["y", "y2"]
    for name in fits:
        np.testing.assert_allclose(fits[name].coefficients, gm.ols(f"{name} ~ x", frame.dropna()).coefficients, **SAME)
    assert gram.condition > 1


def test_a_gram_of_several_outcomes(frame, tmp_path):
    gram = gm.gram("c(y, y2) ~ x + z", frame, folds=3)
    gram.save(tmp_path / "a.gram")
    again = gm.load(tmp_path / "a.gram")
    assert list(again.ols()) == ["y", "y2"]
    np.testing.assert_array_equal(again.ols(drop="z")["y2"].coefficients, gram.ols("y2 ~ x").coefficients)
    assert len(again.ridge(2.0)) == 2
    assert again.cross_validate(formula="y2 ~ x").formula == "y2 ~ x"
    with pytest.raises(OptionError, match=r"a path takes one outcome, and there are y, y2: name one, as in formula='y"):
        again.path()


@pytest.mark.parametrize(("ratio", "peer"), [(0.0, Ridge), (1.0, Lasso)])
def test_folds_are_rows_modulo_their_number(frame, ratio, peer):
    gram, alphas, K = gm.gram("y ~ x + z", frame, folds=7), [10.0, 0.5, 0.01], 7
    found = gram.cross_validate(ratio, alphas)
    fold, there = np.arange(N) % K, frame.z.notna().to_numpy()
    errors = np.zeros((K, len(alphas)))
    for k in range(K):
        train, test = frame[(fold != k) & there], frame[(fold == k) & there]
        for j, alpha in enumerate(alphas):
            # the tolerance of coordinate descent is a duality gap relative to y'y; the error is of its order's root
            options = {} if peer is Ridge else {"tol": 1e-14, "max_iter": 100_000}
            fit = peer(alpha, **options).fit(train[["x", "z"]], train.y)
            errors[k, j] = ((fit.predict(test[["x", "z"]]) - test.y) ** 2).mean()
    np.testing.assert_allclose(found.errors, errors, rtol=1e-6)
    np.testing.assert_allclose(found.mean_error, errors.mean(axis=0), rtol=1e-6)
    assert found.folds == tuple(map(str, range(K)))
    assert found.path.dropped_rows == {"null": 3}


def test_cross_validation_is_that_of_direct_moments(frame):
    design, _ = prepare("y ~ x + z + f", source_of(frame), Options())
    source = [frame[k::5] for k in range(5)]
    folds = [gm.Local(1).fold(source_of(part), Accumulate(design)).moments for part in source]
    told = cross_validation_of(design, folds, l1_ratio=0.5, alphas=[0.1, 0.01])
    found = gm.gram(FORMULA, frame, folds=5).cross_validate(0.5, [0.1, 0.01], "y ~ x + z + f")
    np.testing.assert_allclose(found.errors, told.errors, **SAME)
    assert found.best_alpha == told.best_alpha


def test_the_whole_is_the_sum_of_the_folds(frame):
    gram = gm.gram(FORMULA, frame, folds=4)
    whole = reduce(add, (part.moments for part in gram.gram_data.group_sums.parts.values()))
    np.testing.assert_array_equal(whole.dense, gram.gram_data.moments.dense)
    np.testing.assert_allclose(gram.ols().coefficients, gm.ols(FORMULA, frame).coefficients, **SAME)
    assert (gram.rows, gram.folds, gram.dropped_rows) == (N - 3, 4, {"null": 3})


KEPT = ({"folds": 4}, {"by": "g"}, {"by": ["g", "f"]}, FIRM, {"cluster": "day", "folds": 3}, {"cluster": ["g", "day"]})


@pytest.mark.parametrize("kept", KEPT, ids=str)
def test_sums_and_differences_and_files(frame, kept, tmp_path):
    one, other = gm.gram(FORMULA, frame[:150], **kept), gm.gram(FORMULA, frame[150:].reset_index(drop=True), **kept)
    total = one + other
    for made, part in ((total, one), (total - other, one), (other + one, one)):
        made.save(tmp_path / "a.gram")
        again = gm.load(tmp_path / "a.gram")
        again.save(tmp_path / "b.gram")
        assert (tmp_path / "a.gram").read_bytes() == (tmp_path / "b.gram").read_bytes()
        np.testing.assert_array_equal(again.ols().coefficients, made.ols().coefficients)
        assert (again.folds, again.by, again.groups, again.cluster) == (part.folds, made.by, made.groups, part.cluster)
    left = total - other
    assert left.rows == one.rows
    if "cluster" not in kept:
        # taking away leaves the rounding of what was there, about as much again, beside the mean of x squared: 2,500
        told, found = one.cross_validate(alphas=[1, 0.1]), left.cross_validate(alphas=[1, 0.1])
        np.testing.assert_allclose(found.errors, told.errors, rtol=1e-8)
    else:
        vcov = {"cluster": kept["cluster"]}
        for gram, rows in ((total, frame), (left, frame[:150])):
            told = gm.ols(FORMULA, rows, vcov=vcov).std_errors
            np.testing.assert_allclose(gram.ols(vcov=vcov).std_errors, told, rtol=1e-6)


def test_folds_of_files_add_fold_by_fold(frame):
    pieces = [frame[:100], frame[100:]]
    total = sum(gm.gram("y ~ x + z", piece, folds=3) for piece in pieces)
    fold = np.concatenate([np.arange(len(piece)) % 3 for piece in pieces])
    rows = [int(((fold == k) & frame.z.notna()).sum()) for k in range(3)]
    assert [part.moments.rows for part in total.gram_data.group_sums.parts.values()] == rows


def test_clusters_meet_in_other_names_and_coordinates(frame):
    shifted = frame.assign(x=frame.x + 1000)
    one = gm.gram("y ~ x*f + poly(z, 2)", frame, cluster="firm")
    other = gm.gram("y ~ poly(z, 2) + C(f, ref='b')*x", shifted, cluster="firm")
    both = pd.concat([frame, shifted])
    for kind in ("CR0", "CR1", "CR3"):
        vcov = {**FIRM, "type": kind}
        told = gm.ols("y ~ x*f + poly(z, 2)", both, vcov=vcov)
        # squares of 1000 beside a variation within cells of 1 leave 10 of 16 digits
        np.testing.assert_allclose((one + other).ols(vcov=vcov).std_errors, told.std_errors, rtol=1e-5)


@pytest.mark.parametrize("kind", ["CR0", "CR1", "CR3"])
@pytest.mark.parametrize("formula", [FORMULA, "y ~ x", "y2 ~ z + C(f, ref='b') + y", "y ~ f + 0"])
def test_clustered_errors_of_any_sub_model(frame, formula, kind):
    vcov, complete = {**FIRM, "type": kind}, frame.dropna()
    for options in ({}, {"weights": "firm"}):
        gram = gm.gram(FORMULA, complete[complete.firm > 0], cluster="firm", **options)
        told = gm.ols(formula, complete[complete.firm > 0], vcov=vcov, **options)
        fit = gram.ols(formula, vcov=vcov)
        np.testing.assert_allclose(fit.std_errors, told.std_errors, rtol=1e-9)
        np.testing.assert_allclose(fit.p_values, told.p_values, rtol=1e-7)


def test_groups(frame, tmp_path):
    gram = gm.gram("y ~ x + z + f", frame, by="g")
    assert (gram.by, gram.groups) == (("g",), ("u", "v", "w"))
    fits = gram.ols("y ~ x + z", each=True)
    told = gm.ols("y ~ x + z", frame, by="g")
    assert (list(fits), fits.key_names) == (list(told), told.key_names)
    for key in fits:
        np.testing.assert_allclose(fits[key].coefficients, told[key].coefficients, **SAME)
        np.testing.assert_array_equal(gram.ols("y ~ x + z", where=key).coefficients, fits[key].coefficients)
    assert len(gram.ridge(1.0, each=True)) == 3
    assert gram.path(where="u").rows == fits["u"].rows
    found = gram.cross_validate(alphas=[1.0], formula="y ~ x + z")
    assert found.folds == ("g = u", "g = v", "g = w")
    there = frame.dropna()
    fit = Ridge(1.0).fit(there.loc[there.g != "u", ["x", "z"]], there.y[there.g != "u"])
    rest = there[there.g == "u"]
    error = ((fit.predict(rest[["x", "z"]]) - rest.y) ** 2).mean()
    np.testing.assert_allclose(found.errors[0, 0], error, rtol=1e-10)


def test_exact_grams_say_what_they_cannot(frame):
    with pytest.raises(OptionError, match="exact sums are stored for all rows together: leave out exact, or folds"):
        gm.gram("y ~ x", frame, exact=True, folds=3)


MESSAGES = {
    r"make it with gm.gram\(..., folds=10\), or with gm.gram\(..., by=\"group\"\)": (
        OptionError, lambda d: gm.gram("y ~ x", d).cross_validate()),
    "by does not go with folds: cross_validate leaves out one group": (
        OptionError, lambda d: gm.gram("y ~ x", d, folds=2, by="g")),
    "checkpoint does not go with folds, by or cluster": (
        OptionError, lambda d: gm.gram("y ~ x", d, folds=2, checkpoint="a.part")),
    "by does not go with cluster, which is stored for all rows together": (
        OptionError, lambda d: gm.gram("y ~ x", d, by="g", cluster="firm")),
    "found 'g'; to leave out one group after the other, name their column in by": (
        OptionError,
        lambda d: gm.gram("y ~ x", d, folds="g"),
    ),
    "folds must be a whole number, at least 2, found 1": (OptionError, lambda d: gm.gram("y ~ x", d, folds=1)),
    "folds=500, but only 237 complete rows; take at most": (
        DataError, lambda d: gm.gram("y ~ z", d, folds=500)),
    "cluster: 'hole' is null in 2 of the rows that are summed": (
        DataError, lambda d: gm.gram("y ~ x", d.assign(hole=[None] * 2 + ["a"] * (N - 2)), cluster="hole")),
    "no column 'firn'; did you mean 'firm'": (SchemaError, lambda d: gm.gram("y ~ x", d, cluster="firn")),
    "where names a group, and this Gram stores folds=3": (
        OptionError, lambda d: gm.gram("y ~ x", d, folds=3).gram_data.group_sums.at(1)),
    "where needs the sums of every group, which this Gram does not store": (
        OptionError, lambda d: gm.gram("y ~ x", d, folds=3).ols(where=1)),
    r"where: no rows have g = uu; did you mean 'u'\? \(there are u, v, w\)": (
        OptionError, lambda d: gm.gram("y ~ x", d, by="g").ols(where="uu")),
    "where names one group and each asks for all": (
        OptionError, lambda d: gm.gram("y ~ x", d, by="g").ols(where="u", each=True)),
    r"CR1 by g: this Gram stores products by firm; make it with gm.gram\(..., cluster='g'\)": (
        OptionError, lambda d: gm.gram("y ~ x", d, cluster="firm").ols(vcov={"cluster": "g"})),
    "CR1 by firm: this Gram stores no products by cluster; make": (
        OptionError, lambda d: gm.gram("y ~ x", d).ols(vcov=FIRM)),
    r"HC3 needs the residual of every row, and a Gram has no rows: fit the data with gm.ols": (
        OptionError, lambda d: gm.gram("y ~ x", d).ols(vcov="HC3")),
    "the groupings differ: folds=3, and folds=2: make both": (
        SchemaError, lambda d: gm.gram("y ~ x", d, folds=3) + gm.gram("y ~ x", d[:9], folds=2)),
    "the groupings differ: none, and by='g'": (
        SchemaError, lambda d: gm.gram("y ~ x", d) + gm.gram("y ~ x", d[:9], by="g")),
    "one Gram stores clusters by firm and the other by none": (
        SchemaError, lambda d: gm.gram("y ~ x", d, cluster="firm") + gm.gram("y ~ x", d[:9])),
    "the clusters store products with f only as part of other terms": (
        SchemaError, lambda d: gm.gram("y ~ x + f:g", d, cluster="firm").ols("y ~ f", vcov=FIRM)),
    "fold 4 of 29 has no rows to measure an error on": (
        NumericalError,
        lambda d: gm.gram("y ~ x", d[:40].assign(x=d.x.where(d.index % 29 != 4)), folds=29).cross_validate()),
    "folds, groups and clusters are not stored within the absorbed levels of g": (
        OptionError, lambda d: gm.gram("y ~ x | g", d, cluster="firm")),
}  # fmt: skip


@pytest.mark.parametrize("message", MESSAGES)
def test_messages(frame, message):
    kind, made = MESSAGES[message]
    with pytest.raises(kind, match=message):
        made(frame)


def test_rows_that_are_not_there_cannot_be_taken_away(frame):
    for kept in ({"by": "g"}, FIRM):
        one = gm.gram("y ~ x", frame[(frame.firm < 10) & (frame.g == "u")], **kept)
        other = gm.gram("y ~ x", frame[frame.firm >= 10][:20], **kept)
        with pytest.raises(NumericalError, match="cannot"):
            gm.subtract(one, other, force=True)


def test_clusters_of_two_types_that_no_float_holds_are_refused(frame):
    whole = gm.gram("y ~ x", frame[:120].assign(firm=frame.firm + 2**53), cluster="firm")
    with pytest.raises(DataError, match="clusters are int64 in one part of the data and double in another"):
        whole + gm.gram("y ~ x", frame[120:].assign(firm=frame.firm + 0.5), cluster="firm")


def test_rows_without_a_group_are_left_out_and_counted(frame):
    gram = gm.gram("y ~ x", frame.assign(g=frame.g.where(frame.index != 5)), by="g")
    assert (gram.rows, dict(gram.missing)) == (N - 1, {"g": 1})


def test_memory_of_clusters_is_bounded(frame, monkeypatch):
    monkeypatch.setattr("gramian.fit.vcov.job.cluster_memory", lambda: 1000)
    with pytest.raises(DataError, match=r"20 clusters by firm, each with 9 sums, need 1.4 kB, more than"):
        gm.gram("y ~ x", frame, cluster="firm")


def damaged(path, change):
    kind, manifest, arrays = store.load(path)
    change(manifest, arrays)
    store.save(path, kind, manifest, arrays)


DAMAGE = {
    "products": lambda m, a: a.update({"clusters/products": a["clusters/products"] * np.nan}),
    "symmetric": lambda m, a: a["clusters/products"].__setitem__((0, 0, 1), 1e9),
    "rows in the clusters": lambda m, a: a["clusters/counts"].__setitem__(0, 500.0),
    "clusters that differ": lambda m, a: a["clusters/cells"].__setitem__(0, a["clusters/cells"][1]),
    "stored columns": lambda m, a: m["clusters"]["labels"].__setitem__(0, m["clusters"]["labels"][1]),
    "expected stored columns, found": lambda m, a: m["clusters"]["labels"].__setitem__(0, [[["f", "?"]], []]),
    "columns that differ": lambda m, a: m["clusters"].update(by=["firm", "firm"]),
    "folds": lambda m, a: m["apart"].update(folds=2),
    "either folds or groups": lambda m, a: m["apart"].update(by=["g"]),
    "rows in the cells": lambda m, a: m["apart"]["sums"][1].update(rows=7),
    "dropped rows that add up": lambda m, a: m.update(dropped_rows={"null": 9}),
    "an array 'key-2/dense'": lambda m, a: a.pop("key-2/dense"),
    "no arrays but those": lambda m, a: a.update({"key-9/dense": np.zeros((1, 1))}),
    "in place of the whole": lambda m, a: m.update(arithmetic="exact"),
}


@pytest.mark.parametrize("message", DAMAGE)
def test_files_that_make_no_sense(frame, tmp_path, message):
    path = tmp_path / "a.gram"
    gm.gram("y ~ x + z + f", frame, folds=3, cluster="firm").save(path)
    damaged(path, DAMAGE[message])
    with pytest.raises(ArtifactError, match=message):
        gm.load(path)
