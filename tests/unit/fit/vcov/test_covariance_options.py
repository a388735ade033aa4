"""What may be asked for, what is told, what is refused; fits that get another covariance afterwards."""

import json
import math
import re

import numpy as np
import pyarrow as pa
import pytest
from unit.fit.vcov.panel import differ

import gramian as gm
from gramian.errors import ArtifactError, ColumnError, DataError, GramianError, NumericalError, OptionError, SchemaError
from gramian.fit.vcov import job as robust
from gramian.inference.estimators import HC
from gramian.inference.small_sample import LIKE, ModelFacts
from gramian.inference.vcov_spec import VcovSpec, vcov_spec

FIRM = {"cluster": "firm"}
ALL = (*HC, FIRM, {**FIRM, "type": "CR0"}, {**FIRM, "type": "CR3"}, {"cluster": ("firm", "year")})


@pytest.mark.parametrize("vcov", ALL, ids=str)
def test_afterwards_is_the_same_as_at_once(frame, vcov, tmp_path):
    plain, direct = gm.ols("y ~ x*f", frame), gm.ols("y ~ x*f", frame, vcov=vcov)
    later = plain.with_vcov(vcov, frame)
    assert np.array_equal(later.vcov, direct.vcov)
    assert (later.passes - plain.passes, plain.covariance.name) == (1, "iid")
    later.save(tmp_path / "a.fit")
    again = gm.load(tmp_path / "a.fit")
    assert again.to_dict() == direct.to_dict()
    assert again.summary() == direct.summary()
    assert again.predict(frame, interval="confidence").equals(direct.predict(frame, interval="confidence"))
    assert np.array_equal(again.with_vcov("iid").vcov, plain.vcov)
    assert np.array_equal(gm.load(tmp_path / "a.fit").with_vcov("HC2", frame).vcov, plain.with_vcov("HC2", frame).vcov)


def test_of_a_generalized_fit(frame, tmp_path):
    direct = gm.glm("hit ~ x + f", frame, vcov=FIRM)
    later = gm.glm("hit ~ x + f", frame).with_vcov(FIRM, frame)
    assert np.array_equal(later.vcov, direct.vcov)
    later.save(tmp_path / "a.fit")
    assert gm.load(tmp_path / "a.fit").to_dict() == direct.to_dict()
    assert later.to_dict()["vcov"] == "CR1 by firm"
    assert later.to_dict()["recipe"] == "CR1 by firm: 24 clusters, factor 1.05138, z"
    assert json.dumps(later.to_dict(), allow_nan=False)


@pytest.mark.parametrize("vcov", ALL[len(HC) :], ids=str)
@pytest.mark.parametrize("formula", ["y ~ x*f", "y ~ 0 + x + I(z^2)"])
def test_data_that_are_read_once_keep_moments_by_cluster(frame, vcov, formula):
    batches = pa.Table.from_pandas(frame).to_batches(max_chunksize=70)
    once = gm.ols(formula, iter(batches), vcov=vcov, weights="w")
    twice = gm.ols(formula, frame, vcov=vcov, weights="w")
    assert (once.passes, gm.ols(formula, frame, weights="w").passes + 1) == (1, twice.passes)
    # scores as differences: what they lose is 1 / (1 - R squared), less than a hundredfold here
    np.testing.assert_allclose(once.vcov, twice.vcov, rtol=1e-9, atol=1e-9 * np.abs(twice.vcov).max())
    with pytest.raises(DataError, match="can be read once only, and HC3 needs a second pass"):
        gm.ols(formula, iter(batches), vcov="HC3")


def test_threads_and_arrays_in_place(frame):
    X = np.column_stack([frame.x, frame.z])
    data = {"X": X, "y": frame.y.to_numpy(), "firm": frame.firm.to_numpy()}
    for vcov in ALL[:-1]:
        one = gm.ols("y ~ X", data, vcov=vcov, engine=gm.Local(threads=1))
        assert np.array_equal(one.vcov, gm.ols("y ~ X", data, vcov=vcov, engine=gm.Local(threads=2)).vcov)
        named = gm.ols("y ~ x + z", frame, vcov=vcov)
        np.testing.assert_allclose(one.vcov, named.vcov, rtol=1e-9)
        apart = {"X[0]": X[:, 0], "X[1]": X[:, 1], **{k: v for k, v in data.items() if k != "X"}}
        np.testing.assert_allclose(gm.ols("y ~ X", data).with_vcov(vcov, apart).vcov, one.vcov, rtol=1e-9)


