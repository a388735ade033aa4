"""Named curves: their equations, and candidates for the start values of their nonlinear parameters.

A curve is fitted to a sample at every combination of the candidates of its nonlinear parameters; the linear ones follow
by least squares, and the best combination is the start. Below, x is the sample's, sorted, and y is sorted by x.
Equations after D. A. Ratkowsky, Handbook of Nonlinear Regression Models, Dekker 1990; the Richards curve with its
inflection at `mid` after E. Tjorve and K. M. C. Tjorve, Journal of Theoretical Biology 267 (2010), 417-425.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from gramian.typing import Vector

Candidates = Callable[[Vector, Vector], Vector]

PLACES = np.linspace(0.02, 0.98, 13)  # quantiles of x
WIDTHS = np.array([0.01, 0.03, 0.1, 0.2, 0.4, 0.8])  # shares of the range of x
SPEEDS = np.array([1.0, 3.0, 8.0, 20.0, 60.0])  # per range of x


@dataclass(frozen=True, slots=True)
class NamedCurve:
    """A curve with a name.

    Attributes
    ----------
    name : str
        How formulas call it.
    equation : str
        Its expression in x and the parameters.
    parameters : tuple of str
        Parameters, in order.
    candidates : Mapping[str, Candidates]
        Nonlinear parameter -> function of a sample (x, y) that returns the values to try.
    """

    name: str
    equation: str
    parameters: tuple[str, ...]
    candidates: Mapping[str, Candidates]


def _range(x: Vector) -> float:
    """Range of x, or a positive number of its magnitude where all x are equal."""
    # 0 is false: all x may be equal
    return float(x[-1] - x[0]) or abs(float(x[0])) or 1.0


def _places(x: Vector, y: Vector) -> Vector:
    """Positions at quantiles of x."""
    return np.quantile(x, PLACES)


def _speeds(x: Vector, y: Vector) -> Vector:
    """Positive rates, in units of 1 / x."""
    return SPEEDS / _range(x)


def _both_signs(x: Vector, y: Vector) -> Vector:
    """Rates of both signs."""
    return np.concatenate([-_speeds(x, y), _speeds(x, y)])


def _trend(x: Vector, y: Vector) -> Vector:
    """Rates with the sign of the linear trend."""
    rises = float((x - x.mean()) @ (y - y.mean())) >= 0
    return _speeds(x, y) * (1.0 if rises else -1.0)


def _rates(x: Vector, y: Vector) -> Vector:
    """Rates of exponential growth and decay, in units of 1 / x."""
    speeds = np.array([0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0]) / _range(x)
    return np.concatenate([-speeds, speeds])


def _widths(x: Vector, y: Vector) -> Vector:
    """Widths, in units of x."""
    return WIDTHS * _range(x)


def _scales(x: Vector, y: Vector) -> Vector:
    """Scales from a hundredth to ten times the upper quartile of |x|."""
    return float(np.quantile(np.abs(x), 0.75) or 1.0) * np.array([0.01, 0.03, 0.1, 0.3, 0.6, 1.0, 3.0, 10.0])


def _fixed(*values: float) -> Candidates:
    """Candidates that do not depend on the sample."""
    return lambda x, y: np.array(values)


_SIGMOID: Mapping[str, Candidates] = {"rate": _both_signs, "mid": _places}
_ODD: Mapping[str, Candidates] = {
    "rate": _speeds,
    "mid": _places,
}  # the sign of `height` gives the direction, so rates of one sign are enough
_CURVES = (
    NamedCurve("logistic", "top / (1 + exp(-rate * (x - mid)))", ("top", "rate", "mid"), _SIGMOID),
    NamedCurve(
        "logistic4",
        "bottom + (top - bottom) / (1 + exp(-rate * (x - mid)))",
        ("bottom", "top", "rate", "mid"),
        {"rate": _trend, "mid": _places},
    ),
    NamedCurve("gompertz", "top * exp(-exp(-rate * (x - mid)))", ("top", "rate", "mid"), _SIGMOID),
    NamedCurve(
        "richards",
        "top * (1 + shape * exp(-rate * (x - mid)))^(-1 / shape)",
        ("top", "rate", "mid", "shape"),
        {**_SIGMOID, "shape": _fixed(0.2, 1.0, 4.0)},
    ),
    NamedCurve(
        "weibull",
        "top * (1 - exp(-(x / scale)^shape))",
        ("top", "scale", "shape"),
        {"scale": _scales, "shape": _fixed(0.5, 1.0, 2.0, 4.0, 8.0)},
    ),
    NamedCurve("michaelis", "top * x / (half + x)", ("top", "half"), {"half": _scales}),
    NamedCurve("exponential", "scale * exp(rate * x)", ("scale", "rate"), {"rate": _rates}),
    NamedCurve("tanh", "level + height * tanh(rate * (x - mid))", ("level", "height", "rate", "mid"), _ODD),
    NamedCurve("arctan", "level + height * atan(rate * (x - mid))", ("level", "height", "rate", "mid"), _ODD),
    NamedCurve(
        "gaussian",
        "height * exp(-((x - mid) / width)^2 / 2)",
        ("height", "mid", "width"),
        {"mid": _places, "width": _widths},
    ),
    NamedCurve(
        "power",
        "scale * x^exponent",
        ("scale", "exponent"),
        {"exponent": _fixed(-3.0, -2.0, -1.0, -0.5, -0.2, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0)},
    ),
)
CURVES: Mapping[str, NamedCurve] = {curve.name: curve for curve in _CURVES}
