"""What was solved as plain JSON with arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.fit.leastsquares.accuracy import PRECISIONS, Accuracy
from gramian.fit.leastsquares.save_absorbed import absorbed_from_json, absorbed_to_json
from gramian.fit.leastsquares.save_parametrization import parametrization_from_json, parametrization_to_json
from gramian.fit.leastsquares.save_robust import robust_from_json, robust_to_json
from gramian.fit.leastsquares.solution import Solved
from gramian.formula.coding import contrasts_of
from gramian.formula.dropped_rows import DroppedRows
from gramian.linalg.solve import Solution
from gramian.serialize import values as plain
from gramian.serialize.design import (
    MAX_SIZE,
    Arrays,
    codes,
    design_from_json,
    design_to_json,
    levels_from_json,
    levels_to_json,
    read_array,
)

MAX_ROWS = 2**63
NUMBERS = ("weight", "log_weight", "rss", "tss", "mean", "leverage", "condition")
CERTIFIED = ("digits", "std_error_digits", "low")
ACCURACY = ("tier", "wanted", "rss_digits", "reached", "doubtful")
SOLUTION = ("rss", "condition", "leverage")
CONTENT = ("formula", "names", "design", "cells", "frame", "aliased", "empty_cells", "intercept", "rows", "rank",
           "passes", "alpha", "dropped_rows", "missing", *NUMBERS, "solution", "accuracy", "robust",
           "absorbed", "roots")  # fmt: skip


def solved_to_json(solved: Solved) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """Manifest and arrays."""
    parametrization_json, parametrization_arrays = parametrization_to_json(solved.parametrization)
    cells, level_arrays = levels_to_json(solved.levels)
    robust, robust_arrays = robust_to_json(solved.robust)
    absorbed_json, absorbed_arrays = absorbed_to_json(solved.absorbed)
    arrays = {
        "coefficients": solved.coefficients,
        "inverse": solved.inverse,
        "identified": solved.identified,
        "terms": np.array(solved.terms, np.int64),
        "solution/coefficients": solved.solution.coefficients,
        "solution/inverse": solved.solution.inverse,
        "solution/kept": solved.solution.independent,
        "solution/null": solved.solution.null,
    }
    if solved.inverse_roots is not None:
        arrays["roots"] = solved.inverse_roots
    if solved.accuracy is not None:
        arrays |= {f"accuracy/{name}": getattr(solved.accuracy, name) for name in CERTIFIED}
    manifest: dict[str, object] = {
        "formula": solved.formula,
        "names": list(solved.names),
        "design": design_to_json(solved.design),
        "cells": cells,
        "frame": parametrization_json,
        "aliased": dict(solved.aliased),
        "empty_cells": dict(solved.empty_cells),
        "intercept": solved.intercept,
        "rows": int(solved.rows),
        "rank": int(solved.rank),
        "passes": int(solved.passes),
        "alpha": solved.alpha,
        "dropped_rows": dict(solved.dropped_rows.causes),
        "missing": dict(solved.dropped_rows.columns),
        **{name: plain.number_to_json(getattr(solved, name)) for name in NUMBERS},
        "solution": {name: plain.number_to_json(getattr(solved.solution, name)) for name in SOLUTION},
        "accuracy": _accuracy_to_json(solved.accuracy),
        "robust": robust,
        "absorbed": absorbed_json,
        "roots": solved.inverse_roots is not None,
    }
    return manifest, {**arrays, **level_arrays, **parametrization_arrays, **robust_arrays, **absorbed_arrays}


def solved_from_json(manifest: Mapping[str, Any], arrays: Arrays) -> Solved:
    """What `from_solved` wrote; ValueError for anything else."""
    plain.fields(manifest, CONTENT)
    names = plain.texts(manifest["names"])
    width, model_design = len(names), design_from_json(manifest["design"])
    factor_levels = {
        name: tuple(all_levels)
        for name, all_levels in (model_design.levels or {}).items()
        if name in model_design.terms.coefficient_factors
    }
    all_levels = levels_from_json(manifest["cells"], factor_levels, arrays)
    out = Solved(
        formula=plain.text(manifest["formula"]),
        design=model_design,
        levels=replace(all_levels, contrasts=contrasts_of(model_design.terms, factor_levels, all_levels.order)),
        parametrization=parametrization_from_json(manifest["frame"], width, factor_levels, arrays),
        solution=_solution_from_json(manifest["solution"], width, arrays),
        names=names,
        terms=tuple(codes(arrays, "terms", (width,), max(len(model_design.terms.terms), 1)).tolist()),
        coefficients=read_array(arrays, "coefficients", "float64", (width,)),
        inverse=read_array(arrays, "inverse", "float64", (width, width)),
        identified=read_array(arrays, "identified", "bool", (width,)),
        inverse_roots=read_array(arrays, "roots", "float64", (width,)) if plain.flag(manifest["roots"]) else None,
        aliased=_check_aliased(plain.mapping(manifest["aliased"], plain.text), names),
        empty_cells=plain.mapping(manifest["empty_cells"], _count),
        intercept=plain.flag(manifest["intercept"]),
        rows=_count(manifest["rows"]),
        rank=plain.integer(manifest["rank"], 0, width + 1),
        passes=plain.integer(manifest["passes"], 0, MAX_SIZE),
        dropped_rows=DroppedRows(
            plain.mapping(manifest["dropped_rows"], _count), plain.mapping(manifest["missing"], _count)
        ),
        alpha=plain.optional(manifest["alpha"], _not_negative),
        accuracy=_accuracy_from_json(manifest["accuracy"], names, arrays),
        robust=robust_from_json(manifest["robust"], width, arrays),
        absorbed=plain.optional(manifest["absorbed"], lambda part: absorbed_from_json(part, model_design, arrays)),
        **{name: plain.number_from_json(manifest[name]) for name in NUMBERS},
    )
    if solved_to_json(out)[1].keys() != arrays.keys():
        plain.wrong("no arrays but those of a fit", list(arrays))
    return out


def _solution_from_json(obj: object, width: int, arrays: Arrays) -> Solution:
    rss, condition, leverage = map(plain.number_from_json, plain.fields(obj, SOLUTION))
    return Solution(
        coefficients=read_array(arrays, "solution/coefficients", "float64", (width,)),
        inverse=read_array(arrays, "solution/inverse", "float64", (width, width)),
        independent=read_array(arrays, "solution/kept", "bool", (width,)),
        null=read_array(arrays, "solution/null", "float64", (width, None)),
        rss=rss,
        condition=condition,
        leverage=leverage,
    )


def _accuracy_to_json(accuracy: Accuracy | None) -> dict[str, object] | None:
    if accuracy is None:
        return None
    numbers = {
        "wanted": plain.number_to_json(accuracy.requested),
        "rss_digits": plain.number_to_json(accuracy.rss_digits),
    }
    return {"tier": accuracy.precision, "reached": accuracy.reached, "doubtful": list(accuracy.doubtful), **numbers}


def _accuracy_from_json(obj: object, names: tuple[str, ...], arrays: Arrays) -> Accuracy | None:
    if obj is None:
        return None
    precision, requested, rss_digits, reached, doubtful = plain.fields(obj, ACCURACY)
    certified = {name: read_array(arrays, f"accuracy/{name}", "float64", (len(names),)) for name in CERTIFIED}
    return Accuracy(
        precision=precision if precision in PRECISIONS else plain.wrong(f"one of {', '.join(PRECISIONS)}", precision),
        requested=_not_negative(requested),
        rss_digits=_not_negative(rss_digits),
        reached=plain.flag(reached),
        doubtful=plain.texts(doubtful),
        **certified,
    )


def _count(obj: object) -> int:
    return plain.integer(obj, 0, MAX_ROWS)


def _not_negative(obj: object) -> float:
    value = plain.number_from_json(obj)
    return value if 0 <= value < float("inf") else plain.wrong("a penalty", obj)


def _check_aliased(aliased: dict[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return aliased if aliased.keys() <= set(names) else plain.wrong("aliased columns of the model", list(aliased))
