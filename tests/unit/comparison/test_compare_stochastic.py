from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from unit.comparison.loops import table

from gramian.comparison import compare

FORMULA = "y ~ x + z + v"
ROWS = 9_000


def loop(data, scaled, passes, rate=0.01, decay=1e-3, batch=64):
    """Averages of each pass."""
    columns = [data[k] for k in ("x", "z", "v")]
    if scaled:
        columns = [(c - c.mean()) / c.std() for c in columns]
    X, y = np.column_stack([np.ones(len(data["y"])), *columns]), data["y"]
    b, t, out = np.zeros(4), 0, []
    for _ in range(passes):
        seen = []
        for at in range(0, len(y), batch):
            rows, outcome = X[at : at + batch], y[at : at + batch]
            b = b - rate / (1 + decay * t) * rows.T @ (rows @ b - outcome) / len(outcome)
            seen.append(b)
            t += 1
        out.append(np.mean(seen, axis=0))
    minimum = np.linalg.lstsq(X, y, rcond=None)[0]
    return [np.linalg.norm(b - minimum) / np.linalg.norm(minimum) for b in out]


@pytest.mark.parametrize("scaled", [False, True])
def test_every_pass_is_that_of_a_plain_loop(scaled):
    data = table(0, rows=ROWS)
    told = compare(FORMULA, data, methods=["sgd"], scale_features=scaled, passes=5)
    history = told.history["sgd", scaled]
    assert history.errors[1:] == pytest.approx(loop(data, scaled, 5), rel=1e-8)
    assert history.iterations.tolist() == [141 * k for k in range(6)]


def test_how_the_data_were_cut_changes_nothing():
    data = table(1, rows=ROWS)
    whole = pa.table(data)
    pieces = pa.concat_tables([whole.slice(at, 1_037) for at in range(0, ROWS, 1_037)])
    runs = [compare(FORMULA, d, methods=["sgd"], passes=3) for d in (whole, pieces, pieces)]
    errors = [run.history["sgd", True].errors.tolist() for run in runs]
    assert errors[0] == pytest.approx(errors[1], rel=1e-9)
    assert errors[1] == errors[2]


def test_factors_shifts_and_missing_values():
    data = table(2, rows=2_000)
    rng = np.random.default_rng(5)
    data["x"] = np.where(rng.random(2_000) < 0.1, np.nan, data["x"] + 300)
    data["f"] = rng.choice(["a", "b", "c"], 2_000)
    data["f"][np.isnan(data["x"])] = "only in incomplete rows"
    told = compare("y ~ x + f + I(z^2)", data, methods=["sgd"], scale_features=True, passes=40, rate=0.05)
    assert told.history["sgd", True].errors[-1] < 1e-3
    assert told.rows == np.isfinite(data["x"]).sum()


def test_digits_that_were_reached_tell_their_passes():
    told = compare(FORMULA, table(0, rows=ROWS), methods=["sgd"], scale_features=True, digits=[1, 2, 12])
    one, two, never = told.entries
    assert 1 <= one.passes <= two.passes <= 10
    assert two.iterations == 141 * two.passes
    assert never.passes is None
    assert "digits after 10 passes" in never.status


def test_a_divergence_is_shown():
    told = compare(FORMULA, table(0, offset=1e3), methods=["sgd"], scale_features=False)
    assert told.entries[0].status.startswith("diverges")


def test_data_that_are_read_once_have_no_further_pass():
    batches = iter(pa.table(table(0)).to_batches())
    told = compare(FORMULA, batches, methods=["sgd", "best-rate"], scale_features=True)
    assert told.entry("sgd", 4, scaled=True).status.startswith("left out: the data can be read only once")
    assert told.entry("best-rate", 4, scaled=True).status == "reached"
