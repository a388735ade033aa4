"""NIST's nonlinear sets from both of its starting points: parameters and standard errors to the certified digits."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from gramian import curve

FOLDER = Path(os.environ.get("GRAMIAN_NIST") or Path(__file__).parents[2] / "../shared/data/nist") / "nonlinear"
PI = "3.141592653589793"
SUM_OF_EXPONENTIALS = "y ~ b1*exp(-b2*x) + b3*exp(-b4*x) + b5*exp(-b6*x)"
TWO_PEAKS = "y ~ b1*exp(-b2*x) + b3*exp(-(x-b4)^2/b5^2) + b6*exp(-(x-b7)^2/b8^2)"
CUBICS = "y ~ (b1 + b2*x + b3*x^2 + b4*x^3) / (1 + b5*x + b6*x^2 + b7*x^3)"
FORMULAS = {
    "Bennett5": "y ~ b1 * (b2 + x)^(-1/b3)",
    "BoxBOD": "y ~ b1 * (1 - exp(-b2*x))",
    "Chwirut1": "y ~ exp(-b1*x) / (b2 + b3*x)",
    "Chwirut2": "y ~ exp(-b1*x) / (b2 + b3*x)",
    "DanWood": "y ~ b1 * x^b2",
    "ENSO": f"y ~ b1 + b2*cos(2*{PI}*x/12) + b3*sin(2*{PI}*x/12) + b5*cos(2*{PI}*x/b4) + b6*sin(2*{PI}*x/b4)"
    f" + b8*cos(2*{PI}*x/b7) + b9*sin(2*{PI}*x/b7)",
    "Eckerle4": "y ~ (b1/b2) * exp(-0.5*((x-b3)/b2)^2)",
    "Gauss1": TWO_PEAKS,
    "Gauss2": TWO_PEAKS,
    "Gauss3": TWO_PEAKS,
    "Hahn1": CUBICS,
    "Kirby2": "y ~ (b1 + b2*x + b3*x^2) / (1 + b4*x + b5*x^2)",
    "Lanczos1": SUM_OF_EXPONENTIALS,
    "Lanczos2": SUM_OF_EXPONENTIALS,
    "Lanczos3": SUM_OF_EXPONENTIALS,
    "MGH09": "y ~ b1 * (x^2 + x*b2) / (x^2 + x*b3 + b4)",
    "MGH10": "y ~ b1 * exp(b2/(x+b3))",
    "MGH17": "y ~ b1 + b2*exp(-x*b4) + b3*exp(-x*b5)",
    "Misra1a": "y ~ b1 * (1 - exp(-b2*x))",
    "Misra1b": "y ~ b1 * (1 - (1+b2*x/2)^(-2))",
    "Misra1c": "y ~ b1 * (1 - (1+2*b2*x)^(-0.5))",
    "Misra1d": "y ~ b1*b2*x * ((1+b2*x)^(-1))",
    "Nelson": "log(y) ~ b1 - b2*x1 * exp(-b3*x2)",
    "Rat42": "y ~ b1 / (1 + exp(b2 - b3*x))",
    "Rat43": "y ~ b1 / ((1 + exp(b2 - b3*x))^(1/b4))",
    "Roszman1": f"y ~ b1 - b2*x - atan(b3/(x-b4))/{PI}",
    "Thurber": CUBICS,
}
PARAMETER_DIGITS, ERROR_DIGITS = 9, 8  # reached: 10.3 and 9.3 at the worst; NIST certifies 11
PASSES = 60  # reached: 53 from the far start of MGH10, 18 at most on 24 of the sets
PARAMETER = re.compile(r"\s*(b\d)\s*=\s*(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s*$")


class Problem(NamedTuple):
    data: dict[str, np.ndarray]
    names: list[str]
    starts: np.ndarray  # (p, 2)
    values: np.ndarray  # (p,)
    errors: np.ndarray  # (p,)
    rss: float


def read(name: str) -> Problem:
    path = FOLDER / f"{name}.dat"
    if not path.exists():
        pytest.skip(f"NIST's file is not there: {path} (GRAMIAN_NIST names the folder)")
    lines = path.read_text().splitlines()
    rows = [match.groups() for line in lines if (match := PARAMETER.match(line))]
    header = max(i for i, line in enumerate(lines) if line.startswith("Data:"))
    columns, begin = lines[header].split()[1:], header + 1
    data = np.array([[float(v) for v in line.split()] for line in lines[begin:] if line.split()])
    rss = next(float(line.split(":")[1]) for line in lines if line.startswith("Residual Sum of Squares"))
    numbers = np.array([[float(v) for v in row[1:]] for row in rows])
    names = [row[0] for row in rows]
    return Problem(dict(zip(columns, data.T, strict=True)), names, numbers[:, :2], numbers[:, 2], numbers[:, 3], rss)


def digits(found: np.ndarray, truth: np.ndarray) -> float:
    with np.errstate(divide="ignore"):
        return float(np.min(-np.log10(np.abs(found - truth) / np.abs(truth))))


@pytest.mark.parametrize("start", [1, 2])
@pytest.mark.parametrize("name", FORMULAS)
def test_certified_values(name, start):
    problem = read(name)
    begin = dict(zip(problem.names, problem.starts[:, start - 1].tolist(), strict=True))
    fit = curve(FORMULAS[name], problem.data, begin)
    assert fit.names == tuple(problem.names)
    assert digits(fit.coefficients, problem.values) >= PARAMETER_DIGITS
    assert fit.passes <= PASSES
    # the residuals of Lanczos1 are rounding errors of an outcome of 14 digits, and the report says so
    rounded = 0.5 * fit.solved.noise / fit.deviance
    assert ("rounding errors" in fit.summary()) == (name == "Lanczos1")
    assert digits(fit.std_errors, problem.errors) >= min(ERROR_DIGITS, -np.log10(rounded))
    assert fit.deviance == pytest.approx(problem.rss, rel=max(1e-9, 2 * rounded))


@pytest.mark.parametrize(("name", "ready"), [("DanWood", "power"), ("Rat42", "logistic")])
def test_ready_made_curves_need_no_start(name, ready):
    problem = read(name)
    fit = curve(f"y ~ {ready}(x)", problem.data)
    values = problem.values
    if ready == "logistic":  # NIST's exponent is b2 - b3 x
        values = np.array([values[0], values[2], values[1] / values[2]])
    assert digits(fit.coefficients, values) >= PARAMETER_DIGITS


def test_the_hard_start_needs_the_linear_parameters_solved_for():
    """From start 1 of MGH17 two exponentials are one to 1e-13 of a column's length: seen to fail otherwise."""
    problem = read("MGH17")
    fit = curve(FORMULAS["MGH17"], problem.data, dict(zip(problem.names, problem.starts[:, 0].tolist(), strict=True)))
    assert fit.start == {"b4": 1.0, "b5": 2.0}
    assert fit.passes <= 40
