"""Exact derivatives: against complex steps where a function has them, against central differences elsewhere."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gramian.data.source import source_of
from gramian.formula.curves.curve import Curve, curve_of, parameters_of, parse_curve
from gramian.models.curve import compressed, jacobian, triangular_factor
from gramian.models.curves import CURVES

X = np.linspace(0.3, 2.7, 9)


def read(formula: str, names: tuple[str, ...], bounded: tuple[str, ...] = ()) -> Curve:
    schema = source_of({"x": X, "z": X, "y": X}).schema
    found = parse_curve(formula, schema.names)
    start = None if found.named_curve else dict.fromkeys(names, 1.0)
    return curve_of(found, schema, parameters_of(found, schema, start), None, bounded)


def inputs(curve: Curve, **columns: np.ndarray) -> list[np.ndarray]:
    space = {**vars(np), **columns}
    return [np.broadcast_to(eval(label.replace("^", "**"), space), len(X)) for label in curve.variables]


COMPLEX = ["exp", "expm1", "log", "log1p", "log10", "log2", "sqrt", "sin", "cos", "tan", "tanh", "arctan"]


def expressions(depth: int) -> st.SearchStrategy[str]:
    leaves = st.sampled_from(["a", "b", "x", "1.5", "0.25"])
    if not depth:
        return leaves
    below = expressions(depth - 1)
    return st.one_of(
        leaves,
        st.tuples(below, st.sampled_from("+-*/"), below).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(st.sampled_from(COMPLEX), below).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(below, st.sampled_from(["2", "3", "0.5", "b", "a", "-1"])).map(lambda t: f"({t[0]})^({t[1]})"),
        below.map(lambda t: f"(-{t})"),
    )


def complex_steps(text: str, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values and derivatives: f(b + ih) = f(b) + ih f'(b), without a difference (Squire and Trapp 1998)."""
    code = re.sub(r"[0-9]+[.][0-9]+", r"float64(\g<0>)", text.replace("^", "**"))  # plain floats raise at 1/0
    columns = []
    for k in range(2):
        a, b = (complex(v, 1e-150 * (k == i)) for i, v in enumerate(beta))
        value = np.broadcast_to(
            eval(code, {**vars(np), "a": np.complex128(a), "b": np.complex128(b), "x": X + 0j}), len(X)
        )
        columns.append(value.imag / 1e-150)
    return value.real, np.column_stack(columns)


@given(expressions(3), st.floats(0.2, 3.0), st.floats(0.2, 3.0))
def test_derivatives_are_those_of_complex_steps(text, a, b):
    text = f"{text} + a * b"  # both occur
    beta = np.array([a, b])
    curve = read(f"y ~ {text}", ("a", "b"))
    with np.errstate(all="ignore"):
        f, J = jacobian(curve.shape, inputs(curve, x=X), beta, len(X))
        expected, slopes = complex_steps(text, beta)
        near = complex_steps(text, beta * (1 + 1e-9))[1]
        tolerance = 1e-9 * (1 + np.abs(slopes)) + 2 * np.abs(near - slopes)  # the problem's own condition
        wrong = (np.abs(J - slopes) > tolerance).any(axis=1) | (np.abs(f - expected) > 1e-9 * (1 + np.abs(expected)))
    good = np.isfinite(f) & np.isfinite(J).all(axis=1) & np.isfinite(expected) & np.isfinite(slopes).all(axis=1)
    good &= np.isfinite(near).all(axis=1) & (np.abs(slopes) < 1e12).all(axis=1)
    assert not wrong[good].any()


