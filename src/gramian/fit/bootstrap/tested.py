"""A hypothesis of one equation or several, tested by the wild cluster bootstrap."""

from __future__ import annotations

from gramian.fit.bootstrap.joint import joint_test
from gramian.fit.bootstrap.result import BootstrapTest
from gramian.fit.bootstrap.sums import BootstrapSums
from gramian.fit.bootstrap.wild import WildOptions, equations, wild_test
from gramian.fit.leastsquares.solution import Solved


def tested(solved: Solved, sums: BootstrapSums, hypothesis: str, options: WildOptions) -> BootstrapTest:
    """The test; raises as `wild_test` and `joint_test`."""
    R, _ = equations(solved, hypothesis)
    if len(R) > 1:
        return joint_test(solved, sums, hypothesis, options)
    return wild_test(solved, sums.spec, sums.moments, hypothesis, options, outcome_is_residual=sums.residual)
