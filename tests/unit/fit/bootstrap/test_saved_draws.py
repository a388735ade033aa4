"""Draws come back from a file as they were."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner

import gramian as gm
from gramian.cli.main import gramian
from gramian.errors import ArtifactError
from gramian.saved import load_fit, load_gram

RNG = np.random.default_rng(5)
N = 120
DATA = pd.DataFrame({"x": RNG.normal(size=N), "t": RNG.integers(0, 2, N), "firm": np.arange(N) % 9})
DATA["y"] = DATA.x + DATA.t + RNG.normal(size=N)
FIT = gm.ols("y ~ x + t", DATA, vcov={"cluster": "firm"})
RESULTS = {
    "wild": lambda: FIT.wild_bootstrap("x = 0.5", draws=99, seed=1, weights="webb"),
    "joint": lambda: FIT.wild_bootstrap("x = 0, t = 0", draws=99, seed=1),
    "pairs": lambda: FIT.bootstrap(draws=59, seed=2),
    "rows": lambda: FIT.bootstrap(by="row", draws=59, seed=3),
    "jackknife": lambda: FIT.jackknife(),
    "randomization": lambda: FIT.randomization("t", draws=99, seed=4),
}


def same(a, b):
    if isinstance(a, np.ndarray):
        np.testing.assert_array_equal(a, b)
    elif isinstance(a, pa.Array):
        assert a.equals(b)
    elif hasattr(a, "__dataclass_fields__"):
        for field in fields(a):
            same(getattr(a, field.name), getattr(b, field.name))
    else:
        assert a == b or (a != a and b != b)  # NaN for what several equations do not have


@pytest.mark.parametrize("name", RESULTS)
def test_a_file_gives_the_draws_back(name, tmp_path):
    found, path = RESULTS[name](), tmp_path / "draws"
    found.save(path)
    read = gm.load(path)
    assert type(read) is type(found)
    same(read, found)
    assert str(read) == str(found)
    shown = CliRunner().invoke(gramian, ["inspect", str(path)]).stdout
    assert str(found).splitlines()[0][:40] in shown
    for load, kind in ((load_fit, "fit"), (load_gram, "Gram")):
        with pytest.raises(ArtifactError, match=f"a result of draws, not a {kind}"):
            load(path)
