"""What was solved as plain JSON with arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.fit.accuracy import TIERS, Accuracy
from gramian.fit.solved import Solved
from gramian.formula.coding import contrasts_of
from gramian.formula.tally import Tally
from gramian.linalg.solve import Solution
from gramian.results import plain
from gramian.results.plain_absorbed import absorbed, from_absorbed
from gramian.results.plain_design import WIDEST, Arrays, codes, design, from_design, from_levels, levels, taken
from gramian.results.plain_frame import frame, from_frame
from gramian.results.plain_robust import from_robust, robust

MOST_ROWS = 2**63
NUMBERS = ("weight", "log_weight", "rss", "tss", "mean", "leverage", "condition")
PROVED = ("digits", "std_error_digits", "low")
ACCURACY = ("tier", "wanted", "rss_digits", "reached", "doubtful")
SOLUTION = ("rss", "condition", "leverage")
CONTENT = ("formula", "names", "design", "cells", "frame", "aliased", "empty_cells", "intercept", "rows", "rank",
           "passes", "alpha", "dropped_rows", "missing", *NUMBERS, "solution", "accuracy", "robust",
           "absorbed", "roots")  # fmt: skip


def from_solved(solved: Solved) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """Manifest and arrays."""
    told, frame_arrays = from_frame(solved.frame)
    cells, level_arrays = from_levels(solved.levels)
    robust, robust_arrays = from_robust(solved.robust)
    swept, effects = from_absorbed(solved.absorbed)
    arrays = {
        "coefficients": solved.coefficients,
        "inverse": solved.inverse,
        "identified": solved.identified,
        "terms": np.array(solved.terms, np.int64),
        "solution/coefficients": solved.solution.coefficients,
        "solution/inverse": solved.solution.inverse,
        "solution/kept": solved.solution.kept,
        "solution/null": solved.solution.null,
    }
    if solved.roots is not None:
        arrays["roots"] = solved.roots
    if solved.accuracy is not None:
        arrays |= {f"accuracy/{name}": getattr(solved.accuracy, name) for name in PROVED}
    manifest: dict[str, object] = {
        "formula": solved.formula,
        "names": list(solved.names),
        "design": from_design(solved.design),
        "cells": cells,
        "frame": told,
        "aliased": dict(solved.aliased),
        "empty_cells": dict(solved.empty_cells),
        "intercept": solved.intercept,
        "rows": int(solved.rows),
        "rank": int(solved.rank),
        "passes": int(solved.passes),
        "alpha": solved.alpha,
        "dropped_rows": dict(solved.tally.causes),
        "missing": dict(solved.tally.columns),
        **{name: plain.from_number(getattr(solved, name)) for name in NUMBERS},
        "solution": {name: plain.from_number(getattr(solved.solution, name)) for name in SOLUTION},
        "accuracy": _from_accuracy(solved.accuracy),
        "robust": robust,
        "absorbed": swept,
        "roots": solved.roots is not None,
    }
    return manifest, {**arrays, **level_arrays, **frame_arrays, **robust_arrays, **effects}


def solved(manifest: Mapping[str, Any], arrays: Arrays) -> Solved:
    """What `from_solved` wrote; ValueError for anything else."""
    plain.fields(manifest, CONTENT)
    names = plain.texts(manifest["names"])
    width, made = len(names), design(manifest["design"])
    told = {name: tuple(known) for name, known in (made.levels or {}).items() if name in made.terms.told}
    known = levels(manifest["cells"], told, arrays)
    out = Solved(
        formula=plain.text(manifest["formula"]),
        design=made,
        levels=replace(known, contrasts=contrasts_of(made.terms, told, known.order)),
        frame=frame(manifest["frame"], width, told, arrays),
        solution=_solution(manifest["solution"], width, arrays),
        names=names,
        terms=tuple(codes(arrays, "terms", (width,), max(len(made.terms.terms), 1)).tolist()),
        coefficients=taken(arrays, "coefficients", "float64", (width,)),
        inverse=taken(arrays, "inverse", "float64", (width, width)),
        identified=taken(arrays, "identified", "bool", (width,)),
        roots=taken(arrays, "roots", "float64", (width,)) if plain.flag(manifest["roots"]) else None,
        aliased=_of_names(plain.mapping(manifest["aliased"], plain.text), names),
        empty_cells=plain.mapping(manifest["empty_cells"], _count),
        intercept=plain.flag(manifest["intercept"]),
        rows=_count(manifest["rows"]),
        rank=plain.whole(manifest["rank"], 0, width + 1),
        passes=plain.whole(manifest["passes"], 0, WIDEST),
        tally=Tally(plain.mapping(manifest["dropped_rows"], _count), plain.mapping(manifest["missing"], _count)),
        alpha=plain.optional(manifest["alpha"], _not_negative),
        accuracy=_accuracy(manifest["accuracy"], names, arrays),
        robust=robust(manifest["robust"], width, arrays),
        absorbed=plain.optional(manifest["absorbed"], lambda part: absorbed(part, made, arrays)),
        **{name: plain.number(manifest[name]) for name in NUMBERS},
    )
    if from_solved(out)[1].keys() != arrays.keys():
        plain.wrong("no arrays but those of a fit", list(arrays))
    return out


def _solution(obj: object, width: int, arrays: Arrays) -> Solution:
    rss, condition, leverage = map(plain.number, plain.fields(obj, SOLUTION))
    return Solution(
        coefficients=taken(arrays, "solution/coefficients", "float64", (width,)),
        inverse=taken(arrays, "solution/inverse", "float64", (width, width)),
        kept=taken(arrays, "solution/kept", "bool", (width,)),
        null=taken(arrays, "solution/null", "float64", (width, None)),
        rss=rss,
        condition=condition,
        leverage=leverage,
    )


def _from_accuracy(known: Accuracy | None) -> dict[str, object] | None:
    if known is None:
        return None
    numbers = {name: plain.from_number(getattr(known, name)) for name in ("wanted", "rss_digits")}
    return {"tier": known.tier, "reached": known.reached, "doubtful": list(known.doubtful), **numbers}


def _accuracy(obj: object, names: tuple[str, ...], arrays: Arrays) -> Accuracy | None:
    if obj is None:
        return None
    tier, wanted, rss_digits, reached, doubtful = plain.fields(obj, ACCURACY)
    proved = {name: taken(arrays, f"accuracy/{name}", "float64", (len(names),)) for name in PROVED}
    return Accuracy(
        tier=tier if tier in TIERS else plain.wrong(f"one of {', '.join(TIERS)}", tier),
        wanted=_not_negative(wanted),
        rss_digits=_not_negative(rss_digits),
        reached=plain.flag(reached),
        doubtful=plain.texts(doubtful),
        **proved,
    )


def _count(obj: object) -> int:
    return plain.whole(obj, 0, MOST_ROWS)


def _not_negative(obj: object) -> float:
    value = plain.number(obj)
    return value if 0 <= value < float("inf") else plain.wrong("a penalty", obj)


def _of_names(aliased: dict[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return aliased if aliased.keys() <= set(names) else plain.wrong("aliased columns of the model", list(aliased))
