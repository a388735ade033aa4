"""Keyword arguments of methods that draw: the bootstraps, the jackknife and randomization inference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

from gramian.keywords import Columns

if TYPE_CHECKING:  # as in `keywords`
    from gramian.engines.choice import Engine

BootstrapBy: TypeAlias = Literal["cluster", "row"]


class ClusterSumsKeywords(TypedDict, total=False):
    """Of sums by cluster."""

    cluster: str | None
    engine: Engine | str | None


class RandomKeywords(ClusterSumsKeywords, total=False):
    """Of random draws."""

    draws: int
    seed: int | None


class BootstrapKeywords(RandomKeywords, total=False):
    """Of a bootstrap of clusters or rows."""

    by: BootstrapBy | None
    weights: str | None


class RandomizationKeywords(RandomKeywords, total=False):
    """Of randomization inference."""

    strata: Columns | None
    alternative: str
    level: float


class DrawsKeywords(RandomKeywords, total=False):
    """Of the draws of a wild bootstrap, and of intervals."""

    weights: str
    restricted: bool
    level: float


class WildKeywords(DrawsKeywords, total=False):
    """Of a wild bootstrap."""

    alternative: str
