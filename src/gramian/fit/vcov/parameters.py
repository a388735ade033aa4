"""How many parameters a robust covariance counts beside absorbed factors, q of its small-sample factors."""

from __future__ import annotations

from collections.abc import Mapping

from gramian.fit.leastsquares.solution import Solved
from gramian.inference.small_sample import SmallSample
from gramian.linalg.absorb.partial_out import rank_of
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
    absorbed_rank = absorbed.rank if small_sample.exact_rank else _levels_rank(absorbed.levels, tuple(absorbed.levels))
    if not nested or not small_sample.drop_nested:
        return float(solved.rank + absorbed_rank)
    nested_rank = rank_of(moments, nested)[0] if small_sample.exact_rank else _levels_rank(absorbed.levels, nested)
    # both ranks contain the constant: it is subtracted with the nested levels, and counted again
    return float(solved.rank + max(absorbed_rank - nested_rank, 0) + 1)


def _levels_rank(levels: Mapping[str, int], factors: tuple[str, ...]) -> int:
    """As if the levels of each factor after the first repeated one dimension only."""
    return sum(levels[f] for f in factors) - (len(factors) - 1)
