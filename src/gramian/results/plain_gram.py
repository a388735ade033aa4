"""What a Gram holds as plain JSON with arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from gramian.fit.apart import Apart
from gramian.fit.gathered import Gathered
from gramian.fit.ledger import Ledger, Read
from gramian.fit.sums import AnyMoments
from gramian.formula.design import Design
from gramian.formula.tally import Tally
from gramian.linalg.exact.moments import ExactMoments
from gramian.results import plain
from gramian.results.plain_apart import apart, from_apart
from gramian.results.plain_clusters import clusters, from_clusters
from gramian.results.plain_design import WIDEST, Arrays, design, distinct_levels, from_design
from gramian.results.plain_exact import exact, from_exact
from gramian.results.plain_sums import MOST_ROWS, from_sums, read_sums
from gramian.schema import Field, Kind, Schema

FLOAT, EXACT = "float64", "exact"
CONTENT = ("arithmetic", "design", "schema", "matrices", "moments", "dropped_rows", "missing", "inputs")
KEPT = ("apart", "clusters")  # only where there are such sums
FIELD = ("name", "kind", "type", "levels")
READ = ("name", "size", "units", "rows", "sha256", "times")


def from_gathered(gathered: Gathered) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """Manifest and arrays. Sums that are kept apart stand in place of the whole, which is their sum."""
    held = gathered.moments
    manifest: dict[str, object] = {
        "arithmetic": EXACT if isinstance(held, ExactMoments) else FLOAT,
        "design": from_design(gathered.design),
        "schema": [_from_field(field) for field in gathered.schema.fields],
        "matrices": dict(gathered.schema.matrices),
        "moments": None,
        "dropped_rows": dict(gathered.tally.causes),
        "missing": dict(gathered.tally.columns),
        "inputs": [_from_read(read, times) for read, times in gathered.ledger.times.items()],
    }
    arrays: dict[str, NDArray[Any]] = {}
    if gathered.apart is not None:
        manifest["apart"], arrays = from_apart(gathered.apart, held.levels)
    else:
        manifest["moments"], arrays = from_exact(held) if isinstance(held, ExactMoments) else from_sums(held)
    if gathered.clusters is not None:
        manifest["clusters"], more = from_clusters(gathered.clusters)
        arrays |= more
    return manifest, arrays


def gathered(manifest: Mapping[str, Any], arrays: Arrays) -> Gathered:
    """What `from_gathered` wrote; ValueError for anything else."""
    plain.fields(manifest, (*CONTENT, *(name for name in KEPT if name in manifest)))
    made = design(manifest["design"], several=True)
    matrices = plain.mapping(manifest["matrices"], lambda k: plain.whole(k, 0, WIDEST))
    schema = Schema(tuple(_field(part) for part in plain.sequence(manifest["schema"])), matrices)
    tally = Tally(plain.mapping(manifest["dropped_rows"], _count), plain.mapping(manifest["missing"], _count))
    kept = _apart(manifest, made, tally, arrays)
    sums = _moments(manifest["arithmetic"], manifest["moments"], made, arrays) if kept is None else kept.total.moments
    by = clusters(manifest["clusters"], sums, arrays) if "clusters" in manifest else None
    out = Gathered(made, schema, sums, tally, _ledger(manifest["inputs"]), kept, by)
    if len({f.name for f in schema.fields}) != len(schema.fields):
        plain.wrong("columns that differ", schema.names)
    if not set(made.columns) <= {*schema.names, made.weight, made.count}:
        plain.wrong("all columns of the design", schema.names)
    if from_gathered(out)[1].keys() != arrays.keys():
        plain.wrong("no arrays but those of a Gram", list(arrays))
    return out


def _apart(manifest: Mapping[str, Any], made: Design, tally: Tally, arrays: Arrays) -> Apart | None:
    if "apart" not in manifest:
        return None
    if manifest["arithmetic"] != FLOAT or manifest["moments"] is not None:
        plain.wrong("float64 sums of every fold or group in place of the whole", manifest["arithmetic"])
    kept = apart(manifest["apart"], made, arrays)
    whole = kept.total
    if whole.moments.levels.keys() != (made.levels or {}).keys() or any(
        tuple(known) != tuple(made.levels[name]) for name, known in whole.moments.levels.items() if made.levels
    ):
        plain.wrong("rows of every level in some fold or group", list(whole.moments.levels))
    if (_told(whole.tally.causes), _told(whole.tally.columns)) != (_told(tally.causes), _told(tally.columns)):
        plain.wrong("rows left out that add up over the folds or groups", dict(tally.causes))
    return kept


def _told(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: n for name, n in counts.items() if n}


def _moments(arithmetic: object, obj: object, made: Design, arrays: Arrays) -> AnyMoments:
    levels = made.levels or {}
    match arithmetic:
        case "float64":
            return read_sums(obj, made.layout, made.coordinates, levels, made.terms.power_sums(), arrays)
        case "exact":
            return exact(obj, made.layout, {*made.terms.variables, *made.outcome}, levels, arrays)
    return plain.wrong("an arithmetic", arithmetic)


def _from_field(field: Field) -> dict[str, object]:
    levels = None if field.levels is None else [plain.from_level(level) for level in field.levels]
    return dict(zip(FIELD, (field.name, field.kind.value, field.type, levels), strict=True))


def _field(obj: object) -> Field:
    name, kind, text, levels = plain.fields(obj, FIELD)
    return Field(plain.text(name), Kind(plain.text(kind)), plain.text(text), plain.optional(levels, distinct_levels))


def _from_read(read: Read, times: int) -> dict[str, object]:
    return {**{name: getattr(read, name) for name in READ[:-1]}, "times": times}


def _ledger(obj: object) -> Ledger:
    pairs = [_read(part) for part in plain.sequence(obj)]
    times = dict(pairs)
    return Ledger(times) if len(times) == len(pairs) else plain.wrong("inputs that differ", obj)


def _read(obj: object) -> tuple[Read, int]:
    name, size, units, rows, sha256, times = plain.fields(obj, READ)
    size, units, rows = (plain.optional(value, _count) for value in (size, units, rows))
    read = Read(plain.text(name), size, units, rows, plain.optional(sha256, plain.text))
    number = plain.whole(times, -WIDEST, WIDEST)
    return read, number or plain.wrong("how often it was read", times)


def _count(obj: object) -> int:
    return plain.whole(obj, 0, MOST_ROWS)
