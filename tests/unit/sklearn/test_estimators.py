"""Estimators against scikit-learn's, and the laws that sums promise."""

from __future__ import annotations

import doctest
import pickle
import sys
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sklearn")

import sklearn
import sklearn.linear_model as theirs
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import gramian as gm
from gramian import sklearn as ours
from gramian.errors import AccuracyWarning, OptionError, SeparationError

ROWS, COLUMNS = 400, 6
CLOSE = 1e-10  # condition below 100, 400 rows: sums are right to 1e-14, coefficients to condition^2 times that
STOPPED = 1e-6  # theirs stop at a tolerance of 1e-10 of the loss, or of its gradient


def problem(seed=0, outcomes=None):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((ROWS, COLUMNS)) + np.array([0, 0, 3, 100, 0, -5])
    B = rng.standard_normal((COLUMNS, outcomes or 1))
    Y = X @ B + 2 + rng.standard_normal((ROWS, outcomes or 1))
    return X, Y if outcomes else Y[:, 0]


def weights(seed=1, whole=True):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 4, ROWS).astype(float) if whole else rng.uniform(0.1, 3.0, ROWS)


def same(mine, other, within=CLOSE):
    assert np.shape(mine.coef_) == np.shape(other.coef_)
    assert np.shape(mine.intercept_) == np.shape(other.intercept_)
    np.testing.assert_allclose(mine.coef_, other.coef_, rtol=within, atol=within)
    np.testing.assert_allclose(mine.intercept_, other.intercept_, rtol=within, atol=100 * within)


TIGHT = {"tol": 1e-14, "max_iter": 100_000}
PAIRS = [
    (ours.LinearRegression(), theirs.LinearRegression(), CLOSE),
    (ours.LinearRegression(fit_intercept=False), theirs.LinearRegression(fit_intercept=False), CLOSE),
    (ours.Ridge(3.0), theirs.Ridge(3.0), CLOSE),
    (ours.Ridge(3.0, fit_intercept=False), theirs.Ridge(3.0, fit_intercept=False), CLOSE),
    (ours.RidgeCV(), theirs.RidgeCV(), CLOSE),
    (ours.RidgeCV((0.5, 5.0, 50.0), cv=4), theirs.RidgeCV((0.5, 5.0, 50.0), cv=4), CLOSE),
    (ours.Lasso(0.3), theirs.Lasso(0.3, **TIGHT), STOPPED),
    (ours.Lasso(0.3, fit_intercept=False), theirs.Lasso(0.3, fit_intercept=False, **TIGHT), STOPPED),
    (ours.ElasticNet(0.3, l1_ratio=0.4), theirs.ElasticNet(0.3, l1_ratio=0.4, **TIGHT), STOPPED),
]


CASES = [(given, *pair) for pair in PAIRS for given in ("none", "whole", "any")]


# scikit-learn scores the folds of RidgeCV(cv=) without weights
@pytest.mark.parametrize(
    ("given", "mine", "other", "within"),
    [case for case in CASES if case[0] == "none" or getattr(case[1], "cv", None) is None],
    ids=lambda v: str(v)[:40],
)
def test_the_same_as_scikit_learn(given, mine, other, within):
    X, y = problem()
    w = None if given == "none" else weights(whole=given == "whole")
    same(clone(mine).fit(X, y, w), clone(other).fit(X, y, w), within)


@pytest.mark.parametrize("index", [0, 2, 4, 6, 8])
def test_several_outcomes(index):
    mine, other, within = PAIRS[index]
    X, Y = problem(outcomes=3)
    same(clone(mine).fit(X, Y), clone(other).fit(X, Y), within)
    same(clone(mine).fit(X, Y[:, :1]), clone(other).fit(X, Y[:, :1]), within)


