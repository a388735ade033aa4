from __future__ import annotations

import numpy as np
import pytest
from unit.comparison.loops import LOOPS, counted, posed, system, table

from gramian.comparison import compare
from gramian.comparison.methods import NAMES
from gramian.errors import OptionError
from gramian.linalg.iterative.descent import gradient_descent
from gramian.linalg.iterative.quadratic import descent, follow, quadratic

FORMULA = "y ~ x + z + v"
DIGITS = (2.0, 4.0, 8.0, 12.0)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("seed", range(4))
def test_counts_are_those_of_a_plain_loop(name, scaled, seed):
    data = table(seed)
    A, c, minimum = posed(FORMULA, data, scaled)
    told = compare(FORMULA, data, methods=[name], scale_features=scaled)
    assert {e.digits: e.iterations for e in told.entries} == counted(LOOPS[name](A, c), minimum, DIGITS)
    assert {e.status for e in told.entries} == {"reached"}


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("seed", range(4))
def test_counts_are_those_of_a_plain_loop_from_the_rows(name, scaled, seed):
    """With products as NumPy sums them, whose last digits differ."""
    data = table(seed)
    A, c, minimum = system(data, scaled)
    told = compare(FORMULA, data, methods=[name], scale_features=scaled, digits=(2, 4, 8))
    assert {e.digits: e.iterations for e in told.entries} == counted(LOOPS[name](A, c), minimum, (2.0, 4.0, 8.0))


@pytest.mark.parametrize("seed", range(6))
def test_the_closed_form_counts_as_a_loop_does(seed):
    A, c, minimum = system(table(seed, offset=4.0), False)
    problem = quadratic(A, c, minimum, len(c))
    rate = 1.0 / problem.values[-1]
    closed = descent(problem, rate)
    trace = follow(gradient_descent(A, c, rate), problem, 1e-6, 100_000, 1000)
    assert [closed.steps(10.0**-d) for d in (1, 2, 4, 6)] == [trace.steps(10.0**-d) for d in (1, 2, 4, 6)]
    assert closed.error(50) == pytest.approx(trace.errors[50], rel=1e-9)


def test_a_long_way_is_foretold_instead_of_gone():
    data = table(0, offset=1e3)
    told = compare(FORMULA, data, methods=["best-rate", "line-search"], scale_features=False)
    foretold, stopped = told.entry("best-rate", 4, scaled=False), told.entry("line-search", 4, scaled=False)
    assert foretold.iterations > 1e9
    assert foretold.status.startswith("not run: would take")
    assert foretold.iterations == pytest.approx(foretold.predicted_iterations, rel=0.2)
    assert stopped.iterations is None
    assert "after 1,000 of about" in stopped.status
    history = told.history["best-rate", False]
    assert (np.diff(history.errors) <= 0).all()
    assert len(history.errors) <= 1002


def test_a_longer_limit_counts_by_the_closed_form():
    data = table(0, offset=100.0)
    told = compare(FORMULA, data, methods=["best-rate"], scale_features=False, digits=[1], max_iterations=10**9)
    entry = told.entries[0]
    assert 100_000 < entry.iterations < 10**9
    assert entry.status.startswith("reached, counted in exact arithmetic")


def test_a_rate_that_is_too_large_is_shown():
    data = table(0, offset=100.0)
    told = compare(FORMULA, data, methods=["gradient-descent"], rate=0.01)
    A, _, _ = system(data, False)
    limit = 2 / np.linalg.eigvalsh(A)[-1]
    for entry in told.entries[:4]:
        assert entry.status == f"diverges: the rate must be below 2/l_max = {limit:.3g}"
        assert entry.iterations is None
    history = told.history["gradient-descent", False]
    assert history.errors[-1] > 1e8
    assert (np.diff(history.errors[2:]) > 0).all()
    assert "diverges" in told.summary()


def test_conditions_raw_and_scaled():
    data = table(1, offset=50.0)
    told = compare(FORMULA, data, methods=["conjugate-gradient"])
    for name, scaled in (("raw", False), ("scaled", True)):
        assert told.condition[name] == pytest.approx(np.linalg.cond(system(data, scaled)[0]), rel=1e-6)


def test_predictions_lie_near_the_counts():
    told = compare(FORMULA, table(3), methods=["gradient-descent", "best-rate", "nesterov"], digits=[8])
    for entry in told.entries:
        assert entry.iterations == pytest.approx(entry.predicted_iterations, rel=0.1, abs=3)


