"""Codec of what a Gram holds."""

from __future__ import annotations

from itertools import starmap
from typing import Annotated, Any, NamedTuple

import numpy as np

from gramian.fit.gram.clusters import StoredClusters
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
from gramian.schema import Field
from gramian.serialize.codec import Codec, require, sequence, wrong
from gramian.serialize.design import DESIGN_OF_MANY, DROPPED, DROPPED_ROWS
from gramian.serialize.exact_moments import exact_moments
from gramian.serialize.moments import ROUNDING, gram_moments
from gramian.serialize.record import at, fixed, record
from gramian.serialize.values import ARROW_VALUES, MAX_SIZE, codes, integer, products

FLOAT, EXACT = "float64", "exact"
Arithmetic = Annotated[str, (FLOAT, EXACT)]


class TimesRead(NamedTuple):
    """An input, and how often it was read; negative where it was taken away."""

    read: ReadInput
    times: int


TIMES_READ = record(
    TimesRead,
    "name=read.name size=read.size units=read.units rows=read.rows sha256=read.sha256",
    at("identity=read.identity", absent=None),
    at("ends=read.ends", absent=None),
    at("times", integer(-MAX_SIZE, MAX_SIZE).checked(bool, "how often it was read")),
)
INPUTS = sequence(TIMES_READ).checked(lambda inputs: len(dict(inputs)) == len(inputs), "inputs that differ")
PROVENANCE = INPUTS.convert(
    lambda inputs: starmap(TimesRead, inputs.multiplicity.items()), lambda read: Provenance(dict(read)), Provenance
)


def _clusters(design: Design) -> Codec[StoredClusters]:
    """Products by cluster of what this design stores."""
    known = {name: set(values) for name, values in (design.levels or {}).items()}
    variables = {v for m in design.layout.rows for v, _ in m}

    def is_stored(label: Label) -> bool:
        cell, monomial = label
        return all(level in known.get(f, ()) for f, level in cell) and {v for v, _ in monomial} <= variables

    def check(stored: StoredClusters) -> None:
        moments, cells = stored.moments, stored.moments.clusters.cells
        require(stored.by and len(np.unique(cells, axis=0)) == len(cells), "clusters that differ", stored.by)
        limits = [len(values) for values in moments.clusters.names]
        require((cells < limits).all(), "codes of the values that name clusters", cells)
        require(all(map(is_stored, moments.labels)), "stored columns", moments.labels)
        in_all = (moments.counts >= 0).all() and moments.counts.sum() == moments.rows
        require(in_all, f"{moments.rows} rows in the clusters", moments.counts)

    return record(
        StoredClusters,
        "by[by]",
        at("names[by]=moments.clusters.names", sequence(ARROW_VALUES)),
        "labels[columns]=moments.labels rows=moments.rows",
        at("cells[]=moments.clusters.cells", codes("cells", MAX_SIZE, "clusters", "by")),
        at("products[]=moments.products", products("products", "clusters", "columns", "columns", negative=ROUNDING)),
        "counts[clusters]=moments.counts",
        fixed("moments.loss", 0.0),
        fixed("moments.null_clusters", 0),
        check=check,
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
    """Exact or other moments; none where there are those of folds or groups, whose sum they are."""
    if read.arithmetic != EXACT:
        return gram_moments(read.design).optional()
    variables = {*read.design.terms.variables, *read.design.outcome}
    return exact_moments(read.design.layout, variables, read.design.levels or {}).optional()


def _total(group_sums: GroupSums, design: Design, dropped_rows: DroppedRows) -> Moments:
    """The sums over all folds or groups, which are those of the Gram."""
    total, levels = group_sums.total, design.levels or {}
    seen = {name: tuple(values) for name, values in total.moments.levels.items()}
    require(seen == levels, "rows of every level in some fold or group", list(seen))
    counts = [(rows.by_cause, rows.by_column) for rows in (total.dropped_rows, dropped_rows)]
    require(counts[0] == counts[1], "dropped rows that add up over the folds or groups", dict(dropped_rows.causes))
    return total.moments


def _data(arithmetic: Arithmetic, moments: AnyMoments | None, group_sums: GroupSums | None, **parts: Any) -> GramData:
    if group_sums is not None:
        whole = arithmetic == FLOAT and moments is None
        require(whole, "float64 sums of every fold or group in place of the whole", arithmetic)
        moments = _total(group_sums, parts["design"], parts["dropped_rows"])
    if moments is None:
        wrong("sums", moments)
    out = GramData(moments=moments, group_sums=group_sums, **parts)
    rows = moments.rows if out.clusters is None else out.clusters.moments.rows
    require(rows == moments.rows, f"{moments.rows} rows in the clusters", rows)
    names, design = out.schema.names, out.design
    require(len(set(names)) == len(names), "columns that differ", names)
    require({*design.columns} <= {*names, design.weight, design.count}, "all columns of the design", names)
    return out


GRAM_DATA: Codec[GramData] = record(
    GramData,
    at("arithmetic", of=lambda data: EXACT if isinstance(data.moments, ExactMoments) else FLOAT),
    "design schema=schema.fields matrices=schema.matrices",
    at("moments", _moments, of=lambda data: data.moments if data.group_sums is None else None),
    DROPPED,
    "inputs=provenance",
    at("apart=group_sums", lambda read: _group_sums(read.design), absent=None),
    at("clusters/", lambda read: _clusters(read.design), absent=None),
    make=_data,
    types=[DESIGN_OF_MANY, record(Field, "name kind type levels"), PROVENANCE],
)
