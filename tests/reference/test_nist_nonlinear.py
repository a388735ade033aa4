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
FORMULAS = {
    "Chwirut2": "y ~ exp(-b1*x) / (b2 + b3*x)",
    "DanWood": "y ~ b1 * x^b2",
    "MGH17": "y ~ b1 + b2*exp(-x*b4) + b3*exp(-x*b5)",
    "Misra1a": "y ~ b1 * (1 - exp(-b2*x))",
    "Rat42": "y ~ b1 / (1 + exp(b2 - b3*x))",
}
PARAMETER_DIGITS, ERROR_DIGITS = 8.5, 6.5  # reached: 9.3 and 7.3 at the worst; NIST certifies 11
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
    begin = max(i for i, line in enumerate(lines) if line.startswith("Data:")) + 1
    data = np.array([[float(v) for v in line.split()] for line in lines[begin:] if line.split()])
    rss = next(float(line.split(":")[1]) for line in lines if line.startswith("Residual Sum of Squares"))
    numbers = np.array([[float(v) for v in row[1:]] for row in rows])
    names = [row[0] for row in rows]
    return Problem({"y": data[:, 0], "x": data[:, 1]}, names, numbers[:, :2], numbers[:, 2], numbers[:, 3], rss)


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
    assert digits(fit.std_errors, problem.errors) >= ERROR_DIGITS
    assert fit.deviance == pytest.approx(problem.rss, rel=1e-9)


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
