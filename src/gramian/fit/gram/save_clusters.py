"""Products by cluster as plain JSON with arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gramian.fit.gram.clusters import StoredClusters
from gramian.fit.gram.moments import AnyMoments
from gramian.fit.vcov.cluster_moments import ClusterMoments, Label
from gramian.fit.vcov.clusters import Clusters
from gramian.serialize import values as plain
from gramian.serialize.design import Arrays, codes, read_array
from gramian.serialize.moments import SYMMETRY_TOLERANCE

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
STORED_AS = {"date32[day]": pa.int32()}  # types whose values are told in another one


def clusters_to_json(stored: StoredClusters) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """Manifest and arrays."""
    cluster_moments = stored.moments
    values = (
        list(stored.by),
        [_names_to_json(names) for names in cluster_moments.clusters.names],
        [
            [[[f, plain.level_to_json(level)] for f, level in cell], [list(p) for p in m]]
            for cell, m in cluster_moments.labels
        ],
        cluster_moments.rows,
    )
    arrays = {CELLS: cluster_moments.clusters.cells, PRODUCTS: cluster_moments.products, COUNTS: cluster_moments.counts}
    return dict(zip(CONTENT, values, strict=True)), arrays


def clusters_from_json(obj: object, moments: AnyMoments, arrays: Arrays) -> StoredClusters:
    """What `from_clusters` wrote, beside these moments; ValueError for anything else."""
    by, names, labels, rows = plain.fields(obj, CONTENT)
    columns = plain.texts(by)
    values = tuple(map(_names_from_json, plain.sequence(names, len(columns))))
    stored_labels = _labels_from_json(labels, moments)
    cells = codes(arrays, CELLS, (None, len(columns)), max((len(v) for v in values), default=0))
    if not columns or len(set(columns)) < len(columns) or len(np.unique(cells, axis=0)) < len(cells):
        plain.wrong("clusters that differ", columns)
    if any((code >= len(v)).any() for code, v in zip(cells.T, values, strict=True)):
        plain.wrong("codes of the values that name clusters", CELLS)
    counts = read_array(arrays, COUNTS, "float64", (len(cells),))
    if plain.integer(rows, 0, 2**63) != moments.rows or not (counts >= 0).all() or counts.sum() != moments.rows:
        plain.wrong(f"{moments.rows} rows in the clusters", rows)
    products = _products(arrays, len(cells), len(stored_labels))
    return StoredClusters(
        columns, ClusterMoments(Clusters(values, cells), stored_labels, products, counts, rows, 0.0, 0)
    )


def _products(arrays: Arrays, count: int, width: int) -> NDArray[np.float64]:
    out = read_array(arrays, PRODUCTS, "float64", (count, width, width))
    if not np.isfinite(out).all():
        plain.wrong("finite products", "other ones")
    size = np.abs(out).max(initial=0.0)
    diagonal = np.diagonal(out, axis1=1, axis2=2)
    if (diagonal < -ROUNDING * size).any() or (np.abs(out - out.transpose(0, 2, 1)) > SYMMETRY_TOLERANCE * size).any():
        plain.wrong("symmetric products with squares that are not negative", "other ones")
    return out


def _labels_from_json(obj: object, moments: AnyMoments) -> tuple[Label, ...]:
    levels = {name: set(values) for name, values in moments.levels.items()}

    def cell(part: object) -> tuple[Any, ...]:
        out = tuple(plain.pairs(part, plain.text, plain.level_from_json))
        if any(level not in levels.get(f, ()) for f, level in out):
            plain.wrong("levels of factors", part)
        return out

    out = tuple(plain.pairs(obj, cell, plain.monomial))
    values = {v for m in moments.layout.rows for v, _ in m}
    if len(set(out)) < len(out) or any(v not in values for _, m in out for v, _ in m):
        plain.wrong("stored columns, each once", len(out))
    return out


def _names_to_json(names: Any) -> list[object]:
    storable = names.cast(STORED_AS.get(str(names.type), names.type))
    return [str(names.type), [plain.level_to_json(value) for value in storable.to_pylist()]]


def _names_from_json(obj: object) -> Any:
    kind, levels = plain.sequence(obj, 2)
    if plain.text(kind) not in TYPES:
        plain.wrong("the type of what names clusters", kind)
    values = [plain.level_from_json(level) for level in plain.sequence(levels)]
    if len(set(values)) < len(values):
        plain.wrong("clusters that differ", len(values))
    return pa.array(values, STORED_AS.get(kind, TYPES[kind])).cast(TYPES[kind])
