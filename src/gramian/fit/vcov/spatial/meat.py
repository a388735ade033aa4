"""Covariances of scores that depend on those of places nearby (Conley): from sums by latitude and longitude."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from gramian.column import raw
from gramian.errors import DataError, NumericalError, SchemaError
from gramian.fit.vcov.clusters import Clusters
from gramian.fit.vcov.spatial.neighbours import Nearness, Places, places, spatial_meat
from gramian.inference.vcov_spec import VcovSpec
from gramian.schema import Kind, Schema
from gramian.typing import Matrix, Vector

LARGEST = (90.0, 360.0)  # latitude and longitude in degrees


def check_coordinates(vcov: VcovSpec, schema: Schema) -> None:
    """Raise SchemaError for coordinates that are not numbers."""
    for column in vcov.clusters:
        if schema[column].kind is not Kind.NUMBER:
            raise SchemaError(
                f"column '{column}' has the type {schema[column].type}: {vcov.kind} needs latitudes and longitudes as "
                "numbers, in degrees"
            )


def meat_by_place(clusters: Clusters, scores: Matrix, vcov: VcovSpec) -> Matrix:
    """The meat (p, p). scores : (c, p) by place.

    Raises
    ------
    DataError
        For latitudes or longitudes that are none.
    NumericalError
        Where all rows are at one place, or all places within the cutoff.
    """
    where = _places(clusters, vcov)
    if len(scores) < 2:
        raise NumericalError(
            f"all rows are at one place by {' and '.join(vcov.clusters)}: {vcov.kind} needs two or more"
        )
    earth = vcov.small_sample.earth
    near = Nearness(vcov.cutoff or 0.0, vcov.kernel, vcov.distance == "triangular", earth.radius, earth.degree)
    meat = spatial_meat(where, scores, near)
    if meat.is_one_group:  # the scores of all rows sum to zero
        raise NumericalError(
            f"all {len(scores):,} places lie within {vcov.cutoff:g} km of each other, so that the covariance is zero: "
            "take a smaller cutoff, or the kernel 'bartlett'"
        )
    return meat.meat


def _places(clusters: Clusters, vcov: VcovSpec) -> Places:
    """The places of clusters by latitude and longitude."""
    return places(*(_degrees(clusters, i, vcov.clusters[i]) for i in range(2)))


def _degrees(clusters: Clusters, i: int, column: str) -> Vector:
    """Latitudes (i = 0) or longitudes (i = 1) of all places. Raises DataError for numbers that are none."""
    names = np.asarray(raw(pc.cast(clusters.names[i], "float64", safe=False)))
    degrees = names[clusters.cells[:, i]]
    outside = degrees[~(np.abs(degrees) <= LARGEST[i])]
    if len(outside):
        what = ("latitudes lie between -90 and 90", "longitudes lie between -360 and 360")[i]
        example = "vcov={'conley': 100, 'lat': 'lat', 'lon': 'lon'}"
        raise DataError(f"column '{column}' has {outside[0]:g}: {what} degrees; name them as in {example}")
    return degrees
