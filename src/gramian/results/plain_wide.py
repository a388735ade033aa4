"""Wide fits as plain JSON with arrays and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gramian.fit.wide.design import Whole, WideDesign
from gramian.fit.wide.solved import DUAL, ITERATIVE, WideAccuracy, WideSolved
from gramian.formula.tally import Tally
from gramian.results import plain
from gramian.results.plain_design import Arrays, design, from_design

VECTORS = ("coefficients", "std_errors", "identified", "origin")
NUMBERS = ("level", "weight", "rss", "tss", "effective", "condition")
COUNTS = ("rows", "rank", "passes")
CONTENT = ("design", "matrices", "aliased", "alpha", "dropped_rows", "missing", "why", "accuracy", *NUMBERS, *COUNTS)
ACCURACY = ("tier", "wanted", "reached", "steps", "least", "careful")
MOST = 2**53


def from_wide(solved: WideSolved) -> tuple[dict[str, Any], dict[str, Any]]:
    """Manifest and arrays."""
    known, matrices = solved.accuracy, solved.design.matrices
    arrays = {name: getattr(solved, name) for name in VECTORS} | {"digits": known.digits}
    arrays |= {f"places/{i}": m.places for i, m in enumerate(matrices) if m.places is not None}
    manifest = {
        "design": from_design(solved.design.narrow),
        "matrices": [[m.name, m.width, m.places is not None] for m in matrices],
        "aliased": dict(solved.aliased),
        "alpha": solved.alpha,
        "dropped_rows": dict(solved.tally.causes),
        "missing": dict(solved.tally.columns),
        "why": list(solved.why),
        "accuracy": [
            known.tier, plain.from_number(known.wanted), known.reached, known.steps, plain.from_number(known.least),
            known.careful,
        ],
        **{name: plain.from_number(getattr(solved, name)) for name in NUMBERS},
        **{name: int(getattr(solved, name)) for name in COUNTS},
    }  # fmt: skip
    return manifest, arrays


def wide(manifest: Mapping[str, Any], arrays: Arrays) -> WideSolved:
    """What `from_wide` wrote; ValueError for anything else."""
    plain.fields(manifest, CONTENT)
    matrices = tuple(_matrix(obj, i, arrays) for i, obj in enumerate(plain.sequence(manifest["matrices"])))
    whole = WideDesign(design(manifest["design"]), matrices)
    names = whole.names
    numbers: dict[str, Any] = {name: plain.number(manifest[name]) for name in NUMBERS}
    numbers |= {name: plain.whole(manifest[name], 0, MOST) for name in COUNTS}
    vectors: dict[str, Any] = {name: arrays[name] for name in VECTORS}
    for name in (*VECTORS, "digits"):
        kind, size = bool if name == "identified" else np.float64, len(names) - (name == "origin" and whole.intercept)
        if arrays[name].shape != (size,) or arrays[name].dtype != kind:
            plain.wrong(f"{size} values '{name}'", f"{arrays[name].dtype} {arrays[name].shape}")
    causes, missing = (
        plain.mapping(manifest[name], lambda n: plain.whole(n, 0, MOST)) for name in ("dropped_rows", "missing")
    )
    return WideSolved(
        formula=whole.narrow.formula,
        design=whole,
        names=names,
        aliased=plain.mapping(manifest["aliased"], plain.text),
        tally=Tally(causes, missing),
        alpha=plain.optional(manifest["alpha"], plain.number),
        accuracy=_accuracy(manifest["accuracy"], arrays),
        why=plain.texts(manifest["why"]),
        **vectors,
        **numbers,
    )


def _matrix(obj: object, i: int, arrays: Arrays) -> Whole:
    name, width, some = plain.sequence(obj, 3)
    places: Any = arrays[f"places/{i}"] if plain.flag(some) else None
    if places is not None and (places.dtype != np.int64 or places.shape != (width,) or (places < 0).any()):
        plain.wrong("places of columns", places.shape)
    return Whole(plain.text(name), plain.whole(width, 0, MOST), places)


def _accuracy(obj: object, arrays: Arrays) -> WideAccuracy:
    tier, wanted, reached, steps, least, careful = plain.sequence(obj, len(ACCURACY))
    if tier not in (ITERATIVE, DUAL):
        plain.wrong("a solver", tier)
    digits: Any = arrays["digits"]
    return WideAccuracy(
        tier, plain.number(wanted), digits, plain.flag(reached), plain.whole(steps, 0, MOST), plain.number(least),
        plain.flag(careful),
    )  # fmt: skip