def test_a_penalty_for_each_outcome():
    X, Y = problem(outcomes=3)
    alpha = np.array([0.5, 2.0, 10.0])
    same(ours.Ridge(alpha).fit(X, Y), theirs.Ridge(alpha).fit(X, Y))
    with pytest.raises(OptionError, match="one for each of 3 outcomes"):
        ours.Ridge(alpha[:2]).fit(X, Y)


@pytest.mark.parametrize("cv", [None, 3, KFold(4, shuffle=True, random_state=0), ShuffleSplit(3, random_state=0)])
def test_lasso_chosen_by_cross_validation(cv):
    X, y = problem()
    mine = ours.LassoCV(alphas=30, cv=cv).fit(X, y)
    other = theirs.LassoCV(alphas=30, cv=cv, **TIGHT).fit(X, y)
    np.testing.assert_allclose(mine.alphas_, other.alphas_, rtol=CLOSE)
    np.testing.assert_allclose(mine.mse_path_, other.mse_path_, rtol=STOPPED)
    assert mine.alpha_ == pytest.approx(other.alpha_, rel=CLOSE)
    same(mine, other, STOPPED)


def test_logistic_and_poisson():
    X, y = problem()
    X = StandardScaler().fit_transform(X)
    labels = np.where(y > np.median(y), "up", "down")
    counts = np.random.default_rng(3).poisson(np.exp(X[:, 0] / 2))
    for w in (None, weights(), weights(whole=False)):
        mine = ours.LogisticRegression(0.7).fit(X, labels, w)
        other = theirs.LogisticRegression(C=0.7, tol=1e-10, max_iter=1000).fit(X, labels, w)
        same(mine, other, STOPPED)
        np.testing.assert_allclose(mine.predict_proba(X), other.predict_proba(X), atol=STOPPED)
        assert (mine.predict(X) == other.predict(X)).all()
        assert mine.inference_.family == "binomial"
        poisson = theirs.PoissonRegressor(alpha=0.2, tol=1e-10, max_iter=1000).fit(X, counts, w)
        same(ours.PoissonRegressor(0.2).fit(X, counts, w), poisson, STOPPED)
        assert ours.PoissonRegressor(0.2).fit(X, counts, w).score(X, counts, w) == pytest.approx(
            poisson.score(X, counts, w), abs=STOPPED
        )


def test_logistic_says_what_it_cannot_do():
    X, y = problem()
    with pytest.raises(ValueError, match="Only binary classification is supported"):
        ours.LogisticRegression().fit(X, np.arange(ROWS) % 3)
    with pytest.raises(ValueError, match="one class"):
        ours.LogisticRegression().fit(X, np.ones(ROWS))
    with pytest.raises(SeparationError):
        ours.LogisticRegression(C=np.inf).fit(X, X[:, 0] > 0)
    with pytest.raises(OptionError, match="C must be a number above 0"):
        ours.LogisticRegression(C=0).fit(X, y > 0)


EVERY = [getattr(ours, name)() for name in ours.__all__]


def fitted(estimator, X, y, *more):
    if isinstance(estimator, ours.LogisticRegression):
        y = y > np.median(y)
    elif isinstance(estimator, ours.PoissonRegressor):
        y = np.abs(np.round(y)) % 7
        X = X / 100
    return clone(estimator).fit(X, y, *more)


@pytest.mark.parametrize("estimator", EVERY, ids=lambda e: type(e).__name__)
def test_any_memory_gives_the_same(estimator):
    X, y = problem()
    X = np.round(X, 3).astype(np.float32)
    plain = fitted(estimator, X.astype(np.float64), y)
    off = 1e-8  # of a standard error, where iterations stop, and no coefficient here has one above 1
    for other in (X, np.asfortranarray(X), X.astype(">f8"), pd.DataFrame(X), sparse.csr_array(X), sparse.coo_array(X)):
        found = fitted(estimator, other, y).coef_
        # within an ulp or so of a single product: BLAS adds in another order where memory lies in another; float32
        # gives float32, which rounds once more
        np.testing.assert_allclose(found, plain.coef_, rtol=max(1e-8, np.finfo(found.dtype).eps), atol=off)
    strided = np.repeat(np.repeat(X, 2, axis=0), 2, axis=1)[::2, ::2].astype(np.float64)
    np.testing.assert_allclose(fitted(estimator, strided, y).coef_, plain.coef_, rtol=1e-8, atol=off)