def test_bounds_are_kept():
    told = compare(FORMULA, table(3), methods=["line-search", "conjugate-gradient"], scale_features=True)
    for entry in told.entries:
        assert entry.iterations <= entry.predicted_iterations + 1


def test_passes_are_products_with_the_rows():
    told = compare(
        FORMULA, table(0), methods=["best-rate", "line-search", "conjugate-gradient"], scale_features=True, digits=[4]
    )
    descending, line, conjugate = told.entries
    assert line.passes == 2 * line.iterations
    assert descending.passes == descending.iterations
    assert conjugate.passes == conjugate.iterations + 1


def test_dependent_columns_lead_to_the_shortest_solution():
    data = table(2)
    data["t"] = data["x"] - 2 * data["z"]
    X = np.column_stack([np.ones(len(data["x"])), data["x"], data["z"], data["v"], data["t"]])
    shortest = np.linalg.pinv(X) @ data["y"]
    A, c = X.T @ X / len(X), X.T @ data["y"] / len(X)
    told = compare("y ~ x + z + v + t", data, digits=(2, 4, 8), scale_features=False)
    assert (told.rank, len(told.names)) == (4, 5)
    for name in ("best-rate", "line-search", "conjugate-gradient"):
        values = np.linalg.eigvalsh(A)[1:]
        loop = LOOPS[name](A, c) if name != "best-rate" else _gradient(A, c, 2 / (values[0] + values[-1]))
        counts = {e.digits: e.iterations for e in told.entries if e.method == name}
        assert counts == counted(loop, shortest, (2, 4, 8))
    assert told.entry("normal-equation", 8, scaled=False).status == "reached"
    assert "combinations of others" in told.summary()


def _gradient(A, c, rate):
    iterates = gradient_descent(A, c, rate)
    return lambda: next(iterates)


def test_without_an_intercept_columns_are_scaled_but_not_centred():
    data = table(0)
    X = np.column_stack([data["x"], data["z"]])
    X /= np.sqrt((X**2).mean(axis=0))
    told = compare("y ~ 0 + x + z", data, methods=["best-rate"], scale_features=True)
    assert told.condition["scaled"] == pytest.approx(np.linalg.cond(X.T @ X), rel=1e-9)
    assert "no intercept" in told.summary()


def test_two_coefficients_keep_their_path():
    told = compare("y ~ x", table(0), methods=["line-search", "sgd", "normal-equation"])
    for history in told.history.values():
        assert history.path.shape == (len(history.errors), 2)
        assert (history.path[0] == 0).all()


def test_weights_and_counts_enter():
    data = table(0, rows=50)
    data["w"] = np.arange(50) % 3
    twice = {k: np.repeat(v, data["w"]) for k, v in data.items() if k != "w"}
    a = compare(FORMULA, data, counts="w", methods=["best-rate", "nesterov"])
    b = compare(FORMULA, twice, methods=["best-rate", "nesterov"])
    assert [e.iterations for e in a.entries] == [e.iterations for e in b.entries]
    assert a.rows == b.rows


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": ["newton"]}, "methods must be one of"),
        ({"methods": "sgd"}, "a list of names"),
        ({"methods": []}, "at least one"),
        ({"digits": (0,)}, "digits must be between"),
        ({"digits": (20,)}, "digits must be between"),
        ({"rate": -1.0}, "rate must be"),
        ({"passes": 0}, "passes must be"),
    ],
)
def test_senseless_options_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        compare(FORMULA, table(0), **options)


def test_methods_keep_their_order():
    told = compare(FORMULA, table(0), methods=["sgd", "normal-equation"], passes=1, scale_features=True)
    assert [e.method for e in told.entries[::4]] == [NAMES[0], NAMES[-1]]


def test_a_condition_beyond_float64_is_told_by_its_predictions():
    data = table(0, offset=1e8)
    told = compare("y ~ x", data, methods=["best-rate", "gradient-descent"], scale_features=False)
    assert told.condition["raw"] == pytest.approx(1e32, rel=0.5)
    assert told.entry("best-rate", 2, scaled=False).status.startswith("not run: would take 2.")
    assert told.entry("gradient-descent", 2, scaled=False).status.startswith("diverges")
    assert told.attainable["raw"] > 1
    assert "not run" in told.summary()
