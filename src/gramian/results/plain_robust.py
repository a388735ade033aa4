"""Robust covariances as plain JSON with arrays, and back."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from gramian.fit.solved import Robust
from gramian.inference.recipes import CR, HC, LIKE, Recipe
from gramian.results import plain
from gramian.results.plain_design import WIDEST, Arrays, taken

CONTENT = ("kind", "clusters", "like", "factor", "df", "groups", "negative")
ARRAYS = ("robust/inner", "robust/told")
MOST = 2**63


def from_robust(robust: Robust | None) -> tuple[dict[str, object] | None, dict[str, NDArray[Any]]]:
    """Manifest and arrays; nothing for none."""
    if robust is None:
        return None, {}
    made = robust.recipe
    values = (made.kind, list(made.clusters), made.like, plain.from_number(robust.factor), plain.from_number(robust.df),
              list(robust.groups), robust.negative)  # fmt: skip
    return dict(zip(CONTENT, values, strict=True)), dict(zip(ARRAYS, (robust.inner, robust.told), strict=True))


def robust(obj: object, width: int, arrays: Arrays) -> Robust | None:
    """What `from_robust` wrote, for `width` columns; ValueError for anything else."""
    if obj is None:
        return None
    kind, clusters, like, factor, df, groups, negative = plain.fields(obj, CONTENT)
    inner, told = (taken(arrays, name, "float64", (width, width)) for name in ARRAYS)
    counts = tuple(plain.whole(n, 2, MOST) for n in plain.sequence(groups))
    columns = plain.texts(clusters)
    if plain.text(kind) not in (CR if columns else HC) or len(counts) != len(columns):
        plain.wrong("a kind of covariance with a number of clusters for each column", kind)
    if like is not None and plain.text(like) not in LIKE:
        plain.wrong("the name of a convention", like)
    made = Recipe(kind, columns, like)
    return Robust(made, inner, told, plain.number(factor), plain.number(df), counts, plain.whole(negative, 0, WIDEST))