def test_rows_that_are_left_out_are_left_out_twice(frame):
    x = frame.x.to_numpy().copy()
    x[[3, 50]] = np.nan
    x[60] = np.inf
    weight = frame.w.to_numpy().copy()
    weight[10:20] = 0
    data = frame.assign(x=x, w=weight)
    good = data[np.isfinite(x) & (weight > 0)]
    for vcov in ALL:
        fit = gm.ols("y ~ x*f", data, weights="w", vcov=vcov)
        np.testing.assert_allclose(fit.vcov, gm.ols("y ~ x*f", good, weights="w", vcov=vcov).vcov, rtol=1e-9)


@pytest.mark.parametrize(
    ("vcov", "like", "message"),
    [
        (
            "HC5",
            None,
            "vcov must be one of 'iid', 'HC0', 'HC1', 'HC2', 'HC3', 'HC4', or name clusters as in vcov={'cluster'",
        ),
        ("cluster", None, "name clusters as in vcov={'cluster': 'firm'}"),
        ({"clusters": "firm"}, None, "vcov names its columns as in"),
        ({"cluster": []}, None, "must name one to 4 different columns"),
        ({"cluster": ["firm", "firm"]}, None, "must name one to 4 different columns"),
        ({"cluster": "firm", "type": "CR4"}, None, "'type' must be one of 'CR0', 'CR1', 'CR2', 'CR3'"),
        ({"cluster": ["firm", "year"], "type": "CR2"}, None, "it takes one column; use CR1"),
        ({"cluster": "firm", "type": "CR2"}, "statsmodels", "statsmodels has no CR2; leave like out, or use CR1"),
        ({"cluster": ["firm", "year"], "type": "CR3"}, None, "it takes one column"),
        ({"cluster": "firm", "type": "CR3"}, "fixest", "fixest has no CR3"),
        ("HC3", "r", "like must be one of 'R', 'statsmodels', 'stata', 'fixest', found 'r'"),
        ("iid", "R", "with vcov='iid' it has no meaning"),
    ],
)
def test_options_that_make_no_sense(frame, vcov, like, message):
    with pytest.raises(OptionError) as caught:
        gm.ols("y ~ x", frame, vcov=vcov, like=like)
    assert message in str(caught.value)


def refused(error, message, formula, data, vcov, **options):
    with pytest.raises(error, match=re.escape(message)):
        gm.ols(formula, data, vcov=vcov, **options)


@pytest.mark.parametrize("kind", ["CR1", "CR3"])
def test_clusters_that_cannot_be_used(frame, kind):
    vcov = {**FIRM, "type": kind}
    absent = frame.assign(firm=[None, None, *frame.firm[2:]], x=[np.nan, *frame.x[1:]])
    refused(DataError, "'firm' is null in 1 of the rows that the fit uses", "y ~ x", absent, vcov)
    one = frame.assign(firm=1)
    refused(NumericalError, "all rows are in one cluster by 'firm'", "y ~ x", one, vcov)
    refused(ColumnError, "no column 'frm'; did you mean 'firm'", "y ~ x", frame, {**vcov, "cluster": "frm"})
    nested = pa.table({"x": [1.0, 2, 3], "y": [1.0, 2, 4], "g": [[1], [2], [3]]})
    refused(SchemaError, "which cannot name clusters", "y ~ x", nested, {**vcov, "cluster": "g"})


def test_fits_that_have_no_robust_covariance(frame):
    with pytest.raises(OptionError, match="no meaning for a penalised fit"):
        gm.ridge("y ~ x", frame, 1.0).with_vcov("HC1", frame)
    with pytest.raises(OptionError, match="HC1 needs the rows of the fit: pass the data"):
        gm.ols("y ~ x", frame).with_vcov("HC1")
    with pytest.raises(OptionError, match="statsmodels has no HC3 of a generalized linear model"):
        gm.glm("hit ~ x", frame, vcov="HC3", like="statsmodels")
    with pytest.raises(OptionError, match="statsmodels has no HC3 of a generalized linear model"):
        gm.plan("hit ~ x", frame, family="binomial", vcov="HC3", like="statsmodels")


@pytest.mark.parametrize("vcov", ALL, ids=str)
def test_other_rows_are_refused(frame, vcov):
    fit = gm.ols("y ~ x + f", frame)
    with pytest.raises(DataError, match="not the rows of the fit: it has 400, and here 399"):
        fit.with_vcov(vcov, frame[1:])
    with pytest.raises(DataError, match="not the rows of the fit: its deviance is"):
        fit.with_vcov(vcov, frame.assign(y=frame.y + frame.x))
    turned = fit.with_vcov(vcov, frame.sample(frac=1, random_state=1))
    assert differ(turned.vcov, fit.with_vcov(vcov, frame).vcov) < 1e-11


@pytest.mark.parametrize("kind", ["HC2", "HC3"])
def test_a_row_that_fits_itself(frame, kind):
    data = frame.assign(own=np.where(np.arange(len(frame)) == 5, "one", "rest"))
    refused(NumericalError, "rows with leverage 1: 1; the fit goes through them whatever", "y ~ x + own", data, kind)
    assert np.isfinite(gm.ols("y ~ x + own", data, vcov="HC1").std_errors).all()