@pytest.mark.parametrize("estimator", EVERY, ids=lambda e: type(e).__name__)
def test_pickle_and_names(estimator):
    X, y = problem()
    frame = pd.DataFrame(X, columns=list("abcdef"))
    model = fitted(estimator, frame, y)
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict(frame) == model.predict(frame)).all()
    assert model.feature_names_in_.tolist() == list("abcdef")
    fit = model.inference_
    assert {"a", "f"} <= set(fit.names)


@pytest.mark.parametrize("model", [ours.LinearRegression(), ours.Ridge(2.0), ours.PolynomialRegression()])
@pytest.mark.parametrize("weighted", [False, True])
def test_parts_add_up(model, weighted):
    X, y = problem()
    w = weights() if weighted else None
    whole = clone(model).fit(X, y, w)
    parts = clone(model)
    for rows in (slice(0, 150), slice(150, 160), slice(160, None)):
        parts.partial_fit(X[rows], y[rows], None if w is None else w[rows])
    np.testing.assert_allclose(parts.predict(X), whole.predict(X), rtol=CLOSE, atol=CLOSE)
    np.testing.assert_allclose(parts.inference_.std_errors, whole.inference_.std_errors, rtol=1e-7)


def test_the_table_is_that_of_ols():
    X, y = problem()
    for w, option in ((None, {}), (weights(), {"counts": "w"}), (weights(whole=False), {"weights": "w"})):
        model = ours.LinearRegression().fit(X, y, w)
        fit = gm.ols("y ~ X", {"X": X, "y": y, "w": np.ones(ROWS) if w is None else w}, **option)
        table = model.inference_
        np.testing.assert_allclose(table.coefficients, fit.coefficients, rtol=CLOSE)
        np.testing.assert_allclose(table.std_errors, fit.std_errors, rtol=1e-9)
        assert table.rows == fit.rows
        assert table.names == ("Intercept", "x0", "x1", "x2", "x3", "x4", "x5")
    several = ours.LinearRegression().fit(*problem(outcomes=2)).inference_
    assert [t.formula for t in several] == [f"y{i} ~ x0 + x1 + x2 + x3 + x4 + x5" for i in range(2)]


def test_dependent_columns_share_as_scikit_learn_does():
    X, y = problem()
    X = np.column_stack([X, X[:, 0], X[:, 1] - 2 * X[:, 2]])
    model = ours.LinearRegression().fit(X, y)
    same(model, theirs.LinearRegression().fit(X, y), 1e-9)
    assert model.rank_ == COLUMNS


def test_nearly_dependent_columns_are_refined():
    rng = np.random.default_rng(5)
    x = rng.standard_normal(300)
    X = np.column_stack([x, x + 1e-6 * rng.standard_normal(300)])
    y = X @ [1.0, 2.0] + rng.standard_normal(300)
    model = ours.LinearRegression().fit(X, y)
    # an orthogonal solver is off by the condition squared, 4e12, times the precision of float64, for this residual
    centred = X - X.mean(axis=0)
    np.testing.assert_allclose(model.coef_, np.linalg.lstsq(centred, y - y.mean(), rcond=None)[0], rtol=1e-3)
    assert model.inference_.digits.min() >= 8
    with pytest.warns(AccuracyWarning, match="`fit` on all rows"):
        ours.LinearRegression().partial_fit(X, y)


