"""The table of robust covariances: each row is parsed, named in the help, and sent to workers."""

import pickle

import numpy as np
import pytest

from gramian.cli.vcov import HELP, parse_vcov
from gramian.fit.vcov.job import _EVALUATE
from gramian.inference.estimators import CR, DEPENDENT, ESTIMATORS, HC, IID, Rowwise
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
