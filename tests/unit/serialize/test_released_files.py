"""A file that any released version wrote is read, and says what the same call says today."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from unit.serialize.released_files import DATA, HERE, MADE

import gramian as gm
from gramian.fit.gram.result import Gram
from gramian.fit.groups.result import Fits

FILES = sorted(HERE.glob("version-*/*"))
# sums of other releases may be added in another order, and predictions are below 100
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


def told(made):
    """Some numbers of anything that is saved."""
    if not isinstance(made, Gram):
        return [made.coefficients, made.predict(DATA)]
    fits = made.ols()
    numbers = [fit.coefficients for fit in (fits.values() if isinstance(fits, Fits) else [fits])]
    if made.folds:
        numbers.append(made.cross_validate(alphas=[1.0, 0.1]).mean_error)
    if made.groups:
        numbers += [fit.std_errors for fit in made.ols("y ~ z", each=True).values()]
    if made.cluster:
        numbers.append(made.ols(vcov={"cluster": list(made.cluster)}).std_errors)
    return numbers


def test_every_version_kept_its_files():
    assert {path.parent.name for path in FILES} >= {"version-0.1"}
    assert {path.name for path in FILES if path.parent.name == "version-0.1"} <= set(MADE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_is_read(path: Path):
    found, made = gm.load(path), MADE[path.name]()
    assert (type(found), found.formula, found.rows) == (type(made), made.formula, made.rows)
    for kept, now in zip(told(found), told(made), strict=True):
        np.testing.assert_allclose(kept, now, **CLOSE)
    assert getattr(found, "digest", None) == getattr(made, "digest", None)