def test_a_polynomial_far_from_zero():
    x = np.arange(1990.0, 2020.0)[:, None]
    y = 3.0 + 0.5 * (x[:, 0] - 2005) - 0.02 * (x[:, 0] - 2005) ** 2
    model = ours.PolynomialRegression(degree=2).fit(x, y)
    np.testing.assert_allclose(model.predict(x), y, atol=1e-12)
    np.testing.assert_allclose(model.coef_, [0.5 + 2 * 0.02 * 2005, -0.02], rtol=1e-9)


def test_polynomials_have_the_order_of_scikit_learn():
    X, y = problem()
    X = StandardScaler().fit_transform(X)
    features = PolynomialFeatures(3, include_bias=False).fit(X)
    model = ours.PolynomialRegression(3).fit(X, y)
    assert (model.powers_ == features.powers_).all()
    plain = theirs.LinearRegression().fit(features.transform(X), y)
    np.testing.assert_allclose(model.coef_, plain.coef_, rtol=1e-8, atol=1e-9)


def test_pipelines_and_grids():
    X, y = problem()
    grid = GridSearchCV(make_pipeline(StandardScaler(), ours.Ridge()), {"ridge__alpha": [0.1, 10.0]}, cv=3).fit(X, y)
    other = GridSearchCV(make_pipeline(StandardScaler(), theirs.Ridge()), {"ridge__alpha": [0.1, 10.0]}, cv=3).fit(X, y)
    assert grid.best_params_ == other.best_params_
    assert grid.best_score_ == pytest.approx(other.best_score_, rel=1e-9)


def test_groups_are_routed_to_the_splitter():
    X, y = problem()
    groups = np.arange(ROWS) % 5
    with sklearn.config_context(enable_metadata_routing=True):
        for estimator in (ours.LassoCV, ours.RidgeCV):
            model = estimator(cv=GroupKFold(5)).fit(X, y, groups=groups)
            splits = list(GroupKFold(5).split(X, y, groups))
            assert model.alpha_ == estimator(cv=splits).fit(X, y).alpha_
    for estimator in (ours.LassoCV, ours.RidgeCV):
        with pytest.raises(ValueError, match="groups"):  # as in scikit-learn without routing
            estimator().fit(X, y, groups=groups)


def test_what_is_not_finite_is_refused():
    X, y = problem()
    for bad in (np.nan, np.inf):
        X[7, 2] = bad
        with pytest.raises(ValueError, match="Input X contains"):
            ours.LinearRegression().fit(X, y)
        with pytest.raises(ValueError, match="Input X contains"):
            ours.LassoCV().fit(X, y)
    with pytest.raises(gm.errors.NumericalError, match="overflow"):
        ours.LinearRegression().fit(np.full((4, 1), 1e200) * [[1], [2], [3], [-4]], np.arange(4.0))


SCORING = [
    {"scoring": "r2"},
    {"scoring": "neg_root_mean_squared_error"},
    {"scoring": "neg_mean_squared_error", "cv": 4},
    {"scoring": "neg_root_mean_squared_error", "cv": 4},
    {"alpha_per_target": True},
]


@pytest.mark.parametrize("options", SCORING, ids=str)
@pytest.mark.parametrize("outcomes", [None, 1, 3])
def test_penalties_are_scored_as_by_scikit_learn(options, outcomes):
    X, Y = problem(outcomes=outcomes)
    alphas = np.geomspace(0.01, 1000.0, 9)
    Y = Y + 20 * np.random.default_rng(8).standard_normal(Y.shape)
    mine, other = (some(alphas, **options).fit(X, Y) for some in (ours.RidgeCV, theirs.RidgeCV))
    np.testing.assert_allclose(mine.alpha_, other.alpha_, rtol=CLOSE)
    np.testing.assert_allclose(mine.best_score_, other.best_score_, rtol=CLOSE)
    same(mine, other)


