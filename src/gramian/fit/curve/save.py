"""Codec of curves, which are parsed anew from their formulas."""

from __future__ import annotations

from typing import Any

import numpy as np

from gramian.fit.curve.fit import CurveSolved
from gramian.formula.curve import Curve, curve_of, parse_curve
from gramian.formula.syntax import names
from gramian.schema import Field, Kind, Schema
from gramian.serialize.codec import Codec, require
from gramian.serialize.design import DROPPED
from gramian.serialize.record import at, record
from gramian.serialize.values import check_known

Names = tuple[str, ...]


def _solved(
    formula: str, parameters: Names, linear: Names, columns: Names, weights: str | None, **parts: Any
) -> CurveSolved:
    """Which parameters the curve is linear in follows from those that were not solved for directly."""
    parsed = parse_curve(formula, columns)
    named = parsed.named_curve
    expected = named.parameters if named else tuple(n for n in names(parsed.curve) if n not in columns)
    require(sorted(parameters) == sorted(expected), f"the parameters {', '.join(expected)}", parameters)
    schema = Schema(tuple(Field(name, Kind.NUMBER, "double") for name in columns))
    curve = curve_of(parsed, schema, parameters, weights, set(parameters) - set(linear))
    require(linear == _linear(curve), "parameters in which the curve is linear", linear)
    return CurveSolved(curve=curve, **parts)


def _linear(curve: Curve) -> Names:
    return tuple(curve.names[at] for at in curve.shape.linear)


def _columns(curve: Curve) -> Names:
    return tuple(dict.fromkeys(name for node in (curve.outcome, *curve.variables.values()) for name in names(node)))


CURVE_SOLVED: Codec[CurveSolved] = record(
    CurveSolved,
    at("formula", of=lambda fit: fit.curve.formula),
    at("parameters[p]", of=lambda fit: fit.curve.names),
    at("linear", of=lambda fit: _linear(fit.curve)),
    at("columns", of=lambda fit: _columns(fit.curve)),
    at("weights", of=lambda fit: fit.curve.weight),
    DROPPED,
    "weight log_weight rss tss noise condition distance rows passes",
    at("failure", absent=""),
    "coefficients[p] inverse[p,p]? at_bound[p] start[p]",
    make=_solved,
    check=lambda fit: check_known("inverse", fit.inverse, np.ix_(~fit.at_bound, ~fit.at_bound), overflow=True),
)
