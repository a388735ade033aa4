"""Codec of what a Gram holds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gramian.fit.gram.clusters import TYPES, StoredClusters
from gramian.fit.gram.group_sums import GroupSums
from gramian.fit.gram.moments import AnyMoments
from gramian.fit.gram.provenance import Provenance, ReadInput
from gramian.fit.gram.sums import GramData
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.keys import ByColumns, Folds
from gramian.fit.vcov.cluster_moments import Label
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.linalg.exact.moments import ExactMoments
from gramian.linalg.keyed.moments import Key, ordered
from gramian.linalg.moments import Moments
from gramian.schema import Field, Kind
from gramian.serialize.codec import Codec, mapping, sequence, tuple_of, wrong
from gramian.serialize.design import DESIGN_OF_MANY, DROPPED, DROPPED_ROWS
from gramian.serialize.exact_moments import exact_moments
from gramian.serialize.moments import ROUNDING, SYMMETRY_TOLERANCE, gram_moments
from gramian.serialize.record import at, fixed, record
from gramian.serialize.values import LEVEL, LEVELS, MAX_SIZE, SIZE, TEXT, codes, finite, integer

FLOAT, EXACT = "float64", "exact"
STORED_AS = {"date32[day]": pa.int32()}  # types whose values are written in another one


class TimesRead(NamedTuple):
    """An input, and how often it was read; negative where it was taken away."""

    read: ReadInput
    times: int


def _provenance(inputs: tuple[TimesRead, ...]) -> Provenance:
    multiplicity = dict(inputs)
    return Provenance(multiplicity) if len(multiplicity) == len(inputs) else wrong("inputs that differ", inputs)


KIND = at("kind", TEXT.convert(lambda kind: kind.value, Kind))
FIELD = record(Field, "name", KIND, "type", at("levels", LEVELS.optional()))
TIMES_READ = record(
    TimesRead,
    "name=read.name size=read.size units=read.units rows=read.rows sha256=read.sha256",
    at("identity=read.identity", TEXT.optional(), absent=None),
    at("times", integer(-MAX_SIZE, MAX_SIZE).checked(bool, "how often it was read")),
)
PROVENANCE = sequence(TIMES_READ).convert(
    lambda inputs: [TimesRead(*i) for i in inputs.multiplicity.items()], _provenance
)


def _arrow(names: tuple[Any, ...]) -> Any:
    kind, values = names
    if kind not in TYPES:
        wrong("the type of what names clusters", kind)
    arrow = pa.type_for_alias(kind)
    return pa.array(values, STORED_AS.get(kind, arrow)).cast(arrow)


CLUSTER_NAMES = tuple_of(TEXT, sequence(LEVEL).distinct("clusters that differ")).convert(
    lambda names: (str(names.type), names.cast(STORED_AS.get(str(names.type), names.type)).to_pylist()), _arrow
)


def _are_products(products: NDArray[np.float64]) -> bool:
    size = np.abs(products).max(initial=0.0)
    squares, halves = np.diagonal(products, axis1=1, axis2=2), np.abs(products - products.transpose(0, 2, 1))
    return not ((squares < -ROUNDING * size).any() or (halves > SYMMETRY_TOLERANCE * size).any())


def _clusters(design: Design) -> Codec[StoredClusters]:
    """Products by cluster of what this design stores."""
    known = {name: set(values) for name, values in (design.levels or {}).items()}
    variables = {v for m in design.layout.rows for v, _ in m}

    def is_stored(label: Label) -> bool:
        cell, monomial = label
        return all(level in known.get(f, ()) for f, level in cell) and {v for v, _ in monomial} <= variables

    def check(stored: StoredClusters) -> None:
        by, moments = stored.by, stored.moments
        names, cells = moments.clusters.names, moments.clusters.cells
        if (
            not by
            or not len(by) == len(set(by)) == len(names) == cells.shape[1]
            or len(np.unique(cells, axis=0)) < len(cells)
        ):
            wrong("clusters that differ", by)
        if any((code >= len(values)).any() for code, values in zip(cells.T, names, strict=True)):
            wrong("codes of the values that name clusters", cells)
        if not len(moments.labels) == len(set(moments.labels)) == moments.products.shape[1] or not all(
            map(is_stored, moments.labels)
        ):
            wrong("stored columns, each once", len(moments.labels))
        if not (moments.counts >= 0).all() or moments.counts.sum() != moments.rows:
            wrong(f"{moments.rows} rows in the clusters", moments.counts.sum())

    products = finite("products", "clusters", "columns", "columns")
    symmetric = products.checked(_are_products, "symmetric products with squares that are not negative")
    return record(
        StoredClusters,
        "by",
        at("names=moments.clusters.names", sequence(CLUSTER_NAMES)),
        "labels=moments.labels rows=moments.rows",
        at("cells[]=moments.clusters.cells", codes("cells", MAX_SIZE, "clusters", "by")),
        at("products[]=moments.products", symmetric),
        "counts[clusters]=moments.counts",
        fixed("moments.loss", 0.0),
        fixed("moments.null_clusters", 0),
        check=check,
    )


def _group_sums(design: Design) -> Codec[GroupSums]:
    """The sums of every fold or group of what this design stores, the arrays of each under a name of its own."""

    def parts(i: int) -> Codec[Moments]:
        return gram_moments(design, every_level=False).under(f"key-{i}/")

    def moments(sums: GroupSums) -> list[Moments]:
        return [part.moments.with_levels(design.levels or {}) for part in sums.parts.values()]

    def make(folds: int | None, by: tuple[str, ...] | None, keys: tuple[Key, ...], **parts: Any) -> GroupSums:
        if (folds is None) == (by is None):
            wrong("either folds or groups", folds)
        if folds is not None and keys != tuple((i,) for i in range(folds)):
            wrong(f"{folds} folds by number", keys[:3])
        grouping = ByColumns(by) if folds is None else Folds(folds)  # type: ignore[arg-type]  # one of them is None
        if not keys or {len(key) for key in keys} != {len(grouping.names)} or ordered(set(keys)) != keys:
            wrong("groups in order, each once", keys[:3])
        sums = map(Accumulated, parts["sums"], parts["dropped_rows"])
        return GroupSums(grouping, dict(zip(keys, sums, strict=True)), parts["ungrouped"])

    def dropped_rows(sums: GroupSums) -> list[DroppedRows]:
        return [part.dropped_rows for part in sums.parts.values()]

    return record(
        GroupSums,
        at("folds", integer(2, MAX_SIZE).optional(), of=lambda sums: sums.grouping.cycle),
        at("by", of=lambda sums: sums.grouping.names if sums.grouping.cycle is None else None),
        at("keys", of=lambda sums: sums.parts),
        at("sums", lambda read: sequence(parts, len(read.keys)), of=moments),
        at("dropped_rows", lambda read: sequence(DROPPED_ROWS, len(read.keys)), of=dropped_rows),
        at("nowhere=ungrouped", DROPPED_ROWS),
        make=make,
    )


def _moments(read: Any) -> Codec[AnyMoments | None]:
    """Exact or other moments; none where there are those of folds or groups, whose sum they are."""
    design, exact = read.design, read.arithmetic == EXACT
    if not exact and read.arithmetic != FLOAT:
        wrong("an arithmetic", read.arithmetic)
    variables = {*design.terms.variables, *design.outcome}
    moments: Codec[Any] = gram_moments(design)
    if exact:
        moments = exact_moments(design.layout, variables, design.levels or {})
    return moments.optional()


def _total(group_sums: GroupSums, design: Design, dropped_rows: DroppedRows) -> Moments:
    """The sums over all folds or groups, which are those of the Gram."""
    total, levels = group_sums.total, design.levels or {}
    if {name: tuple(values) for name, values in total.moments.levels.items()} != levels:
        wrong("rows of every level in some fold or group", list(total.moments.levels))
    if (total.dropped_rows.by_cause, total.dropped_rows.by_column) != (dropped_rows.by_cause, dropped_rows.by_column):
        wrong("rows left out that add up over the folds or groups", dict(dropped_rows.causes))
    return total.moments


def _gram_data(arithmetic: str, moments: AnyMoments | None, group_sums: GroupSums | None, **parts: Any) -> GramData:
    if group_sums is not None and (arithmetic != FLOAT or moments is not None):
        wrong("float64 sums of every fold or group in place of the whole", arithmetic)
    if group_sums is not None:
        moments = _total(group_sums, parts["design"], parts["dropped_rows"])
    if moments is None:
        wrong("sums", moments)
    out = GramData(moments=moments, group_sums=group_sums, **parts)
    if out.clusters is not None and out.clusters.moments.rows != moments.rows:
        wrong(f"{moments.rows} rows in the clusters", out.clusters.moments.rows)
    if len({field.name for field in out.schema.fields}) != len(out.schema.fields):
        wrong("columns that differ", out.schema.names)
    if not set(out.design.columns) <= {*out.schema.names, out.design.weight, out.design.count}:
        wrong("all columns of the design", out.schema.names)
    return out


GRAM_DATA: Codec[GramData] = record(
    GramData,
    at("arithmetic", of=lambda data: EXACT if isinstance(data.moments, ExactMoments) else FLOAT),
    at("design", DESIGN_OF_MANY),
    at("schema=schema.fields", sequence(FIELD)),
    at("matrices=schema.matrices", mapping(SIZE)),
    at("moments", _moments, of=lambda data: data.moments if data.group_sums is None else None),
    DROPPED,
    at("inputs=provenance", PROVENANCE),
    at("apart=group_sums", lambda read: _group_sums(read.design), absent=None),
    at("clusters", lambda read: _clusters(read.design).under("clusters/"), absent=None),
    make=_gram_data,
)
