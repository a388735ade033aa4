"""How many parameters a robust covariance counts beside absorbed factors, q of its small-sample factors."""

from __future__ import annotations

from collections.abc import Mapping

from gramian.fit.leastsquares.solution import Solved
from gramian.inference.small_sample import SmallSample
from gramian.linalg.absorb.rank import rank_of
from gramian.linalg.moments import Moments


def parameter_count(solved: Solved, moments: Moments, small_sample: SmallSample, nested: tuple[str, ...]) -> float:
    """Number of coefficients, plus the dimension that absorbed levels add to them.

    Parameters
    ----------
    solved : Solved
        The fit.
    moments : Moments
        With the sums over the levels.
    small_sample : SmallSample
        Whose conventions hold.
    nested : tuple of str
        Absorbed factors that are nested in clusters: not counted, but for one dimension, the constant in their span.
    """
    absorbed = solved.absorbed
    if absorbed is None:
        return solved.leverage
    terms = solved.design.terms
    intercepts = {name: absorbed.levels[name] for name in terms.absorbed_intercepts}
    slopes = sum(len(own.variables) * absorbed.levels[name] for name, own in terms.slopes.items())
    absorbed_rank = absorbed.rank if small_sample.exact_rank else _levels_rank(intercepts, tuple(intercepts)) + slopes
    nested = tuple(name for name in nested if name in intercepts)  # slopes count, nested or not
    if not nested or not small_sample.drop_nested:
        return float(solved.rank + absorbed_rank)
    nested_rank = rank_of(moments, nested)[0] if small_sample.exact_rank else _levels_rank(intercepts, nested)
    # both ranks contain the constant: it is subtracted with the nested levels, and counted again
    return float(solved.rank + max(absorbed_rank - nested_rank, 0) + 1)


def _levels_rank(levels: Mapping[str, int], factors: tuple[str, ...]) -> int:
    """As if the levels of each factor after the first repeated one dimension only."""
    return sum(levels[f] for f in factors) - max(len(factors) - 1, 0)
