"""`--explain` says what would be read, how often and why, and stops before the pass."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

SAID = {
    ("fit", "y ~ x"): ("passes   2,", "because"),
    ("fit", "b ~ x", "--family", "binomial"): ("passes   about 2", "Newton's method for binomial"),
    ("curve", "y ~ logistic(x)"): ("200 at most", "'logistic' finds its own start", "linear in"),
    ("curve", "y ~ a * exp(-k * x)", "--start", "a=1,k=1"): ("values given for a, k", "Gauss-Newton"),
    ("compare", "y ~ x"): ("1 for the moments, then up to 10 for sgd", "8 methods beside each other"),
    ("compare", "y ~ x", "--methods", "best-rate"): ("passes   1 for the moments\n", "best-rate"),
    ("derive", "y ~ x", "--polynomial", "2"): ("every row, 200 at most", "I(x^2)", "exact elimination"),
}


@pytest.fixture(scope="module")
def file(tmp_path_factory):  # type: ignore[no-untyped-def]
    path = tmp_path_factory.mktemp("explain") / "points.parquet"
    x = np.linspace(0.0, 4.0, 30)
    pq.write_table(pa.table({"x": x, "y": 3 / (1 + np.exp(2 - x)), "b": (x > 2) * 1.0}), path)
    return path


@pytest.mark.parametrize("arguments", SAID, ids=" ".join)
def test_explain(file, arguments: tuple[str, ...]) -> None:  # type: ignore[no-untyped-def]
    command, formula, *options = arguments
    words = [sys.executable, "-m", "gramian", command, formula, str(file), *options, "--explain"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for said in (*SAID[arguments], "points.parquet: 30 rows", "columns  2 of 3"):
        assert said in done.stdout
