"""Codec of what a Gram holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from gramian.fit.gram.clusters import StoredClusters
from gramian.fit.gram.group_sums import GroupSums
from gramian.fit.gram.provenance import Provenance, ReadInput
from gramian.fit.gram.sums import GramData
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.keys import ByColumns, Folds
from gramian.fit.vcov.cluster_moments import ClusterMoments, Label
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.linalg.exact.moments import ExactMoments
from gramian.linalg.keyed.moments import Key, ordered
from gramian.linalg.moments import Moments
from gramian.schema import Field
from gramian.serialize.codec import Codec, joined, require, rule, sequence
from gramian.serialize.design import DESIGN_OF_MANY, DROPPED, DROPPED_ROWS
from gramian.serialize.exact_moments import exact_moments
from gramian.serialize.moments import NOTHING, ROUNDING, gram_moments
from gramian.serialize.record import at, fixed, record
from gramian.serialize.values import ARROW_VALUES, COUNT, MAX_SIZE, TEXT, cells, integer, products

FLOAT, EXACT = "float64", "exact"
ARITHMETIC = TEXT.checked((FLOAT, EXACT).__contains__, f"{FLOAT} or {EXACT}")


READ_INPUT = record(ReadInput, "name size units rows sha256 ~identity ~ends")
TIMES = integer(-MAX_SIZE, MAX_SIZE).checked(bool, "how often it was read")  # negative where it was taken away
INPUTS = sequence(joined(READ_INPUT, "times", TIMES))
PROVENANCE = INPUTS.checked(lambda pairs: len(dict(pairs)) == len(pairs), "inputs that differ").convert(
    lambda provenance: provenance.multiplicity.items(), lambda pairs: Provenance(dict(pairs)), Provenance
)


def _clusters(design: Design, rows: int) -> Codec[StoredClusters]:
    """Products by cluster of what this design stores, of so many rows."""
    known = {name: set(values) for name, values in (design.levels or {}).items()}
    variables = {v for m in design.layout.rows for v, _ in m}

    def is_stored(label: Label) -> bool:
        cell, monomial = label
        return all(level in known.get(f, ()) for f, level in cell) and {v for v, _ in monomial} <= variables

    def has_all_rows(moments: ClusterMoments) -> bool:
        return bool((moments.counts >= 0).all() and moments.counts.sum() == moments.rows)

    def clusters(read: Any) -> Codec[Any]:
        names = dict(zip(read.by, read.moments.clusters.names, strict=True))
        return cells("cells", read.by, names, "clusters").checked(
            lambda table: names and len(np.unique(table, axis=0)) == len(table), "clusters that differ"
        )

    return record(
        StoredClusters,
        "by[by]",
        at("names[by]=moments.clusters.names", sequence(ARROW_VALUES)),
        "labels[columns]=moments.labels",
        at("rows=moments.rows", COUNT.checked(lambda n: n == rows, f"{rows} rows in the clusters")),
        at("cells[]=moments.clusters.cells", clusters),
        at("products[]=moments.products", products("products", "clusters", "columns", "columns", negative=ROUNDING)),
        "counts[clusters]=moments.counts",
        fixed("moments.loss", 0.0),
        fixed("moments.null_clusters", 0),
        rule(lambda stored: all(map(is_stored, stored.moments.labels)), "stored columns", "moments.labels"),
        rule(lambda stored: has_all_rows(stored.moments), "{0.moments.rows} rows in the clusters", "moments.counts"),
    )


def _group_sums(design: Design) -> Codec[GroupSums]:
    """The sums of every fold or group of what this design stores, the arrays of each under a name of its own."""
    stored = gram_moments(design, every_level=False)

    def moments(sums: GroupSums) -> list[Moments]:
        return [part.moments.with_levels(design.levels or {}) for part in sums.parts.values()]

    def make(folds: int | None, by: tuple[str, ...] | None, keys: tuple[Key, ...], **parts: Any) -> GroupSums:
        require((folds is None) != (by is None), "either folds or groups", folds)
        grouping = ByColumns(by) if folds is None else Folds(folds)  # type: ignore[arg-type]  # one of them is None
        in_order = keys and ordered(set(keys)) == keys and {len(key) for key in keys} == {len(grouping.names)}
        all_folds = not folds or (len(keys) == folds and keys == tuple((i,) for i in range(folds)))
        require(in_order and all_folds, "all folds, or groups, in order, each once", keys[:3])
        sums = map(Accumulated, parts["sums"], parts["dropped_rows"])
        return GroupSums(grouping, dict(zip(keys, sums, strict=True)), parts["ungrouped"])

    return record(
        GroupSums,
        at("folds", integer(2, MAX_SIZE).optional()),
        at("by", of=lambda sums: sums.by or None),
        at("keys[keys]", of=lambda sums: sums.parts),
        at("sums[keys]", sequence(lambda i: stored.under(f"key-{i}/")), of=moments),
        at("dropped_rows[keys]", sequence(DROPPED_ROWS), of=lambda sums: [p.dropped_rows for p in sums.parts.values()]),
        at("nowhere=ungrouped", DROPPED_ROWS),
        make=make,
    )


def _moments(read: Any) -> Codec[Any]:
    """Exact or other moments; nothing where there are those of folds or groups, whose sum they are."""
    design = read.design
    if read.group_sums is not None:
        require(read.arithmetic == FLOAT, "float64 sums of every fold or group in place of the whole", read.arithmetic)
        return NOTHING.convert(lambda moments: None, lambda nothing: _total(read))
    if read.arithmetic == FLOAT:
        return gram_moments(design)
    return exact_moments(design.layout, {*design.terms.variables, *design.outcome}, design.levels or {})


def _total(read: Any) -> Moments:
    """The sums over all folds or groups, which are those of the Gram."""
    total: Accumulated = read.group_sums.total
    levels = read.design.levels or {}
    seen = {name: tuple(values) for name, values in total.moments.levels.items()}
    require(seen == levels, "rows of every level in some fold or group", list(seen))
    rest = total.dropped_rows - DroppedRows(read.dropped_rows.causes, read.dropped_rows.columns)
    require(not {**rest.by_cause, **rest.by_column}, "dropped rows that add up over the folds or groups", rest.causes)
    return total.moments


GRAM_DATA: Codec[GramData] = record(
    GramData,
    at("arithmetic", ARITHMETIC, of=lambda data: EXACT if isinstance(data.moments, ExactMoments) else FLOAT),
    "design schema=schema.fields matrices=schema.matrices",
    DROPPED,
    "inputs=provenance",
    at("~apart=group_sums", lambda read: _group_sums(read.design)),
    at("moments", _moments),
    at("~clusters/", lambda read: _clusters(read.design, read.moments.rows)),
    rule(lambda data: len({*data.schema.names}) == len(data.schema.names), "columns that differ", "schema.names"),
    rule(
        lambda data: {*data.design.columns} <= {*data.schema.names, data.design.weight, data.design.count},
        "all columns of the design",
        "schema.names",
    ),
    make=lambda arithmetic, **parts: GramData(**parts),
    types=[DESIGN_OF_MANY, record(Field, "name kind type levels"), PROVENANCE],
    order="arithmetic design schema matrices moments dropped_rows missing inputs apart clusters",
)