POSITIVE = [
    (ours.LinearRegression(positive=True), theirs.LinearRegression(positive=True), CLOSE),
    (ours.Ridge(3.0, positive=True), theirs.Ridge(3.0, positive=True, tol=1e-14), 1e-5),  # theirs is L-BFGS
    (ours.Lasso(0.1, positive=True), theirs.Lasso(0.1, positive=True, **TIGHT), STOPPED),
    (ours.ElasticNet(0.1, positive=True), theirs.ElasticNet(0.1, positive=True, **TIGHT), STOPPED),
    (ours.LassoCV(positive=True), theirs.LassoCV(positive=True, **TIGHT), STOPPED),
]


@pytest.mark.parametrize(("mine", "other", "within"), POSITIVE, ids=lambda v: str(v)[:20])
@pytest.mark.parametrize("intercept", [True, False])
def test_coefficients_that_are_not_negative(mine, other, within, intercept):
    X, y = problem()
    w = weights(whole=False)
    mine, other = (clone(m).set_params(fit_intercept=intercept).fit(X, y, w) for m in (mine, other))
    assert (mine.coef_ >= 0).all()
    assert (mine.coef_ == 0).any()
    same(mine, other, within)
    if hasattr(other, "alphas_"):
        np.testing.assert_allclose(mine.alphas_, other.alphas_, rtol=CLOSE)
        np.testing.assert_allclose(mine.mse_path_, other.mse_path_, rtol=STOPPED)
    with pytest.raises(OptionError, match="positive=True have no table"):
        _ = mine.inference_


def test_parts_that_are_not_negative():
    X, y = problem()
    whole, parts = (ours.LinearRegression(positive=True) for _ in range(2))
    same(parts.partial_fit(X[:100], y[:100]).partial_fit(X[100:], y[100:]), whole.fit(X, y))


def far(estimator, X, y, sample_weight=None):
    """A scorer of one's own: minus the largest error."""
    return -float(np.max(np.abs(estimator.predict(X) - y)))


