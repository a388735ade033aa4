"""Conditions, minima and long counts against exact rationals and many-digit decimals."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from reference.exact import least_squares, rational

from gramian.comparison import compare
from gramian.comparison.problem import products_of, raw, scaled
from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.fit.leastsquares.system import solve_linear
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options


def years(offset: float, rows: int = 60) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    x = offset + np.arange(rows) % 17
    return {"x": x, "y": np.round(3 + 0.5 * (x - offset) + rng.normal(size=rows), 3)}


def exact_system(data: dict[str, np.ndarray]) -> tuple[list[list[Fraction]], list[Fraction]]:
    n = len(data["x"])
    rows = [[Fraction(1), Fraction(float(v))] for v in data["x"]]
    y = [Fraction(float(v)) for v in data["y"]]
    A = [[sum(r[i] * r[j] for r in rows) / n for j in range(2)] for i in range(2)]
    return A, [sum(r[i] * t for r, t in zip(rows, y, strict=True)) / n for i in range(2)]


def decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def eigenvalues(A: list[list[Fraction]]) -> tuple[Decimal, Decimal]:
    trace = decimal(A[0][0] + A[1][1])
    determinant = decimal(A[0][0] * A[1][1] - A[0][1] * A[1][0])
    root = (trace * trace - 4 * determinant).sqrt()
    return determinant / ((trace + root) / 2), (trace + root) / 2


def problems(formula: str, data: dict[str, np.ndarray]):
    options = Options(collinear="min-norm")
    design, source = prepare(formula, source_of(data), options)
    done = Local().fold(source, Accumulate(design))
    solved = solve_linear(design, done, options)
    products = products_of(done.moments, solved.parametrization, len(solved.names))
    return raw(solved, products), scaled(solved, products)


@pytest.mark.parametrize("offset", [0.0, 2e3, 1e6, 1e9])
def test_the_condition_is_right_beyond_what_float64_products_hold(offset):
    data = years(offset)
    told = compare("y ~ x", data, methods=["best-rate"], scale_features=False, digits=[1])
    with localcontext() as context:
        context.prec = 80
        low, high = eigenvalues(exact_system(data)[0])
        assert told.condition["raw"] == pytest.approx(float(high / low), rel=1e-6)


@pytest.mark.parametrize("offset", [0.0, 2e3, 1e5])
def test_products_are_rounded_once(offset):
    data = years(offset)
    A, c = exact_system(data)
    problem = raw_of(data)
    expected = np.array([[float(v) for v in row] for row in A])
    np.testing.assert_allclose(problem.quadratic.A, expected, rtol=4e-16)
    np.testing.assert_allclose(problem.quadratic.c, [float(v) for v in c], rtol=2e-15)


def raw_of(data: dict[str, np.ndarray]):
    return problems("y ~ x", data)[0]


@pytest.mark.parametrize("offset", [0.0, 2e3, 1e5])
def test_the_minimum_solves_the_rounded_system_to_all_digits(offset):
    for problem in problems("y ~ x", years(offset)):
        f = problem.quadratic
        (a, b), (_, d) = rational(f.A)
        u, v = (Fraction(float(t)) for t in f.c)
        determinant = a * d - b * b
        exact = np.array([float((u * d - v * b) / determinant), float((v * a - u * b) / determinant)])
        np.testing.assert_allclose(f.minimum, exact, rtol=1e-14)


def test_the_minimum_is_the_least_squares_solution():
    data = years(10.0)
    X = [[Fraction(1), Fraction(float(v))] for v in data["x"]]
    b = least_squares(X, [Fraction(float(v)) for v in data["y"]])
    np.testing.assert_allclose(raw_of(data).quadratic.minimum, [float(v) for v in b], rtol=1e-12)


def test_a_count_of_millions_is_exact():
    """Along both eigenvectors in 60 digits: the step before has not arrived, this one has."""
    data = years(2e3)
    told = compare("y ~ x", data, methods=["best-rate"], scale_features=False, digits=[3], max_iterations=10**13)
    steps = told.entries[0].iterations
    assert steps > 10**9
    with localcontext() as context:
        context.prec = 60
        A, c = exact_system(data)
        low, high = eigenvalues(A)
        rate = 2 / (low + high)
        a, b, d = (decimal(v) for v in (A[0][0], A[0][1], A[1][1]))
        u, v = (decimal(t) for t in c)
        minimum = ((u * d - v * b) / (a * d - b * b), (v * a - u * b) / (a * d - b * b))

        def error(k: int) -> Decimal:
            total = Decimal(0)
            for value in (low, high):
                x, y = b, value - a
                part = (x * minimum[0] + y * minimum[1]) / (x * x + y * y).sqrt()
                total += (part * (1 - rate * value) ** k) ** 2
            return (total / (minimum[0] ** 2 + minimum[1] ** 2)).sqrt()

        near = max(steps // 10**7, 2)  # a relative 1e-7: the eigenvalues of a rounded matrix of condition 1e11
        assert error(steps - near) > Decimal("1e-3") >= error(steps + near)
