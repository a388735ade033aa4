"""What was solved for a curve as plain JSON with arrays, and back: the curve is parsed anew from its formula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from gramian.fit.curve.fit import CurveSolved
from gramian.formula.curve import Curve, curve_of, parse_curve
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.syntax import names
from gramian.schema import Field, Kind, Schema
from gramian.serialize import values as plain
from gramian.serialize.design import Arrays, read_array

NUMBERS = ("weight", "log_weight", "rss", "tss", "noise", "condition", "distance")
COUNTS = ("rows", "passes")
CONTENT = ("formula", "parameters", "linear", "columns", "weights", "dropped_rows", "missing", *NUMBERS, *COUNTS)
MAX_COUNT = 2**63


def curve_to_json(solved: CurveSolved) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """Manifest and arrays."""
    curve = solved.curve
    used = [name for node in (curve.outcome, *curve.variables.values()) for name in names(node)]
    manifest: dict[str, object] = {
        "formula": curve.formula,
        "parameters": list(curve.names),
        "linear": [curve.names[at] for at in curve.shape.linear],
        "columns": list(dict.fromkeys(used)),
        "weights": curve.weight,
        "dropped_rows": dict(solved.dropped_rows.causes),
        "missing": dict(solved.dropped_rows.columns),
        **{name: plain.number_to_json(getattr(solved, name)) for name in NUMBERS},
        **{name: int(getattr(solved, name)) for name in COUNTS},
    }
    arrays = ("coefficients", "inverse", "at_bound", "start")
    return manifest, {name: getattr(solved, name) for name in arrays}


def curve_from_json(manifest: Mapping[str, Any], arrays: Arrays) -> CurveSolved:
    """What `from_curve` wrote; ValueError or GramianError for anything else."""
    plain.fields(manifest, CONTENT)
    curve = _parsed_curve(manifest)
    p = len(curve.names)
    numbers: dict[str, Any] = {name: plain.number_from_json(manifest[name]) for name in NUMBERS}
    numbers |= {name: _count(manifest[name]) for name in COUNTS}
    out = CurveSolved(
        curve=curve,
        coefficients=read_array(arrays, "coefficients", "float64", (p,)),
        inverse=read_array(arrays, "inverse", "float64", (p, p)),
        at_bound=read_array(arrays, "at_bound", "bool", (p,)),
        start=read_array(arrays, "start", "float64", (p,)),
        dropped_rows=DroppedRows(
            plain.mapping(manifest["dropped_rows"], _count), plain.mapping(manifest["missing"], _count)
        ),
        **numbers,
    )
    if curve_to_json(out)[1].keys() != arrays.keys():
        plain.wrong("no arrays but those of a curve", list(arrays))
    return out


def _parsed_curve(manifest: Mapping[str, Any]) -> Curve:
    """The curve; which parameters it is linear in follows from those that were not solved for directly."""
    columns, parameters, linear = (plain.texts(manifest[name]) for name in ("columns", "parameters", "linear"))
    parsed = parse_curve(plain.text(manifest["formula"]), columns)
    expected = (
        parsed.named_curve.parameters
        if parsed.named_curve
        else tuple(n for n in names(parsed.curve) if n not in columns)
    )
    if sorted(parameters) != sorted(expected):
        plain.wrong(f"the parameters {', '.join(expected)}", parameters)
    schema = Schema(tuple(Field(name, Kind.NUMBER, "double") for name in columns))
    weights = plain.optional(manifest["weights"], plain.text)
    curve = curve_of(parsed, schema, parameters, weights, set(parameters) - set(linear))
    if linear != tuple(parameters[at] for at in curve.shape.linear):
        plain.wrong("parameters in which the curve is linear", linear)
    return curve


def _count(obj: object) -> int:
    return plain.integer(obj, 0, MAX_COUNT)