@pytest.mark.parametrize(
    "scoring",
    [pytest.param(far, id="far"), "neg_max_error", "neg_median_absolute_error", "neg_mean_absolute_error"],
    ids=str,
)
@pytest.mark.parametrize("cv", [None, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_any_scorer(scoring, cv, weighted):
    X, y = problem()
    if scoring == "neg_max_error" and weighted:
        scoring = far  # scikit-learn's does not take weights
    w = weights(whole=False) if weighted and cv is None else None  # with cv scikit-learn's scores have no weights
    alphas = np.geomspace(0.01, 1000.0, 9)
    mine, other = (some(alphas, scoring=scoring, cv=cv).fit(X, y, w) for some in (ours.RidgeCV, theirs.RidgeCV))
    assert mine.alpha_ == other.alpha_
    assert mine.best_score_ == pytest.approx(other.best_score_, rel=CLOSE)
    same(mine, other)


@pytest.mark.parametrize("scoring", [None, "r2", "neg_mean_absolute_error"])
@pytest.mark.parametrize("outcomes", [None, 3])
@pytest.mark.parametrize("each", [False, True])
def test_results_of_rows_that_are_left_out(scoring, outcomes, each):
    X, y = problem(outcomes=outcomes)
    w, options = weights(whole=False), {"scoring": scoring, "store_cv_results": True, "alpha_per_target": each}
    if each and outcomes is None:
        options["alpha_per_target"] = False
    mine, other = (some(**options).fit(X, y, w) for some in (ours.RidgeCV, theirs.RidgeCV))
    np.testing.assert_allclose(mine.cv_results_, other.cv_results_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(mine.best_score_, other.best_score_, rtol=CLOSE)
    np.testing.assert_array_equal(mine.alpha_, other.alpha_)


def test_options_of_cross_validation_that_make_no_sense():
    X, y = problem()
    with pytest.raises(OptionError, match="'nonsense' is no scorer; give a callable, or a name of sklearn"):
        ours.RidgeCV(scoring="nonsense").fit(X, y)
    with pytest.raises(OptionError, match="scoring must be one scorer"):
        ours.RidgeCV(scoring=["r2", "max_error"]).fit(X, y)
    with pytest.raises(OptionError, match="alpha_per_target goes with cv=None"):
        ours.RidgeCV(alpha_per_target=True, cv=3).fit(X, y)
    with pytest.raises(OptionError, match="store_cv_results goes with cv=None"):
        ours.RidgeCV(store_cv_results=True, cv=3).fit(X, y)


SAME = [
    "LinearRegression",
    "Ridge",
    "RidgeCV",
    "Lasso",
    "ElasticNet",
    "LassoCV",
    "LogisticRegression",
    "PoissonRegressor",
]
# of some versions of scikit-learn only
LATER = {"n_alphas", "multi_class", "cv_values_", "store_cv_values", "tol", "l1_ratio", "store_cv_results"}


@pytest.mark.parametrize("name", SAME)
def test_parameters_have_the_names_and_defaults_of_scikit_learn(name):
    mine, other = (getattr(some, name)().get_params() for some in (ours, theirs))
    assert other.keys() - mine.keys() <= LATER
    assert mine.keys() - other.keys() <= {"digits"} | LATER
    known = {key: value for key, value in mine.items() if key in other and other[key] not in ("warn", "deprecated")}
    later = ("penalty", "l1_ratio", "alphas", "eps")  # whose defaults differ between versions
    assert all(value == other[key] for key, value in known.items() if key not in later)


@pytest.mark.parametrize("name", SAME)
def test_what_has_no_effect_is_validated_all_the_same(name):
    X, y = problem()
    y = np.abs(y).round() if name != "LogisticRegression" else y > np.median(y)
    estimator = getattr(ours, name)
    usual = estimator().fit(X, y).coef_.tobytes()
    for parameter, value in {"solver": "lsqr", "max_iter": 7, "tol": 0.5, "random_state": 3, "verbose": 1}.items():
        if parameter in estimator._without_effect:
            value = "newton-cholesky" if (name, parameter) in CHOLESKY else value
            assert estimator(**{parameter: value}).fit(X, y).coef_.tobytes() == usual
            with pytest.raises(OptionError, match=f"The '{parameter}' parameter of {name} must be"):
                estimator(**{parameter: "nonsense"}).fit(X, y)


CHOLESKY = {("LogisticRegression", "solver"), ("PoissonRegressor", "solver")}


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_types_are_those_of_scikit_learn(name, intercept, kind):
    X, y = problem()
    X, y = (X / 100).astype(kind), y > np.median(y) if name == "LogisticRegression" else np.abs(y).round() % 7
    mine, other = (getattr(some, name)(fit_intercept=intercept).fit(X, y) for some in (ours, theirs))
    for attribute in ("coef_", "intercept_", "n_iter_", "best_score_"):
        if (
            getattr(other, attribute, None) is not None
        ):  # n_iter_ is None in Ridge, where scikit-learn's checks want a number
            assert type(getattr(mine, attribute)) is type(getattr(other, attribute))
            assert np.asarray(getattr(mine, attribute)).dtype == np.asarray(getattr(other, attribute)).dtype
    assert mine.predict(X).dtype == other.predict(X).dtype


def test_the_penalty_of_logistic_regression():
    X, y = problem()
    y = y > np.median(y)
    free = ours.LogisticRegression(C=np.inf).fit(X, y).coef_
    assert (ours.LogisticRegression(penalty=None).fit(X, y).coef_ == free).all()
    usual = ours.LogisticRegression().fit(X, y).coef_
    assert (ours.LogisticRegression(penalty="l2", l1_ratio=None).fit(X, y).coef_ == usual).all()
    for other in ({"penalty": "l1"}, {"l1_ratio": 0.5}, {"penalty": "elasticnet", "l1_ratio": 1}):
        with pytest.raises(OptionError, match="the penalty of squares, or none with C=inf; found penalty="):
            ours.LogisticRegression(**other).fit(X, y)


@pytest.mark.parametrize("jobs", [1, 2, -1, -100, np.int64(1)])
def test_the_number_of_threads_does_not_matter(jobs):
    rng = np.random.default_rng(4)
    X = rng.standard_normal((70_000, 3))
    y = X @ [1.0, 2.0, 3.0] + rng.standard_normal(len(X))
    for model, z in ((ours.LinearRegression(), y), (ours.LogisticRegression(), y > 0), (ours.LassoCV(cv=2), y)):
        some = clone(model).set_params(n_jobs=jobs).fit(X, z)
        assert some.coef_.tobytes() == clone(model).fit(X, z).coef_.tobytes()


def test_what_is_no_number_of_threads():
    X, y = problem()
    for bad in (0, True, "all", 1.5):
        with pytest.raises(OptionError, match="n_jobs must be a number of threads"):
            ours.LinearRegression(n_jobs=bad).fit(X, y)


def test_passes_that_are_too_few():
    X, y = problem()
    with pytest.raises(gm.errors.ConvergenceError, match="no convergence after 1 passes"):
        ours.LogisticRegression(max_iter=1).fit(np.repeat(X, 300, axis=0), np.tile(y > np.median(y), 300))
    with pytest.raises(OptionError, match="max_iter must be a whole number above 0, found 0"):
        ours.PoissonRegressor(max_iter=0).fit(X, np.abs(y))


def test_weights_that_are_all_zero():
    X, y = problem()
    with pytest.raises(ValueError, match="zero"):
        ours.Lasso().fit(X, y, np.zeros(ROWS))


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.delitem(sys.modules, "gramian.sklearn")
    with pytest.raises(gm.errors.MissingExtraError, match=r"gramian\[sklearn\]"):
        import_module("gramian.sklearn")


@pytest.mark.parametrize("name", ["linear", "lasso", "ridge_cv", "lasso_cv", "logistic", "poisson", "polynomial"])
def test_examples(name):
    done = doctest.testmod(import_module(f"gramian.sklearn.{name}"))
    assert done.attempted
    assert not done.failed


def test_numbers_of_numpy_are_numbers():
    X, y = problem()
    mine = ours.ElasticNet(np.int64(1), l1_ratio=np.int32(1)).fit(X, y)
    assert mine.coef_.tobytes() == ours.ElasticNet(1.0, l1_ratio=1.0).fit(X, y).coef_.tobytes()


def test_what_scikit_learn_refuses_or_warns_of():
    X, y = problem()
    with pytest.raises(TypeError, match=r"alphas\[1\] must be an instance of float, not str"):
        ours.RidgeCV(alphas=(1, "1")).fit(X, y)
    with pytest.raises(TypeError, match=r"alphas\[2\] must be an instance of float, not str"):
        ours.LassoCV(alphas=(1, 1.0, "1")).fit(X, y)
    with pytest.raises(ValueError, match="is only supported if enable_metadata_routing=True"):
        ours.LassoCV().fit(X, y, groups=np.zeros(len(y)))
    classes = y > np.median(y)
    with pytest.raises(OptionError, match="l1_ratio=None"):
        ours.LogisticRegression(penalty="elasticnet", l1_ratio=None).fit(X, classes)
    with pytest.warns(UserWarning, match="Setting penalty=None will ignore the C parameter"):
        ours.LogisticRegression(penalty=None, C=4.0).fit(X, classes)


def test_the_path_of_an_outcome_without_variance():
    X, _ = problem()
    mine, other = (some.LassoCV(alphas=3).fit(X, np.full(ROWS, 5.0)) for some in (ours, theirs))
    np.testing.assert_array_equal(mine.alphas_, other.alphas_)
    np.testing.assert_array_equal(mine.predict(X), 5.0)
