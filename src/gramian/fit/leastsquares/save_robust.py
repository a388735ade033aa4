"""Robust covariances as plain JSON with arrays, and back."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from gramian.fit.leastsquares.solution import RobustCovariance
from gramian.inference.estimators import CR, HC
from gramian.inference.recipes import VcovSpec
from gramian.inference.small_sample import LIKE
from gramian.serialize import values as plain
from gramian.serialize.design import MAX_SIZE, Arrays, read_array

CONTENT = ("kind", "clusters", "like", "factor", "df", "groups", "negative")
ARRAYS = ("robust/inner", "robust/told")
MAX_COUNT = 2**63


def robust_to_json(robust: RobustCovariance | None) -> tuple[dict[str, object] | None, dict[str, NDArray[Any]]]:
    """Manifest and arrays; nothing for none."""
    if robust is None:
        return None, {}
    vcov = robust.vcov
    factor, df = plain.number_to_json(robust.factor), plain.number_to_json(robust.df)
    values = (vcov.kind, list(vcov.clusters), vcov.like, factor, df, list(robust.groups), robust.negative)
    return dict(zip(CONTENT, values, strict=True)), dict(
        zip(ARRAYS, (robust.solved_covariance, robust.covariance), strict=True)
    )


def robust_from_json(obj: object, width: int, arrays: Arrays) -> RobustCovariance | None:
    """What `from_robust` wrote, for `width` columns; ValueError for anything else."""
    if obj is None:
        return None
    kind, clusters, like, factor, df, groups, negative = plain.fields(obj, CONTENT)
    solved_covariance, covariance = (read_array(arrays, name, "float64", (width, width)) for name in ARRAYS)
    counts = tuple(plain.integer(n, 2, MAX_COUNT) for n in plain.sequence(groups))
    columns = plain.texts(clusters)
    if plain.text(kind) not in (CR if columns else HC) or len(counts) != len(columns):
        plain.wrong("a kind of covariance with a number of clusters for each column", kind)
    if like is not None and plain.text(like) not in LIKE:
        plain.wrong("the name of a convention", like)
    vcov = VcovSpec(kind, columns, like)
    return RobustCovariance(
        vcov,
        solved_covariance,
        covariance,
        plain.number_from_json(factor),
        plain.number_from_json(df),
        counts,
        plain.integer(negative, 0, MAX_SIZE),
    )
