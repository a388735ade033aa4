from __future__ import annotations

import json

import numpy as np
import pytest
from unit.comparison.loops import table

from gramian.comparison import compare, sweep
from gramian.comparison.history import log_spaced_iterations
from gramian.errors import OptionError

FORMULA = "y ~ x + z + v"


@pytest.fixture(scope="module")
def told():
    return compare(FORMULA, table(0, offset=1e3), passes=2)


def test_the_table_has_a_row_for_each_method_scaling_and_digits(told):
    assert told.table.num_rows == 8 * 2 * 4
    assert told.table.column_names == [
        "method", "scaled", "digits", "iterations", "passes", "predicted_iterations", "seconds", "flops",
        "chosen_by_hand", "status",
    ]  # fmt: skip


def test_json_has_no_bare_infinity(told):
    plain = json.loads(json.dumps(told.to_dict(), allow_nan=False))
    assert plain["schema"] == "gramian.compare/1"
    assert len(plain["table"]) == told.table.num_rows
    assert len(plain["history"]) == 16


def test_the_summary_answers_the_questions(told):
    text = str(told)
    assert "Gradient descent needs feature scaling here" in " ".join(text.split())
    prose = [line for line in text.splitlines() if line.count("  ") < 4]
    assert max(map(len, prose)) <= 104
    assert "would take" in text
    assert "one solve" in text
    assert max(map(len, text.splitlines()[:12])) <= 120
    assert told._repr_html_().count("<table>") == 2
    assert repr(told).startswith("Comparison('y ~ x + z + v', rows=400, raw condition")


def test_scaling_that_changes_little_is_not_praised():
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=500), "z": rng.normal(size=500)}
    data["y"] = 1 + data["x"] - data["z"] + rng.normal(size=500)
    assert "scaling matters little here" in str(compare("y ~ x + z", data, passes=1))


def test_it_is_frozen(told):
    with pytest.raises(AttributeError):
        told.rows = 3


def test_histories_are_thinned():
    assert log_spaced_iterations(5).tolist() == [0, 1, 2, 3, 4, 5]
    assert log_spaced_iterations(10**9)[[0, 1, -1]].tolist() == [0, 1, 10**9]
    assert len(log_spaced_iterations(10**9)) <= 1001


def test_a_sweep_measures_and_reports_a_crossover():
    swept = sweep((5, 10, 20, 40))
    assert swept.features == (5, 10, 20, 40)
    assert (swept.solve > 0).all()
    assert swept.crossover(100) == pytest.approx(10 * swept.crossover(10))
    assert str(swept).count("million rows") == 1
    assert "steps on the moments cost less than the solve" in str(swept)
    json.dumps(swept.to_dict(), allow_nan=False)


def test_a_sweep_stops_when_its_time_is_over():
    assert sweep((5, 4000), seconds=0.0).features == (5,)


def test_features_must_grow():
    with pytest.raises(OptionError, match="increasing"):
        sweep((20, 10))
