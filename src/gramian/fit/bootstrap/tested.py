"""Hypotheses tested by the wild cluster bootstrap: one equation, several at once, or every coefficient by itself."""

from __future__ import annotations

import numpy as np

from gramian.errors import OptionError
from gramian.fit.bootstrap.joint import joint_test
from gramian.fit.bootstrap.result import BootstrapTest
from gramian.fit.bootstrap.sums import BootstrapSums
from gramian.fit.bootstrap.wild import Equation, WildOptions, equations, one_equation, wild_test
from gramian.fit.bootstrap.wild_table import WildTests
from gramian.fit.leastsquares.solution import Solved


def tested(solved: Solved, sums: BootstrapSums, hypothesis: str, options: WildOptions) -> BootstrapTest:
    """The test of one equation, or of several at once; raises as `wild_test` and `joint_test`."""
    R, _ = equations(solved, hypothesis)
    if len(R) > 1:
        return joint_test(solved, sums, hypothesis, options)
    return wild_test(solved, sums.spec, sums.ordered, one_equation(solved, hypothesis), options)


def wild_tests(solved: Solved, sums: BootstrapSums, options: WildOptions) -> WildTests:
    """Tests that single coefficients are 0, of all that the data determine. Raises OptionError where there are none."""
    at, own = np.flatnonzero(solved.identified).tolist(), sums.ordered
    if not at:
        raise OptionError("the data determine no coefficient, so there is nothing to test")
    rows = np.eye(len(solved.names))
    tests = [wild_test(solved, sums.spec, own, Equation(f"{solved.names[i]} = 0", rows[i], 0.0), options) for i in at]
    return WildTests(tuple(solved.names[i] for i in at), tuple(tests), options.seed)