@pytest.mark.parametrize("name", CURVES)
def test_ready_made_curves_against_differences(name):
    ready = CURVES[name]
    curve = read(f"y ~ {name}(x)", ready.parameters)
    beta = np.array([0.9, 1.3, 0.7, 1.6])[: len(ready.parameters)]
    f, J = jacobian(curve.shape, [X], beta, len(X))
    code = ready.equation.replace("^", "**").replace("atan", "arctan")
    value = lambda b: eval(code, {**vars(np), **dict(zip(ready.parameters, b, strict=True)), "x": X})  # noqa: E731
    assert f == pytest.approx(value(beta), rel=1e-13)
    for k in range(len(beta)):
        step = 1e-5 * np.eye(len(beta))[k]
        assert J[:, k] == pytest.approx((value(beta + step) - value(beta - step)) / 2e-5, rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("name", ["abs(a - x) + b", "I(a * x) + b", "as_number(x) * a + b"])
def test_functions_without_a_complex_step(name):
    curve = read(f"y ~ {name}", ("a", "b"))
    f, J = jacobian(curve.shape, inputs(curve, x=X, I=X, as_number=lambda v: v), np.array([1.1, 2.0]), len(X))
    g, _ = jacobian(curve.shape, inputs(curve, x=X, I=X, as_number=lambda v: v), np.array([1.1 + 1e-6, 2.0]), len(X))
    assert J[:, 0] == pytest.approx((g - f) / 1e-6, abs=1e-6)
    assert (J[:, 1] == 1).all()


@pytest.mark.parametrize(
    ("text", "beta", "x", "value"),
    [
        ("a / (1 + exp(-b * x))", (2.0, 1e4), -1.0, 0.0),
        ("a * exp(-exp(-b * x))", (2.0, 1e4), -1.0, 0.0),
        ("a * tanh(b * x)", (2.0, 1e4), 1.0, 2.0),
        ("a * (1 - exp(-(x / b)^2.5))", (2.0, 1.0), 0.0, 0.0),
        ("a * (1 - exp(-(b * x)^0.5))", (2.0, 1.0), 0.0, 0.0),
        ("a * x^b", (2.0, 1.5), 0.0, 0.0),
    ],
)
def test_saturated_curves_have_finite_derivatives(text, beta, x, value):
    curve = read(f"y ~ {text}", ("a", "b"), bounded=("a", "b"))
    label = next(iter(curve.variables))
    column = np.array([{"x": x, "-x": -x}.get(label, x)])
    f, J = jacobian(curve.shape, [column], np.array(beta), 1)
    assert f[0] == pytest.approx(value, abs=1e-300)
    assert np.isfinite(J).all()


@pytest.mark.parametrize(
    ("text", "linear"),
    [
        ("b1 + b2 * exp(-x * b4) + b3 * exp(-x * b5)", "b1 b2 b3"),
        ("bottom + (top - bottom) / (1 + exp(-rate * (x - mid)))", "bottom top"),
        ("exp(-b1 * x) / (b2 + b3 * x)", ""),
        ("a * (b + c * x)", "a"),
        ("log(a) + b * x / c", "b"),
        ("-(a - 2) / 3 + I(b * x) * 2", "a b"),
    ],
)
def test_parameters_that_a_curve_is_linear_in(text, linear):
    names = tuple(n for n in dict.fromkeys(text.replace("(", " ").replace(")", " ").replace("-", " ").split()))
    known = tuple(n for n in names if n.isidentifier() and n not in ("x", "exp", "log", "I"))
    curve = read(f"y ~ {text}", known)
    assert tuple(curve.names[at] for at in curve.shape.linear) == tuple(linear.split())


@pytest.mark.parametrize("bounded", [(), ("b",), ("a", "b", "t", "r", "m")])
def test_how_a_curve_is_split_does_not_change_it(bounded):
    text, beta = "b + (t - b) / (1 + exp(-r * (x - m))) * a", np.array([0.3, 2.0, 1.4, 1.1, 0.7])
    names = ("b", "t", "r", "m", "a")
    curve = read(f"y ~ {text}", names, bounded)
    f, J = jacobian(curve.shape, [X], beta, len(X))
    whole = read(f"y ~ {text}", names, names)
    g, K = jacobian(whole.shape, [X], beta, len(X))
    assert f == pytest.approx(g, rel=1e-14)
    assert pytest.approx(K, rel=1e-12, abs=1e-15) == J


def test_an_operation_that_occurs_twice_is_done_once():
    curve = read("y ~ a * exp(-b * x) + c * x * exp(-b * x)", ("a", "b", "c"))
    assert [s.operation for s in curve.shape.program.steps].count("exp") == 1


def test_triangles_stack_to_the_triangle_of_all_rows():
    rng = np.random.default_rng(3)
    curve = read("y ~ a * exp(-b * x) + c", ("a", "b", "c"))
    x, y, w = rng.uniform(0, 3, 50), rng.normal(size=50), rng.uniform(0.5, 2, 50)
    beta = np.array([1.0, 0.8, 0.1])
    whole, _ = triangular_factor(curve.shape, [x], y, w, beta)
    for cut in (1, 3, 25, 49):
        parts = [triangular_factor(curve.shape, [x[s]], y[s], w[s], beta)[0] for s in (slice(cut), slice(cut, None))]
        stacked = compressed(np.concatenate(parts))
        assert stacked.T @ stacked == pytest.approx(whole.T @ whole, rel=1e-12, abs=1e-12)
