"""Codec of curves, which are parsed anew from their formulas."""

from __future__ import annotations

from gramian.fit.curve.fit import CurveSolved
from gramian.fit.leastsquares.save import ROBUST
from gramian.formula.curves.curve import Curve, curve_of, parse_curve
from gramian.formula.syntax import names as names_of
from gramian.schema import Field, Kind, Schema
from gramian.serialize.codec import Codec, require
from gramian.serialize.design import DROPPED
from gramian.serialize.record import at, record
from gramian.serialize.values import TEXTS, known

Names = tuple[str, ...]


def _curve(formula: str, names: Names, linear: Names, columns: Names, weight: str | None) -> Curve:
    """Which parameters the curve is linear in follows from those that were not solved for directly."""
    parsed = parse_curve(formula, columns)
    named = parsed.named_curve
    expected = named.parameters if named else tuple(n for n in names_of(parsed.curve) if n not in columns)
    require(sorted(names) == sorted(expected), f"the parameters {', '.join(expected)}", names)
    schema = Schema(tuple(Field(name, Kind.NUMBER, "double") for name in columns))
    curve = curve_of(parsed, schema, names, weight, set(names) - set(linear))
    require(linear == curve.linear, "parameters in which the curve is linear", linear)
    return curve


CURVE_SOLVED: Codec[CurveSolved] = record(
    CurveSolved,
    "formula=curve.formula parameters[p]=curve.names",
    at("linear=curve.linear columns=curve.columns", TEXTS),
    "weights=curve.weight",
    DROPPED,
    "weight log_weight rss tss noise condition distance rows passes ~failure",
    "coefficients[p] inverse[p,p]? at_bound[p] start[p]",
    "~robust/",
    known("inverse", lambda fit: ~fit.at_bound, overflow=True),
    makers={Curve: _curve},
    types=[ROBUST],
)
