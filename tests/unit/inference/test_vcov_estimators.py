"""The table of robust covariances: each row is parsed, named in the help, and sent to workers."""

import pickle

import numpy as np
import pytest

import gramian as gm
from gramian.cli.vcov import HELP, parse_vcov
from gramian.errors import OptionError
from gramian.fit.vcov.job import _EVALUATE
from gramian.inference.estimators import CR, DEPENDENT, ESTIMATORS, HC, IID, Rowwise
from gramian.inference.small_sample import LIKE
from gramian.inference.vcov_spec import vcov_spec


@pytest.mark.parametrize("name", [name for name in ESTIMATORS if name != IID])
def test_every_kind_is_parsed_computed_and_explained(name):
    estimator = ESTIMATORS[name]
    word = {"NW": "hac:4:year", "DK": "dk:year:4", "Conley": "conley:100:lat:lon"}.get(
        name, name if name in HC else f"cluster:firm:{name}"
    )
    spec = vcov_spec(parse_vcov(word))
    assert spec is not None
    assert (spec.kind, spec.estimator) == (name, estimator)
    assert bool(spec.clusters) == bool(estimator.max_columns)
    assert type(estimator) in _EVALUATE
    assert f"{name} ({estimator.formula})" in HELP
    assert pickle.loads(pickle.dumps(estimator)) == estimator


def test_kinds_by_row_and_by_cluster_are_all():
    assert sorted((IID, *HC, *CR, *DEPENDENT)) == sorted(ESTIMATORS)


@pytest.mark.parametrize("name", [n for n, e in ESTIMATORS.items() if isinstance(e, Rowwise) and e.uses_leverage])
def test_a_row_of_no_leverage_counts_in_full(name):
    estimator = ESTIMATORS[name]
    assert isinstance(estimator, Rowwise)
    assert estimator.discount is not None
    np.testing.assert_array_equal(estimator.discount(np.ones(3), 0.1), np.ones(3))
    assert (estimator.discount(np.array([0.5, 0.9]), 0.1) < 1).all()


def rows():
    rng = np.random.default_rng(1)
    x, firm = rng.normal(size=80), np.arange(80) % 10
    places = {"lat": 40.0 + firm, "lon": np.arange(80) // 10 - 4.0}
    y, c = x + rng.normal(size=80) * (1 + np.abs(x)), rng.poisson(2, 80)
    return {"y": y, "c": c, "x": x, "firm": firm, "t": np.arange(80), **places}


ASKED = {
    **{name: {"cluster": "firm", "type": name} for name in CR},
    "NW": {"hac": 2, "time": "t"},
    "DK": {"driscoll_kraay": "t", "lags": 2},
    "Conley": {"conley": 200, "lat": "lat", "lon": "lon"},
}
MISSING = {
    "statsmodels": {"HC4", "CR2", "CR3", "Conley"},
    "stata": {"HC4", "Conley"},
    "fixest": {"HC4", "CR2", "CR3"},
}
MISSING_GLM = {"statsmodels": {"HC2", "HC3"}}


@pytest.mark.parametrize("like", [None, *LIKE])
@pytest.mark.parametrize("name", [name for name in ESTIMATORS if name != IID])
def test_every_kind_is_had_by_the_conventions_of_each_package_or_refused_by_name(name, like):
    vcov = ASKED.get(name, name)
    missing = MISSING.get(like, set())
    if name in missing:
        with pytest.raises(OptionError, match=f"{like} has no {name}"):
            gm.ols("y ~ x", rows(), vcov=vcov, like=like)
    else:
        fit = gm.ols("y ~ x", rows(), vcov=vcov, like=like)
        assert np.isfinite(fit.std_errors).all()
        assert fit.covariance.description.endswith(f"as {like}" if like else "")
        assert np.isnan(fit.p_values).sum() == 0
    if name == "CR2" or name in missing | MISSING_GLM.get(like, set()):
        with pytest.raises(OptionError, match=name):
            gm.glm("c ~ x", rows(), "poisson", vcov=vcov, like=like)
    else:
        assert np.isfinite(gm.glm("c ~ x", rows(), "poisson", vcov=vcov, like=like).std_errors).all()
