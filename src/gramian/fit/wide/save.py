"""Wide fits as plain JSON with arrays and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gramian.fit.wide.design import MatrixTerm, WideDesign
from gramian.fit.wide.solution import DUAL, ITERATIVE, WideAccuracy, WideSolved
from gramian.formula.dropped_rows import DroppedRows
from gramian.serialize import values as plain
from gramian.serialize.design import Arrays, design_from_json, design_to_json

VECTORS = ("coefficients", "std_errors", "identified", "origin")
NUMBERS = ("level", "weight", "rss", "tss", "effective", "condition")
COUNTS = ("rows", "rank", "passes")
CONTENT = ("design", "matrices", "aliased", "alpha", "dropped_rows", "missing", "why", "accuracy", *NUMBERS, *COUNTS)
ACCURACY = ("tier", "wanted", "reached", "steps", "least", "careful")
MAX_COUNT = 2**53


def wide_to_json(solved: WideSolved) -> tuple[dict[str, Any], dict[str, Any]]:
    """Manifest and arrays."""
    accuracy, matrices = solved.accuracy, solved.design.matrices
    arrays = {name: getattr(solved, name) for name in VECTORS} | {"digits": accuracy.digits}
    arrays |= {f"places/{i}": m.places for i, m in enumerate(matrices) if m.places is not None}
    manifest = {
        "design": design_to_json(solved.design.narrow),
        "matrices": [[m.name, m.width, m.places is not None] for m in matrices],
        "aliased": dict(solved.aliased),
        "alpha": solved.alpha,
        "dropped_rows": dict(solved.dropped_rows.causes),
        "missing": dict(solved.dropped_rows.columns),
        "why": list(solved.reasons),
        "accuracy": [
            accuracy.solver, plain.number_to_json(accuracy.requested), accuracy.reached, accuracy.steps,
            plain.number_to_json(accuracy.eigenvalue_bound), accuracy.double_double,
        ],
        **{name: plain.number_to_json(getattr(solved, name)) for name in NUMBERS},
        **{name: int(getattr(solved, name)) for name in COUNTS},
    }  # fmt: skip
    return manifest, arrays


def wide_from_json(manifest: Mapping[str, Any], arrays: Arrays) -> WideSolved:
    """What `from_wide` wrote; ValueError for anything else."""
    plain.fields(manifest, CONTENT)
    matrices = tuple(_matrix_from_json(obj, i, arrays) for i, obj in enumerate(plain.sequence(manifest["matrices"])))
    wide_design = WideDesign(design_from_json(manifest["design"]), matrices)
    names = wide_design.names
    numbers: dict[str, Any] = {name: plain.number_from_json(manifest[name]) for name in NUMBERS}
    numbers |= {name: plain.integer(manifest[name], 0, MAX_COUNT) for name in COUNTS}
    vectors: dict[str, Any] = {name: arrays[name] for name in VECTORS}
    for name in (*VECTORS, "digits"):
        kind, size = (
            bool if name == "identified" else np.float64,
            len(names) - (name == "origin" and wide_design.intercept),
        )
        if arrays[name].shape != (size,) or arrays[name].dtype != kind:
            plain.wrong(f"{size} values '{name}'", f"{arrays[name].dtype} {arrays[name].shape}")
    causes, missing = (
        plain.mapping(manifest[name], lambda n: plain.integer(n, 0, MAX_COUNT)) for name in ("dropped_rows", "missing")
    )
    return WideSolved(
        formula=wide_design.narrow.formula,
        design=wide_design,
        names=names,
        aliased=plain.mapping(manifest["aliased"], plain.text),
        dropped_rows=DroppedRows(causes, missing),
        alpha=plain.optional(manifest["alpha"], plain.number_from_json),
        accuracy=_accuracy_from_json(manifest["accuracy"], arrays),
        reasons=plain.texts(manifest["why"]),
        **vectors,
        **numbers,
    )


def _matrix_from_json(obj: object, i: int, arrays: Arrays) -> MatrixTerm:
    name, width, has_positions = plain.sequence(obj, 3)
    places: Any = arrays[f"places/{i}"] if plain.flag(has_positions) else None
    if places is not None and (places.dtype != np.int64 or places.shape != (width,) or (places < 0).any()):
        plain.wrong("places of columns", places.shape)
    return MatrixTerm(plain.text(name), plain.integer(width, 0, MAX_COUNT), places)


def _accuracy_from_json(obj: object, arrays: Arrays) -> WideAccuracy:
    solver, requested, reached, steps, eigenvalue_bound, double_double = plain.sequence(obj, len(ACCURACY))
    if solver not in (ITERATIVE, DUAL):
        plain.wrong("a solver", solver)
    digits: Any = arrays["digits"]
    return WideAccuracy(
        solver, plain.number_from_json(requested), digits, plain.flag(reached), plain.integer(steps, 0, MAX_COUNT),
        plain.number_from_json(eigenvalue_bound), plain.flag(double_double),
    )  # fmt: skip
