"""What a Gram holds as plain JSON with arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from gramian.fit.gram.group_sums import GroupSums
from gramian.fit.gram.moments import AnyMoments
from gramian.fit.gram.provenance import Provenance, ReadInput
from gramian.fit.gram.save_clusters import clusters_from_json, clusters_to_json
from gramian.fit.gram.save_groups import group_sums_from_json, group_sums_to_json
from gramian.fit.gram.sums import GramData
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.linalg.exact.moments import ExactMoments
from gramian.schema import Field, Kind, Schema
from gramian.serialize import values as plain
from gramian.serialize.design import MAX_SIZE, Arrays, design_from_json, design_to_json, distinct_levels
from gramian.serialize.exact_moments import exact_from_json, exact_to_json
from gramian.serialize.sums import MAX_ROWS, sums_from_json, sums_to_json

FLOAT, EXACT = "float64", "exact"
CONTENT = ("arithmetic", "design", "schema", "matrices", "moments", "dropped_rows", "missing", "inputs")
OPTIONAL = ("apart", "clusters")  # only where there are such sums
FIELD = ("name", "kind", "type", "levels")
READ = ("name", "size", "units", "rows", "sha256", "times")


def gram_to_json(gram_data: GramData) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """Manifest and arrays. Sums that are kept apart stand in place of the whole, which is their sum."""
    moments = gram_data.moments
    manifest: dict[str, object] = {
        "arithmetic": EXACT if isinstance(moments, ExactMoments) else FLOAT,
        "design": design_to_json(gram_data.design),
        "schema": [_field_to_json(field) for field in gram_data.schema.fields],
        "matrices": dict(gram_data.schema.matrices),
        "moments": None,
        "dropped_rows": dict(gram_data.dropped_rows.causes),
        "missing": dict(gram_data.dropped_rows.columns),
        "inputs": [
            _input_to_json(read, multiplicity) for read, multiplicity in gram_data.provenance.multiplicity.items()
        ],
    }
    arrays: dict[str, NDArray[Any]] = {}
    if gram_data.group_sums is not None:
        manifest["apart"], arrays = group_sums_to_json(gram_data.group_sums, moments.levels)
    else:
        manifest["moments"], arrays = (
            exact_to_json(moments) if isinstance(moments, ExactMoments) else sums_to_json(moments)
        )
    if gram_data.clusters is not None:
        manifest["clusters"], more = clusters_to_json(gram_data.clusters)
        arrays |= more
    return manifest, arrays


def gram_from_json(manifest: Mapping[str, Any], arrays: Arrays) -> GramData:
    """What `from_gathered` wrote; ValueError for anything else."""
    plain.fields(manifest, (*CONTENT, *(name for name in OPTIONAL if name in manifest)))
    gram_design = design_from_json(manifest["design"], multiple_outcomes=True)
    matrices = plain.mapping(manifest["matrices"], lambda k: plain.integer(k, 0, MAX_SIZE))
    schema = Schema(tuple(_field_from_json(part) for part in plain.sequence(manifest["schema"])), matrices)
    dropped_rows = DroppedRows(
        plain.mapping(manifest["dropped_rows"], _count), plain.mapping(manifest["missing"], _count)
    )
    group_sums = _group_sums_from_json(manifest, gram_design, dropped_rows, arrays)
    sums = (
        _moments(manifest["arithmetic"], manifest["moments"], gram_design, arrays)
        if group_sums is None
        else group_sums.total.moments
    )
    by = clusters_from_json(manifest["clusters"], sums, arrays) if "clusters" in manifest else None
    out = GramData(gram_design, schema, sums, dropped_rows, _provenance_from_json(manifest["inputs"]), group_sums, by)
    if len({f.name for f in schema.fields}) != len(schema.fields):
        plain.wrong("columns that differ", schema.names)
    if not set(gram_design.columns) <= {*schema.names, gram_design.weight, gram_design.count}:
        plain.wrong("all columns of the design", schema.names)
    if gram_to_json(out)[1].keys() != arrays.keys():
        plain.wrong("no arrays but those of a Gram", list(arrays))
    return out


def _group_sums_from_json(
    manifest: Mapping[str, Any], gram_design: Design, dropped_rows: DroppedRows, arrays: Arrays
) -> GroupSums | None:
    if "apart" not in manifest:
        return None
    if manifest["arithmetic"] != FLOAT or manifest["moments"] is not None:
        plain.wrong("float64 sums of every fold or group in place of the whole", manifest["arithmetic"])
    group_sums = group_sums_from_json(manifest["apart"], gram_design, arrays)
    total = group_sums.total
    if total.moments.levels.keys() != (gram_design.levels or {}).keys() or any(
        tuple(names) != tuple(gram_design.levels[name])
        for name, names in total.moments.levels.items()
        if gram_design.levels
    ):
        plain.wrong("rows of every level in some fold or group", list(total.moments.levels))
    if (_nonzero(total.dropped_rows.causes), _nonzero(total.dropped_rows.columns)) != (
        _nonzero(dropped_rows.causes),
        _nonzero(dropped_rows.columns),
    ):
        plain.wrong("rows left out that add up over the folds or groups", dict(dropped_rows.causes))
    return group_sums


def _nonzero(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: n for name, n in counts.items() if n}


def _moments(arithmetic: object, obj: object, gram_design: Design, arrays: Arrays) -> AnyMoments:
    levels = gram_design.levels or {}
    match arithmetic:
        case "float64":
            return sums_from_json(
                obj, gram_design.layout, gram_design.coordinates, levels, gram_design.terms.power_sums(), arrays
            )
        case "exact":
            return exact_from_json(
                obj, gram_design.layout, {*gram_design.terms.variables, *gram_design.outcome}, levels, arrays
            )
    return plain.wrong("an arithmetic", arithmetic)


def _field_to_json(field: Field) -> dict[str, object]:
    levels = None if field.levels is None else [plain.level_to_json(level) for level in field.levels]
    return dict(zip(FIELD, (field.name, field.kind.value, field.type, levels), strict=True))


def _field_from_json(obj: object) -> Field:
    name, kind, text, levels = plain.fields(obj, FIELD)
    return Field(plain.text(name), Kind(plain.text(kind)), plain.text(text), plain.optional(levels, distinct_levels))


def _input_to_json(read: ReadInput, multiplicity: int) -> dict[str, object]:
    return {**{name: getattr(read, name) for name in READ[:-1]}, "times": multiplicity}


def _provenance_from_json(obj: object) -> Provenance:
    pairs = [_input_from_json(part) for part in plain.sequence(obj)]
    multiplicity = dict(pairs)
    return Provenance(multiplicity) if len(multiplicity) == len(pairs) else plain.wrong("inputs that differ", obj)


def _input_from_json(obj: object) -> tuple[ReadInput, int]:
    name, size, units, rows, sha256, multiplicity = plain.fields(obj, READ)
    size, units, rows = (plain.optional(value, _count) for value in (size, units, rows))
    read = ReadInput(plain.text(name), size, units, rows, plain.optional(sha256, plain.text))
    number = plain.integer(multiplicity, -MAX_SIZE, MAX_SIZE)
    return read, number or plain.wrong("how often it was read", multiplicity)


def _count(obj: object) -> int:
    return plain.integer(obj, 0, MAX_ROWS)