def test_memory_is_limited(frame, monkeypatch):
    monkeypatch.setattr(robust, "memory_limit", lambda: 4 * 3000)
    said = "24 clusters by firm, each with 16 sums, need 3.1 kB, more than the 3.0 kB that they may; take fewer columns"
    refused(DataError, said, "y ~ x + z", frame, {**FIRM, "type": "CR3"})
    assert gm.ols("y ~ x + z", frame, vcov=FIRM).covariance.df == 23


def test_conventions():
    """n = 100 rows, q = 4 columns, clusters 10 and 25; a linear model, and a Poisson regression."""
    linear, poisson = ModelFacts(100, 4), ModelFacts(100, 4, is_glm=True, known_dispersion=True)
    told = {
        like: [
            VcovSpec("HC1", (), like).factor(linear),
            VcovSpec("HC1", (), like).factor(poisson),
            VcovSpec("CR1", ("a", "b"), like).factor(linear, 25, 10),
            VcovSpec("CR1", ("a", "b"), like).factor(poisson, 25, 10),
            VcovSpec("HC1", (), like).degrees_of_freedom(linear),
            VcovSpec("CR1", ("a", "b"), like).degrees_of_freedom(linear, 10),
            VcovSpec("CR1", ("a", "b"), like).degrees_of_freedom(poisson, 10),
        ]
        for like in (None, *LIKE)
    }
    hc1, ours, own = 100 / 96, 10 / 9 * (99 / 96), 25 / 24 * (99 / 96)
    assert told[None] == told["fixest"] == [hc1, hc1, ours, ours, 96, 9, math.inf]
    assert told["stata"] == [hc1, 100 / 99, ours, 10 / 9, 96, 9, math.inf]
    assert told["R"] == [hc1, hc1, own, 25 / 24, 96, 96, math.inf]
    assert told["statsmodels"] == [hc1, 1.0, own, own, math.inf, math.inf, math.inf]
    assert vcov_spec("HC1") == VcovSpec("HC1")
    assert math.isnan(VcovSpec("HC1").factor(ModelFacts(4, 4)))


def test_no_degrees_of_freedom():
    data = {"x": [1.0, 2.0, 3.0], "y": [1.0, 3.0, 2.0], "g": [1, 2, 3]}
    fit = gm.ols("y ~ factor(x)", data, vcov="HC1")
    assert np.isnan(fit.std_errors).all()
    assert "HC1: factor nan" in fit.summary()


def test_the_plan_says_two_passes(frame):
    told = str(gm.plan("y ~ x", frame, vcov=FIRM))
    assert "passes   2, after a look" in told
    assert f"columns  3 of {frame.shape[1]}: x, y, firm" in told
    assert "CR1 by firm: one more pass for sums by cluster of the scores" in told
    assert "one more pass for squares of the scores" in str(gm.plan("y ~ x", frame, vcov="HC3"))
    once = iter(pa.Table.from_pandas(frame).to_batches())
    assert "so the pass sums products by cluster" in str(gm.plan("y ~ x", once, vcov=FIRM))


@pytest.mark.parametrize(
    "damage",
    [{"kind": "HC9"}, {"clusters": ["a", "b"]}, {"groups": [1]}, {"like": "S"}, {"negative": -1}, {"df": None}],
)
def test_a_damaged_recipe(frame, tmp_path, damage):
    from gramian.serialize import file as store

    gm.ols("y ~ x", frame, vcov=FIRM).save(tmp_path / "a.fit")
    kind, manifest, arrays = store.load(tmp_path / "a.fit")
    manifest["robust"] = {**manifest["robust"], **damage}
    store.save(tmp_path / "b.fit", kind, manifest, arrays)
    with pytest.raises(ArtifactError, match="makes no sense"):
        gm.load(tmp_path / "b.fit")


def test_every_refusal_is_one_of_ours(frame):
    for bad in (3, None, [], {"cluster": 5}, {"cluster": {"a": 1}}, {"cluster": "firm", "type": None}):
        with pytest.raises(GramianError):
            gm.ols("y ~ x", frame, vcov=bad)


@pytest.mark.parametrize("vcov", ALL, ids=str)
def test_exact_sums_have_it_too(frame, vcov):
    exact, fast = (gm.ols("y ~ x*f + I(2*x)", frame, vcov=vcov, exact=e) for e in (True, False))
    assert exact.tier == "exact"
    assert differ(exact.vcov, fast.vcov) < 1e-9
    once = iter(pa.Table.from_pandas(frame).to_batches())
    with pytest.raises(DataError, match="needs a second pass, at the coefficients; give files, a frame"):
        gm.ols("y ~ x", once, vcov=vcov, exact=True)
