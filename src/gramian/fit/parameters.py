"""How many parameters a robust covariance counts beside absorbed factors."""

from __future__ import annotations

from collections.abc import Mapping

from gramian.fit.solved import Solved
from gramian.inference.recipes import Recipe
from gramian.linalg.absorb import rank_of
from gramian.linalg.moments import Moments


def parameters(solved: Solved, moments: Moments, recipe: Recipe, nested: tuple[str, ...]) -> float:
    """Coefficients, and the dimension that absorbed levels add to those of the factors nested in clusters.

    These are not counted, but for one, the constant that is in them. moments : with the sums over levels.
    """
    known, how = solved.absorbed, recipe.convention
    if known is None:
        return solved.leverage
    whole = known.rank if how.exact else _counted(known.levels, tuple(known.levels))
    if not nested or not how.nested:
        return float(solved.rank + whole)
    within = rank_of(moments, nested)[0] if how.exact else _counted(known.levels, nested)
    return float(solved.rank + max(whole - within, 0) + 1)


def _counted(levels: Mapping[str, int], factors: tuple[str, ...]) -> int:
    """As if the levels of each factor after the first repeated one dimension only."""
    return sum(levels[f] for f in factors) - (len(factors) - 1)
