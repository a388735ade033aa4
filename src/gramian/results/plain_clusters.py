"""Products by cluster as plain JSON with arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gramian.fit.cluster_names import Clusters
from gramian.fit.clusters import ClusterMoments, Label
from gramian.fit.stored_clusters import StoredClusters
from gramian.fit.sums import AnyMoments
from gramian.results import plain
from gramian.results.plain_design import Arrays, codes, taken
from gramian.results.plain_moments import ALIKE

CONTENT = ("by", "names", "labels", "rows")
CELLS, PRODUCTS, COUNTS = (f"clusters/{name}" for name in ("cells", "products", "counts"))
ROUNDING = 1e-6  # of the largest product: what is less below zero is left of what was taken away
TYPES: Mapping[str, Any] = {
    "int64": pa.int64(),
    "double": pa.float64(),
    "large_string": pa.large_string(),
    "bool": pa.bool_(),
    "date32[day]": pa.date32(),
}
PLAIN = {"date32[day]": pa.int32()}  # types whose values are told in another one


def from_clusters(stored: StoredClusters) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """Manifest and arrays."""
    kept = stored.keyed
    values = (
        list(stored.by),
        [_from_names(names) for names in kept.clusters.names],
        [[[[f, plain.from_level(level)] for f, level in cell], [list(p) for p in m]] for cell, m in kept.labels],
        kept.rows,
    )
    arrays = {CELLS: kept.clusters.cells, PRODUCTS: kept.products, COUNTS: kept.counts}
    return dict(zip(CONTENT, values, strict=True)), arrays


def clusters(obj: object, moments: AnyMoments, arrays: Arrays) -> StoredClusters:
    """What `from_clusters` wrote, beside these moments; ValueError for anything else."""
    by, names, labels, rows = plain.fields(obj, CONTENT)
    columns = plain.texts(by)
    values = tuple(map(_names, plain.sequence(names, len(columns))))
    known = _labels(labels, moments)
    cells = codes(arrays, CELLS, (None, len(columns)), max((len(v) for v in values), default=0))
    if not columns or len(set(columns)) < len(columns) or len(np.unique(cells, axis=0)) < len(cells):
        plain.wrong("clusters that differ", columns)
    if any((code >= len(v)).any() for code, v in zip(cells.T, values, strict=True)):
        plain.wrong("codes of the values that name clusters", CELLS)
    counts = taken(arrays, COUNTS, "float64", (len(cells),))
    if plain.whole(rows, 0, 2**63) != moments.rows or not (counts >= 0).all() or counts.sum() != moments.rows:
        plain.wrong(f"{moments.rows} rows in the clusters", rows)
    products = _products(arrays, len(cells), len(known))
    return StoredClusters(columns, ClusterMoments(Clusters(values, cells), known, products, counts, rows, 0.0, 0))


def _products(arrays: Arrays, count: int, width: int) -> NDArray[np.float64]:
    out = taken(arrays, PRODUCTS, "float64", (count, width, width))
    if not np.isfinite(out).all():
        plain.wrong("finite products", "other ones")
    size = np.abs(out).max(initial=0.0)
    diagonal = np.diagonal(out, axis1=1, axis2=2)
    if (diagonal < -ROUNDING * size).any() or (np.abs(out - out.transpose(0, 2, 1)) > ALIKE * size).any():
        plain.wrong("symmetric products with squares that are not negative", "other ones")
    return out


def _labels(obj: object, moments: AnyMoments) -> tuple[Label, ...]:
    levels = {name: set(known) for name, known in moments.levels.items()}

    def cell(part: object) -> tuple[Any, ...]:
        out = tuple(plain.pairs(part, plain.text, plain.level))
        if any(level not in levels.get(f, ()) for f, level in out):
            plain.wrong("levels of factors", part)
        return out

    out = tuple(plain.pairs(obj, cell, plain.monomial))
    known = {v for m in moments.layout.rows for v, _ in m}
    if len(set(out)) < len(out) or any(v not in known for _, m in out for v, _ in m):
        plain.wrong("stored columns, each once", len(out))
    return out


def _from_names(names: Any) -> list[object]:
    told = names.cast(PLAIN.get(str(names.type), names.type))
    return [str(names.type), [plain.from_level(value) for value in told.to_pylist()]]


def _names(obj: object) -> Any:
    kind, levels = plain.sequence(obj, 2)
    if plain.text(kind) not in TYPES:
        plain.wrong("the type of what names clusters", kind)
    values = [plain.level(level) for level in plain.sequence(levels)]
    if len(set(values)) < len(values):
        plain.wrong("clusters that differ", len(values))
    return pa.array(values, PLAIN.get(kind, TYPES[kind])).cast(TYPES[kind])
