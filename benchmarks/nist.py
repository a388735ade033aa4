"""Certified parameters of NIST's nonlinear sets, from both of their starting points."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
from findings import Finding, check
from machine import ROOT
from problems import Sizes

import gramian as gm

FOLDER = Path(os.environ.get("GRAMIAN_NIST") or ROOT / "../shared/data/nist").resolve() / "nonlinear"
FORMULAS = {
    "Chwirut2": "y ~ exp(-b1*x) / (b2 + b3*x)",
    "DanWood": "y ~ b1 * x^b2",
    "MGH17": "y ~ b1 + b2*exp(-x*b4) + b3*exp(-x*b5)",
    "Misra1a": "y ~ b1 * (1 - exp(-b2*x))",
    "Rat42": "y ~ b1 / (1 + exp(b2 - b3*x))",
}
DIGITS = 8.0
TITLE = "NIST's nonlinear sets from both starting points"
PARAMETER = re.compile(r"\s*(b\d)\s*=\s*(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s*$")


def nist(sizes: Sizes, rounds: int) -> Finding:
    """Right digits of the worst parameter and of the worst standard error."""
    if not FOLDER.is_dir():
        return Finding(TITLE, skipped=f"no folder {FOLDER}; GRAMIAN_NIST names the one with `nonlinear` in it")
    found = [(name, start, *_fitted(name, start)) for name in FORMULAS for start in (1, 2)]
    worst = min(row[2] for row in found)
    return Finding(
        TITLE,
        ("set", "start", "right digits of the parameters", "of the standard errors", "passes"),
        [(name, str(start), f"{a:.1f}", f"{b:.1f}", str(passes)) for name, start, a, b, passes in found],
        [check("right digits of the worst parameter", f"{worst:.1f}", f"at least {DIGITS:g}", worst >= DIGITS)],
        "NIST certifies 11 digits.",
    )


def _fitted(name: str, start: int) -> tuple[float, float, int]:
    lines = (FOLDER / f"{name}.dat").read_text().splitlines()
    parameters = [match.groups() for line in lines if (match := PARAMETER.match(line))]
    first = max(i for i, line in enumerate(lines) if line.startswith("Data:")) + 1
    y, x = np.array([[float(v) for v in line.split()] for line in lines[first:] if line.split()]).T
    numbers = np.array([[float(v) for v in row[1:]] for row in parameters])
    begin = {row[0]: value for row, value in zip(parameters, numbers[:, start - 1].tolist(), strict=True)}
    fit = gm.curve(FORMULAS[name], {"y": y, "x": x}, begin)
    return _digits(fit.coefficients, numbers[:, 2]), _digits(fit.std_errors, numbers[:, 3]), fit.passes


def _digits(found: np.ndarray, certified: np.ndarray) -> float:
    with np.errstate(divide="ignore"):
        return float(np.min(-np.log10(np.abs(found / certified - 1.0)), initial=15.0))
