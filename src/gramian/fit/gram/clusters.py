"""Products by cluster that a Gram stores: addition, subtraction, change of names and coordinates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from gramian.errors import DataError, NumericalError, SchemaError
from gramian.fit.vcov.cluster_moments import ClusterMoments, Label, labels_of
from gramian.fit.vcov.clusters import Clusters
from gramian.formula.coordinates import Parametrization
from gramian.linalg.change_coordinates import changes_between, combinations
from gramian.linalg.maps import to_dense
from gramian.linalg.monomials import Coordinate
from gramian.linalg.subset_sums import SubsetPlan
from gramian.serialize.values import ARROW_TYPES
from gramian.typing import Distinct, Level

TYPES = ARROW_TYPES.keys() - {"uint64"}  # of values that name clusters; unsigned ones do not match signed ones


@dataclass(frozen=True, slots=True, eq=False)
class StoredClusters:
    """Products of the stored columns within every cluster.

    Attributes
    ----------
    by : tuple of str
        The columns that make the clusters.
    moments : ClusterMoments
        The clusters, their products and numbers of rows.
    """

    by: Annotated[tuple[str, ...], Distinct("columns that differ")]
    moments: ClusterMoments


def checked(by: tuple[str, ...], keyed: ClusterMoments) -> StoredClusters:
    """The clusters of a pass, checked for a Gram.

    Raises DataError if a cluster is null, SchemaError if it has a type that a file of a Gram does not store.
    """
    if keyed.null_clusters:
        raise DataError(
            f"cluster: {' or '.join(map(repr, by))} is null in {keyed.null_clusters:,} of the rows that are summed, so "
            "they are in no cluster; leave these rows out of the data, or give them a value"
        )
    for column, values in zip(by, keyed.clusters.names, strict=False):
        if str(values.type) not in TYPES:
            raise SchemaError(f"column '{column}' has the type {values.type}; a Gram stores clusters by text, whole "
                              "numbers, booleans or dates")  # fmt: skip
    return StoredClusters(by, keyed)


def add_clusters(a: StoredClusters | None, b: StoredClusters | None) -> StoredClusters | None:
    """The clusters of both, matched by value. Raises SchemaError if they are not by the same columns."""
    _check_same(a, b)
    return None if a is None or b is None else StoredClusters(a.by, a.moments + b.moments)


def subtract_clusters(a: StoredClusters | None, b: StoredClusters | None) -> StoredClusters | None:
    """The clusters of the first without the rows of the second; clusters without rows are removed.

    Raises SchemaError if they are not by the same columns, NumericalError if rows of the second are not in the first.
    """
    _check_same(a, b)
    if a is None or b is None:
        return None
    first, second = a.moments, b.moments
    clusters, positions = first.clusters.merged(second.clusters)
    # merging puts the clusters of the first in front: a larger count means clusters that it does not have
    if clusters.count > first.clusters.count:
        raise NumericalError(
            f"{clusters.count - first.clusters.count:,} clusters by {' and '.join(a.by)} of the second are not in the "
            "first: their rows cannot be subtracted"
        )
    # copies, because results are never changed in place: the first Gram is still in use
    counts, products = first.counts.copy(), first.products.copy()
    if len(positions):
        labels = tuple(dict.fromkeys((*first.labels, *second.labels)))
        products = first.select(labels).copy()
        products[positions] -= second.select(labels)
        first = replace(first, labels=labels)
        counts[positions] -= second.counts
    if counts.min(initial=0.0) < 0:
        raise NumericalError(
            f"{int((counts < 0).sum()):,} clusters by {' and '.join(a.by)} have more rows in the second than in the "
            "first: they are not part of it"
        )
    # counts are exact integers, products are not: only counts tell that a cluster has no rows
    nonempty = np.flatnonzero(counts > 0)
    rows = first.rows - second.rows
    difference = replace(
        first,
        clusters=compact(clusters.take(nonempty)),
        products=products[nonempty],
        counts=counts[nonempty],
        rows=rows,
    )
    return StoredClusters(a.by, difference)


def compact(clusters: Clusters) -> Clusters:
    """Clusters without the values that occur in none of them."""
    names, cells = [], []
    for values, code in zip(clusters.names, clusters.cells.T, strict=True):
        occurring, positions = np.unique(code, return_inverse=True)
        names.append(values.take(occurring))
        cells.append(positions.reshape(-1))
    return Clusters(tuple(names), np.column_stack(cells) if cells else clusters.cells)


def with_levels(stored: StoredClusters | None, levels: Mapping[str, Sequence[Level]]) -> StoredClusters | None:
    """Clusters without the columns of levels that no row has any more. levels : factor -> remaining levels."""
    if stored is None:
        return None
    present = {f: set(names) for f, names in levels.items()}
    # the products of such a column are zero up to rounding, and its level is no longer in the design
    labels = tuple(label for label in stored.moments.labels if all(level in present[f] for f, level in label[0]))
    keyed = replace(stored.moments, labels=labels, products=stored.moments.select(labels))
    return StoredClusters(stored.by, keyed)


def aligned(
    stored: StoredClusters | None,
    plan: SubsetPlan | None,
    old: Mapping[str, Coordinate],
    new: Mapping[str, Coordinate],
) -> StoredClusters | None:
    """Clusters in the names and coordinates of another Gram, products T S T' with T the change of coordinates.

    Parameters
    ----------
    stored : StoredClusters or None
        The clusters; None is returned as it is.
    plan : SubsetPlan or None
        New names of variables and factors -> stored names; None where they are equal.
    old : mapping of str to Coordinate
        Shift and scale of each variable in `stored`, by stored name.
    new : mapping of str to Coordinate
        Shift and scale to change to, by new name.

    Raises
    ------
    NumericalError
        If a product overflows because the coordinates are too different.
    """
    if stored is None:
        return None
    keyed = stored.moments if plan is None else replace(stored.moments, labels=renamed(stored.moments.labels, plan))
    names = {} if plan is None else plan.variables
    changes = changes_between({v: old[names.get(v, v)] for v in new}, new)
    if changes:
        cells = defaultdict(list)
        for i, (cell, _) in enumerate(keyed.labels):
            cells[cell].append(i)
        T = np.zeros((len(keyed.labels), len(keyed.labels)))
        for places in cells.values():
            change = combinations([keyed.labels[i][1] for i in places], changes)
            T[np.ix_(places, places)] = to_dense(change, len(places))
        # a change of coordinates mixes the monomials of one cell only, so T is block diagonal by cell
        with np.errstate(all="ignore"):
            products = T @ keyed.products @ T.T
        if not np.isfinite(products).all():
            raise NumericalError(
                "the magnitudes of columns differ too much between the Grams for their clusters to be added"
            )
        # rounding makes T S T' slightly asymmetric
        keyed = replace(keyed, products=(products + products.transpose(0, 2, 1)) / 2)
    return StoredClusters(stored.by, keyed)


def moments_for(
    cluster_moments: ClusterMoments,
    parametrization: Parametrization,
    names: Mapping[str, tuple[Level, ...]],
    plan: SubsetPlan,
) -> ClusterMoments:
    """The products by cluster of the stored columns that a model needs, in its names.

    Parameters
    ----------
    cluster_moments : ClusterMoments
        The stored products.
    parametrization : Parametrization
        The columns that the model is solved in.
    names : mapping of str to tuple of levels
        Factor -> levels that the codes of the parametrization refer to.
    plan : SubsetPlan
        The model's names of variables and factors -> stored names.

    Raises
    ------
    SchemaError
        If a column was stored only as a part of other terms.
    """
    requested = labels_of(parametrization.groups, names)
    stored_labels = [_label(label, plan.variables, plan.factors) for label in requested]
    available = {(tuple(f for f, _ in cell), m) for cell, m in cluster_moments.labels}
    for (cell, m), (stored, n) in zip(requested, stored_labels, strict=True):
        if (tuple(f for f, _ in stored), n) not in available:
            text = ":".join([*(f for f, _ in cell), *(f"{v.lstrip('~')}^{p}" if p > 1 else v for v, p in m)])
            raise SchemaError(
                f"the clusters store products with {text} only as part of other terms; make the Gram with {text} as a "
                "term of its own"
            )
    return replace(cluster_moments, labels=requested, products=cluster_moments.select(stored_labels))


def renamed(labels: Sequence[Label], plan: SubsetPlan) -> tuple[Label, ...]:
    """Labels of columns from stored names to new ones."""
    variables = {old: new for new, old in plan.variables.items()}
    factors = {old: new for new, old in plan.factors.items()}
    return tuple(_label(label, variables, factors) for label in labels)


def _label(label: Label, variables: Mapping[str, str], factors: Mapping[str, str]) -> Label:
    """A label with other names, its parts sorted so that equal columns have equal labels."""
    cell, m = label
    named = tuple(sorted(((factors.get(f, f), level) for f, level in cell), key=lambda pair: pair[0]))
    return named, tuple(sorted((variables.get(v, v), p) for v, p in m))


def _check_same(a: StoredClusters | None, b: StoredClusters | None) -> None:
    """Raise SchemaError unless both are by the same columns, or both are None."""
    one, other = (() if stored is None else stored.by for stored in (a, b))
    if one != other:
        described = [" and ".join(by) or "none" for by in (one, other)]
        raise SchemaError(
            f"one Gram stores clusters by {described[0]} and the other by {described[1]}: "
            "make both with the same cluster="
        )
