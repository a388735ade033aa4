"""A fit with the Gram of its pass: what is refused is refused before a row is read."""

import numpy as np
import pytest

from gramian.api.sums import fit_and_gram
from gramian.errors import OptionError


class Unread:
    """An engine that must not be asked for a pass."""

    def fold(self, source, task, /, progress=None):
        raise AssertionError("a pass was made")


@pytest.mark.parametrize(("solver", "collinear"), [("iterative", "drop"), ("dual", "min-norm")])
def test_a_solver_without_products_is_refused_before_it_solves(solver, collinear, monkeypatch):
    monkeypatch.setattr("gramian.fit.wide.fit.fit_by", lambda *_: pytest.fail("a wide fit was made"))
    rows = {"X": np.random.default_rng(1).normal(size=(30, 3)), "y": np.arange(30.0)}
    with pytest.raises(OptionError, match='solver="gram"'):
        fit_and_gram("y ~ X", rows, solver=solver, collinear=collinear, engine=Unread())
